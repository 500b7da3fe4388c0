use eol_inject::ledger::{
    KeyError, LedgerError, ListError, OpenError, PartError, Refusal, RestoreError, StorageError,
    UnitError,
};
use std::error::Error;
use std::io;
use std::path::PathBuf;

use eol_inject::pool::Place;
use eol_inject::unit::{AuthToken, Fingerprint, Serial};
use strum::VariantNames as _;

use super::{Sample, listing};

fn serial() -> Serial {
    "GW000012".parse().unwrap()
}

fn fingerprint() -> Fingerprint {
    let token = b"-bcdefghijklmnopqrstuvwxyz_12345";
    AuthToken::parse(token).unwrap().fingerprint()
}

fn cause() -> Box<dyn Error + Send + Sync> {
    "disk I/O error".into()
}

#[test]
fn refusals() {
    let serial = serial();
    let samples = [
        Refusal::Void {
            serial: serial.clone(),
            at: "2026-11-24T09:00:00.000Z".to_owned(),
            by: "anna at L1".to_owned(),
            reason: "board broke".to_owned(),
        },
        Refusal::CheckedOut {
            serial: serial.clone(),
            part: 3,
            station: "S1".to_owned(),
        },
        Refusal::PartOpen {
            serial: serial.clone(),
            part: 3,
            station: "S1".to_owned(),
        },
        Refusal::NotOfPart {
            serial: serial.clone(),
            part: 3,
        },
        Refusal::Closed {
            serial: serial.clone(),
            part: 3,
        },
        Refusal::Quarantined {
            serial: serial.clone(),
        },
        Refusal::InWork {
            serial: serial.clone(),
            station: "L2".to_owned(),
        },
        Refusal::BoundElsewhere {
            serial: serial.clone(),
            state: "gone",
        },
        Refusal::Finished {
            serial: serial.clone(),
            image: "0a1b2c3d4e5f".to_owned(),
            wanted: "f5e4d3c2b1a0".to_owned(),
        },
        Refusal::OtherBoard {
            serial: serial.clone(),
            claimed: "9f02".to_owned(),
            seen: "9f03".to_owned(),
        },
        Refusal::InDoubt {
            serial: serial.clone(),
            seen: "its board told no number, and this one does not hold its token",
        },
        Refusal::Rehoused {
            serial: serial.clone(),
            at: "2026-11-24T09:00:00.000Z".to_owned(),
            to: "GW000112".to_owned(),
        },
        Refusal::BoardTaken {
            serial: serial.clone(),
            holder: "GW000011".parse().unwrap(),
            sign: "number",
        },
        Refusal::BoardMade {
            serial: serial.clone(),
            holder: "GW000011".parse().unwrap(),
        },
        Refusal::OtherToken {
            serial: serial.clone(),
            fingerprint: fingerprint(),
            whose: "this ledger gave to no unit".to_owned(),
        },
        Refusal::MadeElsewhere {
            serial: serial.clone(),
        },
        Refusal::Erased {
            serial: serial.clone(),
        },
        Refusal::PoolEmpty {
            serial: serial.clone(),
        },
        Refusal::NotListed {
            serial: serial.clone(),
        },
        Refusal::Duplicate { serial },
    ];
    let samples = samples.map(|refusal| Sample(refusal.name(), Box::new(refusal)));
    insta::assert_snapshot!(listing(Refusal::VARIANTS, &samples));
}

#[test]
fn ledger_errors() {
    let samples = about_units().into_iter().chain(about_files());
    let samples: Vec<Sample> = samples
        .map(|error| Sample(error.name(), Box::new(error)))
        .collect();
    insta::assert_snapshot!(listing(&LedgerError::names(), &samples));
}

