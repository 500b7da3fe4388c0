//! Firmware that nobody here wrote: `fixtures/real/fetch.sh` brings it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use eol_inject::checksum::findings;
use eol_inject::image::{Address, Format, Hint, Image, ImageError};
use eol_inject::master::{Master, apply};
use eol_inject::seal::seal;
use eol_inject::verify::Judge;

use crate::craft::{TOKEN, recipe, values};
use crate::support::fixtures;

const RUN: usize = 32;

/// Reads an image; a BIN is taken from 0 on.
fn read(bytes: &[u8]) -> Result<Image, ImageError> {
    match Image::read(bytes.to_vec(), Hint::default()) {
        Err(ImageError::NoBase) => {
            let base = Some(Address::new(0));
            let hint = Hint {
                base,
                ..Hint::default()
            };
            Image::read(bytes.to_vec(), hint)
        }
        read => read,
    }
}

/// Finds a printable run that loaded bytes hold once, outside of what integrity fields hold.
fn slot(image: &Image) -> Option<Address> {
    for run in image.runs() {
        let bytes = image.bytes(run).unwrap();
        let printable = |byte: &u8| byte.is_ascii_graphic() || *byte == b' ';
        let mut at = bytes.len() / 2;
        while at + RUN <= bytes.len() {
            let part = &bytes[at..at + RUN];
            if let Some(other) = part.iter().rposition(|byte| !printable(byte)) {
                at += other + 1;
                continue;
            }
            if part.iter().collect::<BTreeSet<_>>().len() > 8 && image.find(part).count() == 1 {
                return run.start().checked_add(at as u64);
            }
            at += 1;
        }
    }
    None
}

fn files() -> Vec<PathBuf> {
    let mut files = Vec::new();
    for package in fs::read_dir(fixtures().join("real/files"))
        .into_iter()
        .flatten()
    {
        let package = package.unwrap().path();
        files.extend(
            fs::read_dir(package)
                .unwrap()
                .map(|file| file.unwrap().path()),
        );
    }
    files.sort();
    files
}

#[test]
fn only_slots_and_checksums_of_real_firmware_change() {
    let files = files();
    if files.is_empty() {
        use std::io::Write as _;
        let _ = writeln!(
            std::io::stderr(),
            "\n*** LEFT OUT: real firmware: fixtures/real/fetch.sh brings it ***\n"
        );
        return;
    }
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    let mut left = Vec::new();
    for file in &files {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let package = file
            .parent()
            .unwrap()
            .file_name()
            .unwrap()
            .to_string_lossy();
        let bytes = fs::read(file).unwrap();
        let image = match read(&bytes) {
            Ok(image) => image,
            Err(error) => {
                left.push(format!("{name}: {error}"));
                continue;
            }
        };
        let Some(at) = slot(&image) else {
            left.push(format!("{name}: no unique printable run"));
            continue;
        };
        let found = findings(&image);
        let named: BTreeSet<String> = found
            .iter()
            .filter(|one| one.right && !one.signed)
            .filter_map(|one| Some(one.kind?.to_string()))
            .collect();
        let base = if image.format() == Format::Bin {
            "format = \"bin\"\nbase = 0\n"
        } else {
            ""
        };
        let mut text = format!(
            "{base}[[slot]]\nvalue = \"auth-token\"\naddress = {at}\nsize = 32\nnul = false\nblank = \"any\"\n"
        );
        for kind in &named {
            text += &format!("[[checksum]]\nkind = \"{kind}\"\n");
        }
        let recipe = recipe(&text);
        let master = match Master::prove(image.clone(), &recipe) {
            Ok(master) => master,
            Err(error) => {
                left.push(format!("{name}: {}", error.name()));
                continue;
            }
        };
        let sealed = seal(apply(&master, &values(TOKEN, "GW000001")).unwrap()).unwrap();
        let unit = sealed.container().unwrap();
        assert_eq!(unit.len(), bytes.len(), "{name}");
        let judge = Judge::new(bytes.clone(), None, &recipe).unwrap();
        assert_eq!(judge.examine(unit.clone(), None).findings, [], "{name}");
        // What was right is right again, and what was wrong stays as it was.
        let shown = |image: &Image| -> Vec<(String, bool)> {
            let found = findings(image).into_iter();
            found.map(|one| (one.text, one.right)).collect()
        };
        assert_eq!(shown(&read(&unit).unwrap()), shown(&image), "{name}");
        if unit.len() > 16 && unit[unit.len() - 8..].starts_with(b"UFD\x10") {
            let jam = crc::Crc::<u32>::new(&crc::CRC_32_JAMCRC);
            let (covered, stored) = unit.split_at(unit.len() - 4);
            let right = [covered, &covered[16..]]
                .iter()
                .any(|covered| jam.checksum(covered).to_le_bytes() == stored);
            assert!(right, "{name}");
        }
        let machine = image.machine().map_or_else(
            || format!("{} {package}", image.format()),
            |machine| format!("elf{} {} {}", machine.bits, machine.endian, machine.name),
        );
        let named: Vec<String> = named.into_iter().collect();
        *kinds
            .entry(format!("{machine} {}", named.join(" ")))
            .or_default() += 1;
    }
    let count: usize = kinds.values().sum();
    println!("{count} images: {kinds:#?}\nleft out: {left:#?}");
    assert!(
        count >= 30 && kinds.len() >= 10,
        "{count} images of {} kinds",
        kinds.len()
    );
}
