//! Boards on a simulated probe, through the ledger: what passes, what is refused, what a fault leaves.

mod chips; // Every chip passes the line in both modes.
mod cuts; // Power cuts: the same board finishes with the same token and its own bytes.
mod faults; // Every fault ends in its own error, and the next healthy run finishes.
mod figures; // Transfers of slot mode against full mode.
#[cfg(feature = "cli")]
mod program; // The program itself: shelf, journal, log.
mod refusals; // What is refused before anything is written.

use std::path::Path;

use eol_inject::image::{Address, Hint, Image};
use eol_inject::label::{LabelError, Labels};
use eol_inject::ledger::{
    Actor, Attempt, Claim, Entry, Finished, Identity, Ledger, Scope, Simulated, Target, UnitState,
};
use eol_inject::line::{self, LineError, Passed, Ports};
use eol_inject::master::Master;
use eol_inject::pool::{Pool, Row};
use eol_inject::recipe::Recipe;
use eol_inject::sim::{Board, Model, SharedBoard};
use eol_inject::target::{
    MemoryJournal, Phase, Probe, ProbeSetup, Target as _, TargetError, Watch,
};
use eol_inject::unit::{AuthToken, Serial, Values};

use crate::ledger::model::Memory;

/// Bytes of the image; its last sector holds more on every chip.
pub const LENGTH: usize = 0x9F80;
/// Where the slots and the checksum are in it: one sector on every chip.
pub const TOKEN: usize = 0x9C40;
pub const SERIAL: usize = 0x9C80;
pub const CRC: usize = LENGTH - 4;

/// How the firmware is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Placeholders under a CRC.
    Sealed,
    /// Erased slots that nothing covers.
    Blank,
}

/// A product on one chip.
pub struct Product {
    pub model: &'static Model,
    pub recipe: Recipe,
    pub master: Master,
}

/// Bytes that repeat nowhere, with vectors in front.
pub fn firmware(kind: Kind) -> Vec<u8> {
    let mut state = 7u32;
    let mut bytes: Vec<u8> = (0..LENGTH)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        })
        .collect();
    bytes[..8].copy_from_slice(&[0, 0x10, 0, 0x20, 0x01, 0x01, 0, 0]);
    match kind {
        Kind::Sealed => {
            bytes[TOKEN..TOKEN + 64].fill(0);
            bytes[TOKEN..TOKEN + 11].copy_from_slice(b"PLACEHOLDER");
            bytes[SERIAL..SERIAL + 24].fill(0);
            bytes[SERIAL..SERIAL + 12].copy_from_slice(b"UNSET-SERIAL");
            let crc = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC).checksum(&bytes[..CRC]);
            bytes[CRC..].copy_from_slice(&crc.to_le_bytes());
        }
        Kind::Blank => {
            bytes[TOKEN..TOKEN + 64].fill(0xFF);
            bytes[SERIAL..SERIAL + 24].fill(0xFF);
        }
    }
    bytes
}

impl Product {
    pub fn new(chip: &str, kind: Kind, flash: &str) -> Self {
        Self::with(chip, (kind, &firmware(kind)), flash)
    }

    pub fn with(chip: &str, (kind, bytes): (Kind, &[u8]), flash: &str) -> Self {
        let crc = (kind == Kind::Sealed).then_some(CRC);
        Self::placed(chip, (crc, bytes), flash)
    }

