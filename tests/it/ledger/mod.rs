//! One contract for every back end, and what only the embedded ledger promises.

mod claims;
mod finish;
#[cfg(feature = "sqlite")]
pub mod forgery;
mod histories;
mod joining;
#[cfg(feature = "sqlite")]
mod large;
mod lists;
mod met;
#[cfg(feature = "sqlite")]
mod mirror;
pub mod model;
mod parts;
#[cfg(all(feature = "postgres", unix))]
pub mod postgres;
mod records;
mod restored;
mod rework;
#[cfg(feature = "sqlite")]
pub mod shift;
#[cfg(feature = "sqlite")]
pub mod sqlite;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use eol_inject::image::{Address, Hint, Image};
use eol_inject::ledger::{
    Actor, Attempt, Claim, Failure, Finished, Identity, Ledger, Receipt, Recipient, Refusal,
    Reservation, Scope, Simulated, StationKey, Target, UnitRecord,
};
use eol_inject::master::{self, Master};
use eol_inject::pool::{Pool, Row};
use eol_inject::recipe::Recipe;
use eol_inject::seal::seal;
use eol_inject::unit::{AuthToken, Digest, Fingerprint, Serial, Values};
use zeroize::Zeroizing;

use self::model::Memory;

/// One ledger that can be opened again and again; dropping a handle is a crash.
pub trait Bench {
    fn open_for(&self, scope: &Scope, identity: Identity) -> Ledger;

    fn open(&self, station: &str) -> Ledger {
        self.open_for(&scope(), identity(station))
    }

    /// Opens it with a mirror in a folder.
    #[cfg(feature = "sqlite")]
    fn mirrored(&self, folder: &std::path::Path, station: &str) -> Ledger;

    /// Another, empty ledger of the same kind.
    fn another(&self) -> Box<dyn Bench>;
}

/// In memory.
pub struct InMemory(Memory);

impl InMemory {
    pub fn new() -> Self {
        Self(Memory::new())
    }
}

impl Bench for InMemory {
    fn open_for(&self, scope: &Scope, identity: Identity) -> Ledger {
        self.0.open(scope, identity).unwrap()
    }

    #[cfg(feature = "sqlite")]
    fn mirrored(&self, folder: &std::path::Path, station: &str) -> Ledger {
        let ledger = self.0.open(&scope(), identity(station)).unwrap();
        ledger.mirrored(folder).unwrap()
    }

    fn another(&self) -> Box<dyn Bench> {
        Box::new(Self::new())
    }
}

/// Makes a test of each named function for every back end.
macro_rules! contract {
    ($($name:ident)*) => {
        mod memory {
            $(#[test]
            fn $name() {
                super::$name(&crate::ledger::InMemory::new());
            })*
        }
        #[cfg(feature = "sqlite")]
        mod sqlite {
            $(#[test]
            fn $name() {
                super::$name(&crate::ledger::sqlite::InFile::new());
            })*
        }
        #[cfg(all(feature = "postgres", unix))]
        mod postgres {
            $(#[test]
            fn $name() {
                if let Some(bench) = crate::ledger::postgres::OnServer::new() {
                    super::$name(&bench);
                }
            })*
        }
    };
}
pub(crate) use contract;

pub fn scope() -> Scope {
    Scope {
        product: "GW-100".to_owned(),
        template: Some("TMPLgw100demo".to_owned()),
    }
}

pub fn identity(station: &str) -> Identity {
    Identity {
        station: station.to_owned(),
        simulated: Simulated::No,
    }
}

pub fn actor(station: &str) -> Actor {
    Actor {
        station: station.to_owned(),
        by: Some("anna".to_owned()),
        reason: Some("scrapped".to_owned()),
    }
}

/// The halves of one station's key; they fit, as `cryptography` for Python computed them too.
const SECRET: &str = "eol-inject station key 1\n\
    0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20\n";
pub const PUBLIC: &str = "eol-inject station public key 2\n\
    07a37cbc142093c8b755dc1b10e86cb426374ad16aa853ed0bdfc0b2b86d1c7c\
    43d9e8d4bbe7bb41f2a020b70383db18a6a17a4eedbb91eb1e0811a5052f8e5e\n";

pub fn station_key() -> StationKey {
    StationKey::parse(SECRET).unwrap()
}

pub fn recipient() -> Recipient {
    Recipient::parse(PUBLIC).unwrap()
}

pub fn serial(text: &str) -> Serial {
    text.parse().unwrap()
}

/// The text of token `n`: some start with `-`, some with `_`.
pub fn token_text(n: usize) -> String {
    let first = ['-', '_', 'a', 'Z'][n % 4];
    format!("{first}oken{n:027}")
}

pub fn token(n: usize) -> AuthToken {
    AuthToken::parse(token_text(n).as_bytes()).unwrap()
}