fn about_units() -> Vec<LedgerError> {
    let (serial, fingerprint) = (serial(), fingerprint());
    vec![
        LedgerError::Unit(UnitError::SerialsUsedUp {
            format: "GW{:06}".to_owned(),
            part: Some(3),
            left: 2,
        }),
        LedgerError::Unit(UnitError::SerialFormat {
            format: "GW/{:06}".to_owned(),
            source: "GW/1".parse::<Serial>().unwrap_err(),
        }),
        LedgerError::Unit(UnitError::NotReleasable {
            serial: serial.clone(),
            reason: "it is delivered and carries its token; void it to burn the token".to_owned(),
        }),
        LedgerError::Unit(UnitError::NotVoidable {
            serial: serial.clone(),
            reason: "it is in work at station L2; end that run first".to_owned(),
        }),
        LedgerError::Unit(UnitError::NotReworkable {
            serial: serial.clone(),
            reason: "it is void since 2026-11-24T09:00:00.000Z".to_owned(),
        }),
        LedgerError::Unit(UnitError::NotLabelled {
            serial: serial.clone(),
            state: "reserved",
        }),
        LedgerError::Unit(UnitError::NoUnit {
            serial: serial.clone(),
        }),
        LedgerError::Unit(UnitError::Stale {
            serial: serial.clone(),
            held: 1,
            current: 2,
            station: "L2".to_owned(),
        }),
        LedgerError::Unit(UnitError::WrongReceipt {
            serial,
            fingerprint,
            found: "GW000013 with token 0a1b2c3d4e5f".to_owned(),
        }),
        LedgerError::List(ListError::ListConflict {
            place: Place::line(7),
            what: "it is known with another QR Token".to_owned(),
        }),
        LedgerError::Part(PartError::PartShort {
            wanted: 500,
            free: 18,
        }),
        LedgerError::Part(PartError::PartSerial {
            serial: self::serial(),
            what: "it is delivered here".to_owned(),
        }),
        LedgerError::Part(PartError::PartBegun {
            part: 3,
            station: "S1".to_owned(),
            count: 500,
            what: "split the same number again, or void the part",
        }),
        LedgerError::Part(PartError::NoPart { part: 3 }),
        LedgerError::Part(PartError::PartState {
            part: 3,
            state: "merged",
            what: "it cannot be voided any more",
        }),
        LedgerError::Part(PartError::IsPart {
            part: 3,
            what: "its tokens come from that one only, by split",
        }),
        LedgerError::Part(PartError::NotAPart),
        LedgerError::Restore(RestoreError::NextNumber {
            format: "GW{:06}".to_owned(),
            known: 18,
            given: None,
        }),
        LedgerError::Restore(RestoreError::NextNumber {
            format: "GW{:06}".to_owned(),
            known: 18,
            given: Some(7),
        }),
        LedgerError::Restore(RestoreError::NoToken { fingerprint }),
        LedgerError::Restore(RestoreError::TokensMissing {
            count: 2,
            first: fingerprint,
        }),
        LedgerError::Restore(RestoreError::MirrorProduct {
            product: "GW-200".to_owned(),
            wanted: "GW-100".to_owned(),
        }),
        LedgerError::Restore(RestoreError::ListsSince { lists: 1 }),
        LedgerError::Part(PartError::PartOther {
            wants: "0a1b2c3d4e5f".to_owned(),
            has: "f5e4d3c2b1a0".to_owned(),
        }),
        LedgerError::Part(PartError::PartConflict {
            part: 3,
            first: "GW000012: it is delivered here".to_owned(),
            findings: vec![eol_inject::ledger::Finding {
                about: "GW000012".to_owned(),
                what: "it is delivered here".to_owned(),
            }],
        }),
        LedgerError::List(ListError::Unbound {
            place: Place::row(3),
        }),
        LedgerError::List(ListError::Row {
            place: Place::line(7),
            serial: self::serial(),
            what: "its board is GW000011 already".to_owned(),
        }),
        LedgerError::List(ListError::OrganisationMixed {
            has: "17".to_owned(),
            list: "18".to_owned(),
        }),
        LedgerError::List(ListError::OriginMixed {
            has: "export".to_owned(),
            list: "generated".to_owned(),
        }),
        LedgerError::Open(OpenError::ImportBusy {
            station: "L2".to_owned(),
        }),
        LedgerError::Open(OpenError::SimulatedMixed {
            has: "real",
            asked: "simulated",
        }),
        LedgerError::Key(KeyError::Rotated),
        LedgerError::Key(KeyError::RunsLive {
            station: "L2".to_owned(),
        }),
        LedgerError::Key(KeyError::KeyRetired {
            path: "gw100.ledger.key.next".into(),
            id: "0011223344556677".to_owned(),
        }),
        LedgerError::Key(KeyError::KeyBefore {
            id: "0011223344556677".to_owned(),
        }),
        LedgerError::Key(KeyError::KeyInUse {
            what: "another program has the ledger open: end it first",
        }),
        LedgerError::Key(KeyError::Unsealed {
            fingerprint,
            column: "AuthToken",
        }),
    ]
}