    /// With its checksum over all that stands before it.
    pub fn placed(chip: &str, (crc, bytes): (Option<usize>, &[u8]), flash: &str) -> Self {
        let model = Model::by_name(chip).unwrap();
        let base = model.flash_range().start;
        let at = |offset: usize| format!("{:#010x}", base as usize + offset);
        let checksum = crc.map_or_else(String::new, |crc| {
            format!(
                "[[checksum]]\nkind = \"crc\"\nalgorithm = \"CRC-32/ISO-HDLC\"\n\
                 over = [\"start..end-4\"]\nat = {{ address = {} }}\n",
                at(crc)
            )
        });
        let text = format!(
            "product = \"GW-100\"\n[image]\nfile = \"gw100.bin\"\nbase = {base:#x}\n\
             [[slot]]\nvalue = \"auth-token\"\naddress = {}\nsize = 64\npad = 0xFF\n\
             [[slot]]\nvalue = \"serial\"\naddress = {}\nsize = 24\npad = 0xFF\n{checksum}\
             [flash]\nchip = \"{chip}\"\nprobe = \"sim\"\n{flash}\n",
            at(TOKEN),
            at(SERIAL)
        );
        let recipe = Recipe::parse(&text, Path::new(".")).unwrap();
        let hint = Hint {
            base: Some(Address::new(base.into())),
            format: Some(eol_inject::image::Format::Bin),
            ..Hint::default()
        };
        let image = Image::read(bytes.to_vec(), hint).unwrap();
        let master = Master::prove(image, &recipe).unwrap();
        Self {
            model,
            recipe,
            master,
        }
    }

    pub fn base(&self) -> u32 {
        self.model.flash_range().start
    }

    /// An erased board.
    pub fn erased(&self, name: &str) -> SharedBoard {
        Board::new(self.model, name).share()
    }

    /// A board that carries the shared firmware.
    pub fn carrying(&self, name: &str) -> SharedBoard {
        let board = self.erased(name);
        let image = self.master.image();
        board
            .lock()
            .preload(self.base(), image.container())
            .unwrap();
        board
    }

    /// The image of a unit with token `n`.
    pub fn unit(&self, serial: &str, n: usize) -> Vec<u8> {
        let values = Values {
            serial: serial.parse().unwrap(),
            token: token(n),
            columns: [].into(),
        };
        let patched = eol_inject::master::apply(&self.master, &values).unwrap();
        let sealed = eol_inject::seal::seal(patched).unwrap();
        sealed.container().unwrap()
    }

    /// The sector of slots and checksum.
    pub fn sector(&self) -> std::ops::Range<usize> {
        let size = match self.model.name {
            "nRF52840_xxAA" => 4096,
            "STM32F072RB" | "STM32L475VG" => 2048,
            "STM32F405RG" => 16_384,
            _ => 1024,
        };
        let start = TOKEN / size * size;
        start..start + size
    }
}

/// A line: a ledger that is opened anew for each unit, and a journal.
pub struct Line {
    pub ledger: Memory,
    pub journal: MemoryJournal,
}

impl Line {
    pub fn new() -> Self {
        let memory = Memory::new();
        let mut ledger = memory.open(&scope(), identity("L1")).unwrap();
        let rows = (0..8).map(|n| Row {
            token: token(n),
            qr: None,
            picture: None,
            bound: None,
            columns: [].into(),
            claimed: false,
        });
        let pool = Pool {
            rows: rows.collect(),
            ..Pool::default()
        };
        ledger.import(&pool, &actor()).unwrap();
        Self {
            ledger: memory,
            journal: MemoryJournal::default(),
        }
    }

    pub fn probe(&self, product: &Product, board: &SharedBoard) -> Probe {
        let setup = ProbeSetup::of(&product.recipe, None).unwrap();
        Probe::on_board(setup, board.clone(), Box::new(self.journal.clone()))
    }

    /// Opens the ledger as the next run does.
    pub fn open(&self) -> Ledger {
        self.ledger.open(&scope(), identity("L1")).unwrap()
    }

    /// Takes a board down the line, as a run of its own.
    pub fn run(
        &self,
        product: &Product,
        board: &SharedBoard,
        serial: &str,
    ) -> Result<Passed, LineError> {
        self.watched(product, board, (serial, &mut Quiet))
    }

