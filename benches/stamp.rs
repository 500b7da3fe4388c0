//! What one stamp costs: patch and seal in memory, by time and by instructions.
//!
//! ```text
//! cargo bench --no-default-features --bench stamp            times, 64 KiB to 64 MiB
//! cargo bench --no-default-features --bench stamp -- count   instructions, by valgrind
//! ```
//!
//! `count` fails where a stamp at 64 MiB takes 5 % more or fewer instructions than at 64 KiB.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::float_arithmetic
)]
#![allow(clippy::indexing_slicing, clippy::cast_possible_truncation)]

use std::hint::black_box;
use std::process::Command;
use std::time::Instant;

use eol_inject::image::{Address, Hint, Image};
use eol_inject::master::{Master, apply};
use eol_inject::recipe::Recipe;
use eol_inject::seal::seal;
use eol_inject::unit::{AuthToken, Values};

const KIB: usize = 1024;
/// Stamps that are counted.
const COUNTED: u64 = 1000;

/// Which checksums an image has.
const RECIPES: [(&str, &[&str]); 5] = [
    ("no checksum", &[]),
    (
        "CRC-32",
        &["kind = \"crc\"\nalgorithm = \"CRC-32/ISO-HDLC\""],
    ),
    ("sum32", &["kind = \"sum32\""]),
    (
        "CRC-32 and sum32",
        &[
            "kind = \"crc\"\nalgorithm = \"CRC-32/ISO-HDLC\"",
            "kind = \"sum32\"",
        ],
    ),
    (
        "16 x CRC-32",
        &["kind = \"crc\"\nalgorithm = \"CRC-32/ISO-HDLC\""; 16],
    ),
];

/// An image of `len` bytes with its slot at a quarter, and fields at its end that cover all in
/// front of the first one.
fn master(len: usize, kinds: &[&str]) -> Master {
    let slot = len / 4;
    let end = len - 4 * kinds.len();
    let mut bytes: Vec<u8> = (0..len).map(|at| (at * 167 + at / 251) as u8).collect();
    bytes[slot..slot + 40].fill(0xFF);
    bytes[end..].fill(0);
    let mut text = format!(
        "product = \"STAMP\"\n[image]\nfile = \"fw.bin\"\n[[slot]]\nvalue = \"auth-token\"\n\
         address = {slot}\nsize = 40\nblank = \"erased\"\n"
    );
    for (kind, at) in kinds.iter().zip((end..).step_by(4)) {
        text.push_str(&format!(
            "[[checksum]]\n{kind}\nover = [\"0..{end}\"]\nat = {{ address = {at} }}\n\
             initial = \"unset\"\n"
        ));
    }
    let recipe = Recipe::parse(&text, ".".as_ref()).unwrap();
    let base = Some(Address::new(0));
    let hint = Hint {
        base,
        ..Hint::default()
    };
    Master::prove(Image::read(bytes, hint).unwrap(), &recipe).unwrap()
}

fn values(token: &[u8; 32]) -> Values {
    Values {
        serial: "GW000001".parse().unwrap(),
        token: AuthToken::parse(token).unwrap(),
        columns: [].into(),
    }
}

/// What is counted: valgrind is told this name.
#[inline(never)]
fn one_stamp(master: &Master, values: &Values) -> usize {
    let sealed = seal(apply(master, values).unwrap()).unwrap();
    black_box(sealed.checksums().len())
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .as_slice()
    {
        ["--counted", kib] => counted(kib.parse().unwrap()),
        [first, ..] if *first == "count" => count(),
        _ => times(),
    }
}

fn times() {
    println!("nanoseconds a stamp, best of 9 times {COUNTED}");
    print!("{:<20}", "");
    let sizes = [64, 1024, 16 * 1024, 64 * 1024];
    sizes.iter().for_each(|kib| print!("{kib:>9} KiB"));
    println!();
    let units = [
        values(b"-bcdefghijklmnopqrstuvwxyz_12345"),
        values(&[b'x'; 32]),
    ];
    for (name, kinds) in RECIPES {
        print!("{name:<20}");
        for kib in sizes {
            let master = master(kib * KIB, kinds);
            one_stamp(&master, &units[0]);
            let round = || {
                let since = Instant::now();
                for _ in 0..COUNTED / 2 {
                    for unit in &units {
                        one_stamp(&master, unit);
                    }
                }
                since.elapsed().as_nanos() as u64 / COUNTED
            };
            let best = std::iter::repeat_with(round).take(9).min().unwrap();
            print!("{best:>13}");
        }
        println!();
    }
}

/// Runs under valgrind: only what happens inside `one_stamp` is counted.
fn counted(kib: usize) {
    let (_, kinds) = RECIPES[3];
    let master = master(kib * KIB, kinds);
    let unit = values(b"-bcdefghijklmnopqrstuvwxyz_12345");
    // The first one makes what all others start from.
    seal(apply(&master, &unit).unwrap()).unwrap();
    for _ in 0..COUNTED {
        one_stamp(&master, &unit);
    }
}

fn count() {
    let [small, large] = [64, 64 * 1024].map(|kib: usize| {
        let output = Command::new("valgrind")
            .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
            .arg("--toggle-collect=*one_stamp*")
            .arg(std::env::current_exe().unwrap())
            .args(["--counted", &kib.to_string()])
            .output()
            .unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        let line = text.lines().find_map(|line| line.split_once("Collected :"));
        let collected: u64 = line.expect(&text).1.trim().parse().unwrap();
        let each = collected / COUNTED;
        println!("CRC-32 and sum32, {kib} KiB: {each} instructions a stamp");
        each
    });
    assert!(small > 500, "valgrind did not see the stamps");
    assert!(
        small.abs_diff(large) * 20 <= small,
        "they differ by more than 5 %"
    );
}
