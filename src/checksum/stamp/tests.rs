use proptest::prelude::*;

use super::*;
use crate::checksum::compute::CATALOGUE;
use crate::image::{Address, Hint};
use crate::recipe::ChecksumSpec;

const BASE: u64 = 0x100;
const LEN: usize = 512;

/// Kinds beside the CRCs of the catalogue.
const OTHERS: [&str; 12] = [
    "kind = \"sum8\"",
    "kind = \"sum16\"",
    "kind = \"sum32\"",
    "kind = \"xor8\"",
    "kind = \"adler32\"",
    "kind = \"fletcher16\"",
    "kind = \"fletcher32\"",
    "kind = \"sha256\"",
    "kind = \"sha384\"",
    "kind = \"sha512\"",
    "kind = \"md5\"",
    "kind = \"crc\"\nalgorithm = { width = 61, poly = 0x1CF5, init = 0x5, refout = true }",
];

fn kind(index: usize) -> String {
    match CATALOGUE.get(index) {
        Some(entry) => format!("kind = \"crc\"\nalgorithm = \"{}\"", entry.name),
        None => OTHERS[(index - CATALOGUE.len()) % OTHERS.len()].to_owned(),
    }
}

fn spec(index: usize, unit: u8, big: bool, complement: &str) -> ChecksumSpec {
    let kind = kind(index);
    let number = !["sha", "md5"].iter().any(|hash| kind.contains(hash));
    let fletcher = kind.contains("fletcher32");
    let mut text = format!(
        "{kind}\nover = [\"0x100..0x208\", \"0x20C..0x300\"]\n\
         except = [{{ range = \"0x180..0x190\", as = 0xFF }}]\nat = {{ address = 0x1C4 }}\n\
         own = 0x5A\nunit = {}\n",
        if fletcher { 2 } else { unit }
    );
    if number {
        let endian = if big { "big" } else { "little" };
        text.push_str(&format!(
            "endian = \"{endian}\"\ncomplement = \"{complement}\"\n"
        ));
    }
    toml::from_str(&text).unwrap()
}

fn image(bytes: &[u8]) -> Image {
    let hint = Hint {
        base: Some(Address::new(BASE)),
        ..Hint::default()
    };
    Image::read(bytes.to_vec(), hint).unwrap()
}

fn span(start: u64, len: u64) -> Span {
    Span::new(Address::new(start), len).unwrap()
}

/// Holds the value that follows a change against the one from scratch.
fn agree(spec: &ChecksumSpec, bytes: &[u8], changes: &[(Span, Vec<u8>)]) {
    let image = image(bytes);
    let checksum = crate::checksum::resolve::checksum(&image, spec, 0);
    let checksum = checksum.unwrap().unwrap();
    let mut spans: Vec<Span> = changes.iter().map(|(span, _)| *span).collect();
    spans.sort();
    let stamp = Stamp::new(&image, &checksum, &spans).unwrap();
    let mut edits = Edits::new();
    for (span, new) in changes {
        edits.put(span.start(), new);
        assert_eq!(
            stamp.field(&checksum, &image, &edits).unwrap(),
            checksum.compute(&image, &edits).unwrap(),
            "{spec:?} {edits:?}"
        );
    }
}

#[test]
fn every_algorithm_follows_a_change() {
    let bytes: Vec<u8> = (0..LEN)
        .map(|at| (at * 167 + at / 7).to_le_bytes()[0])
        .collect();
    let changes: Vec<_> = [(0x101, 41), (0x17E, 20), (0x206, 8), (0x2FF, 1)]
        .into_iter()
        .map(|(at, len): (u64, u8)| (span(at, len.into()), vec![0xA5; len.into()]))
        .collect();
    for index in 0..CATALOGUE.len() + OTHERS.len() {
        for unit in [1, 2, 4] {
            for big in [false, true] {
                agree(&spec(index, unit, big, "none"), &bytes, &changes);
            }
        }
    }
}

/// Places that do not overlap, each with what comes there.
fn changes() -> impl Strategy<Value = Vec<(Span, Vec<u8>)>> {
    let cuts = prop::collection::btree_set(0..LEN, 2..12);
    let new = prop::collection::vec(any::<u8>(), LEN);
    (cuts, new).prop_map(|(cuts, new)| {
        let cuts: Vec<usize> = cuts.into_iter().collect();
        cuts.chunks_exact(2)
            .map(|cut| {
                let at = BASE + cut[0] as u64;
                let new = new[cut[0]..cut[1]].to_vec();
                (span(at, new.len() as u64), new)
            })
            .collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn what_follows_a_change_is_what_comes_from_scratch(
        bytes in prop::collection::vec(any::<u8>(), LEN),
        index in 0..CATALOGUE.len() + OTHERS.len() * 6,
        unit in prop_oneof![Just(1u8), Just(2), Just(4)],
        big in any::<bool>(),
        complement in prop_oneof![Just("none"), Just("ones"), Just("twos")],
        changes in changes(),
    ) {
        agree(&spec(index, unit, big, complement), &bytes, &changes);
    }
}
