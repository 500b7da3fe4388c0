use eol_inject::master::{MasterError, PatchError, apply};

use super::{Sample, listing};
use crate::craft::{TOKEN, prove, values};

const SLOT: &str = "[[slot]]\nvalue = \"auth-token\"\naddress = 0\nsize = 40\n";

fn refused(bytes: &[u8], keys: &str) -> Sample {
    let error = prove(bytes, keys).unwrap_err();
    Sample(error.name(), Box::new(error))
}

/// A UF2 that names a digest of the firmware over bytes that nobody knows.
fn master_of_a_tagged_uf2() -> MasterError {
    let words = [0x0A32_4655u32, 0x9E5D_5157, 0x8000, 0, 64, 0, 1, 0];
    let mut bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    bytes.resize(96, 0xFF);
    bytes.extend([36, 0xb0, 0x6d, 0xb4]);
    bytes.resize(508, 0);
    bytes.extend(0x0AB1_6F30u32.to_le_bytes());
    let image = eol_inject::image::Image::read(bytes, eol_inject::image::Hint::default()).unwrap();
    let text = format!("product = \"GW\"\n[image]\nfile = \"a\"\n{SLOT}");
    let recipe = eol_inject::recipe::Recipe::parse(&text, std::path::Path::new(".")).unwrap();
    eol_inject::master::Master::prove(image, &recipe).unwrap_err()
}

/// A slot in the registers that are read at reset.
fn uicr() -> Sample {
    let base = Some(eol_inject::image::Address::new(0x1000_1000));
    let hint = eol_inject::image::Hint {
        base,
        ..Default::default()
    };
    let image = eol_inject::image::Image::read(vec![0xFF; 0x100], hint).unwrap();
    let recipe = crate::craft::recipe(&SLOT.replace("= 0\n", "= 0x10001080\n"));
    let error = eol_inject::master::Master::prove(image, &recipe).unwrap_err();
    Sample(error.name(), Box::new(error))
}

/// An ELF whose one segment loads the file from its first byte on, headers and all.
fn headers_loaded(slot: u64) -> Result<eol_inject::master::Master, MasterError> {
    let segment = crate::elf_file::Segment {
        vma: 0x1000,
        lma: 0x1000,
        bytes: vec![0xFF; 128],
        zeros: 0,
    };
    let mut file = crate::elf_file::ElfFile {
        segments: vec![segment],
        ..Default::default()
    }
    .bytes();
    // The program header stands at 52: `p_offset`, `p_filesz` and `p_memsz`.
    for (at, word) in [(56, 0u32), (68, 84 + 128), (72, 84 + 128)] {
        file[at..at + 4].copy_from_slice(&word.to_le_bytes());
    }
    let image = eol_inject::image::Image::read(file, eol_inject::image::Hint::default()).unwrap();
    let recipe = crate::craft::recipe(&format!(
        "[[slot]]\nvalue = \"auth-token\"\naddress = {slot}\nsize = 40\nblank = \"any\"\n"
    ));
    eol_inject::master::Master::prove(image, &recipe)
}

#[test]
fn a_slot_behind_loaded_headers_is_taken() {
    assert!(headers_loaded(0x1000 + 84).is_ok());
}

/// Names are those of the stage that refuses, so they are listed here by hand.
#[test]
fn master_errors() {
    let erased = [0xFF; 64];
    let two = format!("{SLOT}[[slot]]\nvalue = \"serial\"\naddress = 36\nsize = 20\n");
    let crc = "[[checksum]]\nkind = \"crc\"\nover = [\"0..4\"]";
    let tag = |template: &str| {
        let text = format!("blnkinf\0mcu\x001.0\0fw-type\0{template}\0\0\0");
        [&erased[..], text.as_bytes()].concat()
    };
    let templated = |bytes: &[u8]| {
        let text = format!("product = \"GW\"\ntemplate = \"TMPLa\"\n[image]\nfile = \"a\"\n{SLOT}");
        let recipe = eol_inject::recipe::Recipe::parse(&text, std::path::Path::new(".")).unwrap();
        eol_inject::master::Master::prove(crate::craft::bin(bytes), &recipe)
    };
    assert!(templated(&tag("TMPLa")).is_ok());
    let sample = |error: MasterError| Sample(error.name(), Box::new(error));
    let samples = [
        sample(headers_loaded(0x1000 + 83).unwrap_err()),
        sample(headers_loaded(0x1010).unwrap_err()),
        sample(master_of_a_tagged_uf2()),
        refused(&[1; 64], SLOT),
        refused(&erased, &two),
        refused(&erased, &format!("{SLOT}{crc}")),
        uicr(),
        sample(templated(&tag("TMPLb")).unwrap_err()),
        sample(templated(&[tag("TMPLa"), tag("TMPLb")].concat()).unwrap_err()),
    ];
    insta::assert_snapshot!(listing(
        &[
            "master-slots-overlap",
            "master-template",
            "master-protected"
        ],
        &samples
    ));
}

#[test]
fn patch_errors() {
    let erased = [0xFF; 64];
    let column = format!("{SLOT}[[slot]]\nvalue = \"column:IMEI\"\naddress = 40\nsize = 20\n");
    let serial = format!("{SLOT}[[slot]]\nvalue = \"serial\"\naddress = 40\nsize = 8\n");
    let samples = [column, serial].map(|keys| {
        let master = prove(&erased, &keys).unwrap();
        let error: PatchError = apply(&master, &values(TOKEN, "GW000001")).unwrap_err();
        Sample(error.name(), Box::new(error))
    });
    insta::assert_snapshot!(listing(&["patch-no-column"], &samples));
}