pub fn print_of(n: usize) -> Fingerprint {
    token(n).fingerprint()
}

pub fn qr_text(n: usize) -> String {
    format!("sqr_{n:032}+17")
}

pub fn row(n: usize) -> Row {
    Row {
        token: token(n),
        qr: Some(qr_text(n).parse().unwrap()),
        picture: Some(format!("picture of {n}").into_bytes()),
        bound: None,
        columns: BTreeMap::from([(
            "MAC".to_owned(),
            Zeroizing::new(format!("secret column {n}")),
        )]),
        claimed: false,
    }
}

pub fn list(rows: impl IntoIterator<Item = Row>) -> Pool {
    Pool {
        rows: rows.into_iter().collect(),
        ..Pool::default()
    }
}

/// A ledger at station L1 with tokens 0 to `count`.
pub fn stocked(bench: &dyn Bench, count: usize) -> Ledger {
    let mut ledger = bench.open("L1");
    ledger
        .import(&list((0..count).map(row)), &actor("L1"))
        .unwrap();
    ledger
}

pub fn image(text: &str) -> Digest {
    Digest::of(text.as_bytes())
}

pub fn claim(text: &str) -> Claim {
    Claim {
        serial: serial(text),
        uid: None,
        seated: eol_inject::ledger::Seated::Unknown,
        image: image("v1"),
        recipe: image("recipe"),
        target: Target::File,
        finished: Finished::Written,
    }
}

pub fn on_board(text: &str, uid: &str) -> Claim {
    Claim {
        uid: Some(uid.to_owned()),
        target: Target::Probe,
        ..claim(text)
    }
}

pub fn answer(ledger: &mut Ledger, claim: &Claim) -> Result<Attempt, Refusal> {
    let mut answers = ledger.reserve(std::slice::from_ref(claim)).unwrap();
    assert_eq!(answers.len(), 1);
    answers.remove(0)
}

pub fn go(ledger: &mut Ledger, claim: &Claim) -> Reservation {
    match answer(ledger, claim).unwrap() {
        Attempt::Go(reservation) => reservation,
        Attempt::Done { .. } => panic!("{} is done already", claim.serial),
    }
}

pub fn refusal(ledger: &mut Ledger, claim: &Claim) -> Refusal {
    answer(ledger, claim).unwrap_err()
}

pub fn is_done(ledger: &mut Ledger, claim: &Claim) -> bool {
    matches!(answer(ledger, claim), Ok(Attempt::Done { .. }))
}

/// The shared image of all units here: a slot for the token, one for the serial, and a sum.
fn master() -> &'static Master {
    static MASTER: OnceLock<Master> = OnceLock::new();
    let text = "product = 'GW-100'\n[image]\nfile = 'gw100.bin'\n\
                [[slot]]\nvalue = 'auth-token'\naddress = 0x10\nsize = 40\n\
                [[slot]]\nvalue = 'serial'\naddress = 0x40\nsize = 32\n\
                [[checksum]]\nkind = 'sum32'\nover = ['start..end-4']\nat = { address = 'end-4' }\n";
    MASTER.get_or_init(|| {
        let recipe = Recipe::parse(text, ".".as_ref()).unwrap();
        let hint = Hint {
            base: Some(Address::new(0)),
            ..Hint::default()
        };
        Master::prove(Image::read(vec![0; 128], hint).unwrap(), &recipe).unwrap()
    })
}

/// The file of a unit.
pub fn container(values: &Values) -> Vec<u8> {
    let sealed = seal(master::apply(master(), values).unwrap()).unwrap();
    sealed.container().unwrap()
}

/// What comes of reading the file of a unit with these values.
pub fn receipt_of(values: &Values) -> Receipt {
    let sealed = seal(master::apply(master(), values).unwrap()).unwrap();
    let found = sealed.container().unwrap();
    Receipt::of_file(&sealed, &found).unwrap().unwrap()
}

pub fn receipt(reservation: &Reservation) -> Receipt {
    receipt_of(reservation.values())
}

/// Takes a unit through reserve and confirm; returns its token.
pub fn finish(ledger: &mut Ledger, claim: &Claim) -> Fingerprint {
    let reservation = go(ledger, claim);
    let print = reservation.fingerprint();
    let receipt = receipt(&reservation);
    ledger.confirm(&[(reservation, receipt)]).unwrap();
    print
}

pub fn failure(touched: bool) -> Failure {
    Failure {
        name: "probe-gone".to_owned(),
        message: "no answer from the target".to_owned(),
        touched,
        swapped: false,
    }
}

/// Asserts that the audit finds nothing.
pub fn assert_clean(ledger: &Ledger) {
    let audit = ledger.audit().unwrap();
    assert_eq!(audit.findings, []);
}
