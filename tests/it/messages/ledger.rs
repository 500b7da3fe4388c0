use std::error::Error;
use std::io;
use std::path::PathBuf;

use eol_inject::ledger::{LedgerError, Refusal};
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
        Refusal::Rehoused {
            serial: serial.clone(),
            at: "2026-11-24T09:00:00.000Z".to_owned(),
            to: "GW000112".to_owned(),
        },
        Refusal::BoardTaken {
            serial: serial.clone(),
            uid: "9f02".to_owned(),
            holder: "GW000011".parse().unwrap(),
        },
        Refusal::OtherToken {
            serial: serial.clone(),
            fingerprint: fingerprint(),
            whose: "belongs to GW000011".to_owned(),
        },
        Refusal::PoolEmpty {
            serial: serial.clone(),
        },
        Refusal::Twice { serial },
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
    insta::assert_snapshot!(listing(LedgerError::VARIANTS, &samples));
}

fn about_units() -> Vec<LedgerError> {
    let (serial, fingerprint) = (serial(), fingerprint());
    vec![
        LedgerError::SerialsUsedUp {
            format: "GW{:06}".to_owned(),
        },
        LedgerError::SerialFormat {
            format: "GW/{:06}".to_owned(),
            source: "GW/1".parse::<Serial>().unwrap_err(),
        },
        LedgerError::NotReleasable {
            serial: serial.clone(),
            reason: "it is delivered and carries its token; void it to burn the token".to_owned(),
        },
        LedgerError::NotVoidable {
            serial: serial.clone(),
            reason: "it is in work at station L2; end that run first".to_owned(),
        },
        LedgerError::NotReworkable {
            serial: serial.clone(),
            reason: "it is void since 2026-11-24T09:00:00.000Z".to_owned(),
        },
        LedgerError::NotLabelled {
            serial: serial.clone(),
            state: "reserved",
        },
        LedgerError::NoUnit {
            serial: serial.clone(),
        },
        LedgerError::Stale {
            serial: serial.clone(),
            held: 1,
            current: 2,
            station: "L2".to_owned(),
        },
        LedgerError::WrongReceipt {
            serial,
            fingerprint,
            found: "GW000013 with token 0a1b2c3d4e5f".to_owned(),
        },
        LedgerError::ListConflict {
            row: 7,
            fingerprint,
            what: "it is known with another QR Token".to_owned(),
        },
        LedgerError::Unbound {
            row: 3,
            fingerprint,
        },
        LedgerError::Row {
            row: 7,
            serial: self::serial(),
            what: "its board is GW000011 already".to_owned(),
        },
        LedgerError::OriginMixed {
            has: "export".to_owned(),
            list: "generated".to_owned(),
        },
        LedgerError::ImportBusy {
            station: "L2".to_owned(),
        },
        LedgerError::SimulatedMixed {
            has: "real",
            asked: "simulated",
        },
        LedgerError::Unsealed {
            fingerprint,
            column: "AuthToken",
        },
    ]
}

fn about_files() -> Vec<LedgerError> {
    let path = || PathBuf::from("gw100.ledger");
    let key = || PathBuf::from("gw100.ledger.key");
    vec![
        LedgerError::Absent { path: path() },
        LedgerError::NotALedger { path: path() },
        LedgerError::SchemaNewer { found: 3, known: 1 },
        LedgerError::Exposed {
            path: key(),
            mode: 0o644,
        },
        LedgerError::KeyMissing { path: key() },
        LedgerError::KeyDamaged { path: key() },
        LedgerError::KeyUnread {
            from: "the variable EOL_LEDGER_KEY".to_owned(),
            what: "environment variable not found".to_owned(),
        },
        LedgerError::KeyWrong {
            path: key(),
            has: "0011223344556677".to_owned(),
            wants: "8899aabbccddeeff".to_owned(),
        },
        LedgerError::Busy { seconds: 20 },
        LedgerError::Full { source: cause() },
        LedgerError::ReadOnly { source: cause() },
        LedgerError::Damaged {
            what: "a page of its file was changed or lost".to_owned(),
            source: Some(cause()),
        },
        LedgerError::Damaged {
            what: "token 7 is missing".to_owned(),
            source: None,
        },
        LedgerError::Storage { source: cause() },
        LedgerError::File {
            path: key(),
            source: io::Error::from(io::ErrorKind::PermissionDenied),
        },
    ]
}
