//! What each station of the line costs: image read, recipe proved, unit stamped, judged, recorded.
//!
//! ```text
//! cargo bench --no-default-features --features sqlite --bench parts
//! ```

#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]
#![allow(clippy::indexing_slicing, clippy::cast_possible_truncation)]

#[path = "../tests/it/ledger/model/mod.rs"]
mod model;

use std::path::Path;

use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use eol_inject::image::{Address, Hint, Image};
use eol_inject::ledger::{
    Actor, Attempt, Claim, Finished, Identity, Ledger, Receipt, Scope, Simulated, Target,
};
use eol_inject::master::{self, Master};
use eol_inject::pool::{Pool, Row};
use eol_inject::recipe::Recipe;
use eol_inject::seal::{Sealed, seal};
use eol_inject::unit::{AuthToken, Digest, Values};
use eol_inject::verify::Judge;

/// Bytes of the image.
const LENGTH: usize = 1 << 20;
/// Where its token goes.
const TOKEN: usize = LENGTH / 4;
/// Units of a group: one transaction for its claims, one for its outcomes.
const GROUP: usize = 64;

fn main() {
    divan::main();
}

fn token(n: usize) -> AuthToken {
    AuthToken::parse(format!("-part_bench_token_{n:014}").as_bytes()).unwrap()
}

fn values(n: usize) -> Values {
    Values {
        serial: format!("GW{n:06}").parse().unwrap(),
        token: token(n),
        columns: [].into(),
    }
}

fn bytes() -> Vec<u8> {
    let mut bytes: Vec<u8> = (0..LENGTH).map(|at| (at * 167 + at / 251) as u8).collect();
    bytes[TOKEN..TOKEN + 40].fill(0xFF);
    bytes[LENGTH - 4..].fill(0);
    bytes
}

fn recipe() -> Recipe {
    let text = format!(
        "product = \"PARTS\"\n[image]\nfile = \"fw.bin\"\nbase = 0\n\
         [[slot]]\nvalue = \"auth-token\"\naddress = {TOKEN}\nsize = 40\nblank = \"erased\"\n\
         [[checksum]]\nkind = \"crc\"\nalgorithm = \"CRC-32/ISO-HDLC\"\nover = [\"start..end-4\"]\n\
         at = {{ address = {} }}\ninitial = \"unset\"\n",
        LENGTH - 4
    );
    Recipe::parse(&text, Path::new(".")).unwrap()
}

fn hint() -> Hint {
    Hint {
        base: Some(Address::new(0)),
        ..Hint::default()
    }
}

fn master() -> Master {
    Master::prove(Image::read(bytes(), hint()).unwrap(), &recipe()).unwrap()
}

fn sealed<'m>(master: &'m Master, values: &Values) -> Sealed<'m> {
    seal(master::apply(master, values).unwrap()).unwrap()
}

/// Intel HEX of the same bytes: the linear address, then 32 bytes a record.
fn hex() -> Vec<u8> {
    let mut text = String::new();
    let mut record = |kind: u8, at: usize, data: &[u8]| {
        let mut line = vec![data.len() as u8, (at >> 8) as u8, at as u8, kind];
        line.extend_from_slice(data);
        let sum = line.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte));
        line.push(sum.wrapping_neg());
        text.push(':');
        line.iter()
            .for_each(|byte| text.push_str(&format!("{byte:02X}")));
        text.push('\n');
    };
    for (n, block) in bytes().chunks(32).enumerate() {
        let at = n * 32;
        if at & 0xFFFF == 0 {
            record(4, 0, &((at >> 16) as u16).to_be_bytes());
        }
        record(0, at & 0xFFFF, block);
    }
    record(1, 0, &[]);
    text.into_bytes()
}

#[divan::bench(args = ["bin", "hex"])]
fn image_read(bencher: Bencher<'_, '_>, format: &str) {
    let container = if format == "hex" { hex() } else { bytes() };
    let hint = if format == "hex" {
        Hint::default()
    } else {
        hint()
    };
    bencher
        .counter(BytesCount::new(container.len()))
        .with_inputs(|| container.clone())
        .bench_values(|container| Image::read(container, hint).unwrap());
}

#[divan::bench]
fn recipe_parsed(bencher: Bencher<'_, '_>) {
    bencher.bench(recipe);
}

#[divan::bench]
fn master_proved(bencher: Bencher<'_, '_>) {
    let recipe = recipe();
    bencher
        .counter(BytesCount::new(LENGTH))
        .with_inputs(|| Image::read(bytes(), hint()).unwrap())
        .bench_values(|image| Master::prove(image, &recipe).unwrap());
}