    pub fn watched(
        &self,
        product: &Product,
        board: &SharedBoard,
        (serial, watch): (&str, &mut dyn Watch),
    ) -> Result<Passed, LineError> {
        let mut fixture = self.probe(product, board);
        let mut ledger = self.open();
        let mut ports = Ports {
            ledger: &mut ledger,
            target: &mut fixture,
            labels: &NoLabels,
            watch,
        };
        line::run_unit(&product.master, claim(product, serial), &mut ports)
    }

    /// Claims and delivers, and then ends without a word.
    pub fn silently(&self, product: &Product, board: &SharedBoard, serial: &str) {
        let mut fixture = self.probe(product, board);
        let mut ledger = self.open();
        let seen = fixture.identify(&product.master, &mut Quiet).unwrap();
        let claim = Claim {
            uid: seen.unwrap().uid,
            ..claim(product, serial)
        };
        let Attempt::Go(reservation) = ledger.reserve(&[claim]).unwrap().remove(0).unwrap() else {
            panic!("done already");
        };
        let patched = eol_inject::master::apply(&product.master, reservation.values()).unwrap();
        let sealed = eol_inject::seal::seal(patched).unwrap();
        // The process may be gone before the answer is.
        let _ = fixture.deliver(&sealed, &mut Quiet);
    }

    /// Asserts that one unit has one token, delivered, and that nothing is wrong in the ledger.
    pub fn assert_one(&self, serial: &str) -> usize {
        let ledger = self.open();
        let record = ledger.find(&serial.parse().unwrap()).unwrap().unwrap();
        assert_eq!(record.state, UnitState::Delivered, "{serial}");
        let stock = ledger.stock().unwrap();
        assert_eq!((stock.bound, stock.free), (1, 7));
        assert_eq!(ledger.audit().unwrap().findings, []);
        assert!(self.journal.is_empty());
        (0..8)
            .find(|n| token(*n).fingerprint() == record.fingerprint)
            .unwrap()
    }

    pub fn free(&self) -> u64 {
        self.open().stock().unwrap().free
    }
}

pub fn claim(product: &Product, serial: &str) -> Claim {
    Claim {
        serial: serial.parse::<Serial>().unwrap(),
        uid: None,
        seated: eol_inject::ledger::Seated::Unknown,
        image: product.master.digest(),
        recipe: product.recipe.digest,
        target: Target::Probe,
        finished: Finished::Written,
    }
}

pub fn scope() -> Scope {
    Scope {
        product: "GW-100".to_owned(),
        template: None,
    }
}

pub fn identity(station: &str) -> Identity {
    Identity {
        station: station.to_owned(),
        simulated: Simulated::Yes,
    }
}

pub fn actor() -> Actor {
    Actor {
        station: "L1".to_owned(),
        by: None,
        reason: None,
    }
}

pub fn token(n: usize) -> AuthToken {
    let first = ['-', '_', 'a', 'Z'][n % 4];
    AuthToken::parse(format!("{first}fake_board_TOKEN_{n:014}").as_bytes()).unwrap()
}

/// The bytes of a board that the image, or its last sector, takes.
pub fn cells(product: &Product, board: &SharedBoard, length: usize) -> Vec<u8> {
    board.lock().peek(product.base(), length).unwrap()
}

pub fn name(outcome: Result<Passed, LineError>) -> &'static str {
    outcome.map_or_else(|error| error.name(), |_| "pass")
}

/// Returns whether an error says that the board may carry the token.
pub fn touched(error: &LineError) -> bool {
    match error {
        LineError::Deliver(error) => TargetError::touched(error),
        _ => false,
    }
}

pub struct NoLabels;

impl Labels for NoLabels {
    fn put(&self, _: &Entry) -> Result<bool, LabelError> {
        Ok(true)
    }
}

/// Nobody watches.
pub struct Quiet;

impl Watch for Quiet {
    fn begin(&mut self, _: Phase, _: u64) {}
    fn advance(&mut self, _: u64) {}
    fn stop(&self) -> bool {
        false
    }
}