fn about_files() -> Vec<LedgerError> {
    let path = || PathBuf::from("gw100.ledger");
    let key = || PathBuf::from("gw100.ledger.key");
    vec![
        LedgerError::Open(OpenError::Absent { path: path() }),
        LedgerError::Open(OpenError::Lost {
            path: path(),
            traces: vec![key()],
        }),
        LedgerError::Open(OpenError::Lost {
            path: path(),
            traces: vec![key(), "gw100.ledger.runs".into()],
        }),
        LedgerError::Open(OpenError::StillOpen { path: path() }),
        LedgerError::Open(OpenError::Begun),
        LedgerError::List(ListError::ListUndecided { tokens: 20 }),
        LedgerError::Open(OpenError::NotALedger { path: path() }),
        LedgerError::Open(OpenError::SchemaNewer { found: 3, known: 2 }),
        LedgerError::Key(KeyError::KeyForeign {
            path: key(),
            owner: 1000,
            own: 1001,
        }),
        LedgerError::Key(KeyError::KeyLink { path: key() }),
        LedgerError::Key(KeyError::KeyPlanted {
            path: "gw100.ledger.key.next".into(),
            id: "0011223344556677".to_owned(),
        }),
        LedgerError::Part(PartError::PartUnsigned),
        LedgerError::Part(PartError::PartForged {
            what: "its tokens, serials or facts are others".to_owned(),
        }),
        LedgerError::Part(PartError::PartForStation {
            to: "0011223344556677".to_owned(),
            has: "8899aabbccddeeff".to_owned(),
        }),
        LedgerError::Part(PartError::HomeOther {
            home: "00112233445566778899aabbccddeeff".to_owned(),
            pinned: "ffeeddccbbaa99887766554433221100".to_owned(),
        }),
        LedgerError::Part(PartError::HomeUnknown {
            home: "00112233445566778899aabbccddeeff".to_owned(),
        }),
        LedgerError::Open(OpenError::SchemaOlder {
            found: 1,
            oldest: 3,
        }),
        LedgerError::Storage(StorageError::Forged {
            what: "fact simulated".to_owned(),
        }),
        LedgerError::Key(KeyError::Exposed {
            path: key(),
            mode: 0o644,
        }),
        LedgerError::Key(KeyError::KeyMissing { path: key() }),
        LedgerError::Key(KeyError::KeyDamaged { path: key() }),
        LedgerError::Key(KeyError::KeyUnread {
            from: "the variable EOL_LEDGER_KEY".to_owned(),
            what: "environment variable not found".to_owned(),
        }),
        LedgerError::Key(KeyError::KeyWrong {
            path: key(),
            has: "0011223344556677".to_owned(),
            wants: "8899aabbccddeeff".to_owned(),
        }),
        LedgerError::Restore(RestoreError::Mirror {
            path: "mirror/0a1b2c3d4e5f6071-0.jsonl".into(),
            source: io::Error::from(io::ErrorKind::StorageFull),
        }),
        LedgerError::Restore(RestoreError::MirrorGone {
            path: "mirror/0a1b2c3d4e5f6071-0.jsonl".into(),
        }),
        LedgerError::Restore(RestoreError::MirrorAhead {
            path: "mirror/0a1b2c3d4e5f6071-0.jsonl".into(),
            seq: 18,
        }),
        LedgerError::Restore(RestoreError::MirrorAbsent {
            path: "mirror".into(),
        }),
        LedgerError::Restore(RestoreError::MirrorOther {
            path: "mirror/0a1b2c3d4e5f6071-0.jsonl".into(),
            has: "f5e4d3c2b1a0".to_owned(),
        }),
        LedgerError::Restore(RestoreError::MirrorDamaged {
            path: "mirror/0a1b2c3d4e5f6071-0.jsonl".into(),
            what: "line 7 is no event".to_owned(),
        }),
        LedgerError::Storage(StorageError::Address {
            what: "it names no host".to_owned(),
        }),
        LedgerError::Storage(StorageError::NoSchema {
            schema: "eol_inject".to_owned(),
        }),
        LedgerError::Storage(StorageError::Unreachable {
            seconds: 30,
            source: cause(),
        }),
        LedgerError::Storage(StorageError::Overtaken),
        LedgerError::Storage(StorageError::Busy { seconds: 20 }),
        LedgerError::Storage(StorageError::Full { source: cause() }),
        LedgerError::Storage(StorageError::ReadOnly { source: cause() }),
        LedgerError::Storage(StorageError::NoRights {
            source: "db error: ERROR: permission denied for table units".into(),
        }),
        LedgerError::Storage(StorageError::Occupied {
            path: "back.part".into(),
        }),
        LedgerError::Storage(StorageError::Damaged {
            what: "a page of its file was changed or lost".to_owned(),
            source: Some(cause()),
        }),
        LedgerError::Storage(StorageError::Damaged {
            what: "token 7 is missing".to_owned(),
            source: None,
        }),
        LedgerError::Storage(StorageError::Storage { source: cause() }),
        LedgerError::Storage(StorageError::File {
            path: key(),
            source: io::Error::from(io::ErrorKind::PermissionDenied),
        }),
    ]
}