#[divan::bench]
fn unit_stamped(bencher: Bencher<'_, '_>) {
    let (master, values) = (master(), values(1));
    sealed(&master, &values);
    bencher.bench(|| black_box(sealed(&master, &values).changed_bytes()));
}

#[divan::bench]
fn unit_rendered(bencher: Bencher<'_, '_>) {
    let (master, values) = (master(), values(1));
    let sealed = sealed(&master, &values);
    bencher
        .counter(BytesCount::new(LENGTH))
        .bench(|| sealed.container().unwrap());
}

#[divan::bench]
fn unit_judged(bencher: Bencher<'_, '_>) {
    let master = master();
    let container = sealed(&master, &values(1)).container().unwrap();
    let judge = Judge::new(bytes(), None, &recipe()).unwrap();
    bencher
        .counter(BytesCount::new(LENGTH))
        .with_inputs(|| container.clone())
        .bench_values(|container| judge.examine(container, None).findings.len());
}

fn scope() -> Scope {
    Scope {
        product: "PARTS".to_owned(),
        template: None,
    }
}

fn identity() -> Identity {
    Identity {
        station: "bench".to_owned(),
        simulated: Simulated::No,
    }
}

/// Fills a ledger with tokens.
fn stock(ledger: &mut Ledger, count: usize) {
    let rows = (0..count).map(|n| Row {
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
    let by = Actor {
        station: "bench".to_owned(),
        by: None,
        reason: None,
    };
    ledger.import(&pool, &by).unwrap();
}

/// A small image, which costs next to nothing beside the record.
fn small() -> Master {
    let text = "product = \"PARTS\"\n[image]\nfile = \"fw.bin\"\nbase = 0\n\
                [[slot]]\nvalue = \"auth-token\"\naddress = 0x10\nsize = 40\n\
                [[checksum]]\nkind = \"sum32\"\nover = [\"start..end-4\"]\nat = { address = \"end-4\" }\n";
    let recipe = Recipe::parse(text, Path::new(".")).unwrap();
    Master::prove(Image::read(vec![0; 64], hint()).unwrap(), &recipe).unwrap()
}

fn receipt(master: &Master, values: &Values) -> Receipt {
    let unit = sealed(master, values);
    let found = unit.container().unwrap();
    Receipt::of_file(&unit, &found).unwrap().unwrap()
}

/// Takes the next group from its claim to its outcome.
fn group(ledger: &mut Ledger, master: &Master, next: &mut usize) {
    let claims: Vec<Claim> = (*next..*next + GROUP)
        .map(|n| Claim {
            serial: format!("GW{n:06}").parse().unwrap(),
            uid: None,
            seated: eol_inject::ledger::Seated::Unknown,
            image: Digest::of(b"image"),
            recipe: Digest::of(b"recipe"),
            target: Target::File,
            finished: Finished::Written,
        })
        .collect();
    *next += GROUP;
    let done: Vec<_> = ledger
        .reserve(&claims)
        .unwrap()
        .into_iter()
        .map(|answer| match answer.unwrap() {
            Attempt::Go(held) => {
                let receipt = receipt(master, held.values());
                (held, receipt)
            }
            Attempt::Done { .. } => unreachable!("each unit is new"),
        })
        .collect();
    ledger.confirm(&done).unwrap();
}

/// Groups that are measured.
const SAMPLES: u32 = 200;

#[divan::bench(sample_count = SAMPLES, sample_size = 1)]
fn group_recorded_in_memory(bencher: Bencher<'_, '_>) {
    let mut ledger = model::Memory::new().open(&scope(), identity()).unwrap();
    stock(&mut ledger, GROUP * (SAMPLES as usize + 8));
    let (master, mut next) = (small(), 0);
    bencher
        .counter(ItemsCount::new(GROUP))
        .bench_local(|| group(&mut ledger, &master, &mut next));
}

#[cfg(feature = "sqlite")]
#[divan::bench(sample_count = SAMPLES, sample_size = 1)]
fn group_recorded_in_sqlite(bencher: Bencher<'_, '_>) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("parts.ledger");
    let mut ledger = eol_inject::ledger::Sqlite::open(&file, &scope(), identity()).unwrap();
    stock(&mut ledger, GROUP * (SAMPLES as usize + 8));
    let (master, mut next) = (small(), 0);
    bencher
        .counter(ItemsCount::new(GROUP))
        .bench_local(|| group(&mut ledger, &master, &mut next));
}
