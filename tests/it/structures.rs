//! Structures of vendors: each is recognised, repaired or refused, and never seen by chance.

use eol_inject::checksum::findings;
use eol_inject::image::{Address, Edits, Image};
use eol_inject::master::{Master, MasterError, apply};
use eol_inject::seal::seal;
use proptest::prelude::*;
use sha2::{Digest as _, Sha256};

use super::craft::{TOKEN, bin, esp, mcuboot, prove, recipe, values};

const CRC32: crc::Crc<u32> = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC);
const MPEG2: crc::Crc<u32> = crc::Crc::<u32>::new(&crc::CRC_32_MPEG_2);
const JAMCRC: crc::Crc<u32> = crc::Crc::<u32>::new(&crc::CRC_32_JAMCRC);

const SLOT: &str = "[[slot]]\nvalue = \"auth-token\"\nmarker = \"PLACEHOLDER_PLACEHOLDER_PLACEHOLDER\"\nsize = 40\nblank = { text = \"PLACEHOLDER\" }\n";

const PLACEHOLDER: &[u8] = b"PLACEHOLDER_PLACEHOLDER_PLACEHOLDER_____";

/// A payload of 256 bytes with the placeholder in it.
fn payload() -> Vec<u8> {
    let mut payload: Vec<u8> = (0..=255).collect();
    payload[0x80..0xA8].copy_from_slice(PLACEHOLDER);
    payload
}

/// What a unit's slot holds.
fn filled() -> [u8; 40] {
    let mut slot = [0; 40];
    slot[..32].copy_from_slice(TOKEN);
    slot
}

fn put(bytes: &mut [u8], at: usize, word: u32) {
    bytes[at..at + 4].copy_from_slice(&word.to_le_bytes());
}

/// Vectors of a Cortex-M whose first eight words sum to 0.
fn lpc(payload: &[u8]) -> Vec<u8> {
    let mut image = vec![0; 64];
    put(&mut image, 0, 0x1000_2000);
    put(&mut image, 4, 0x41);
    let sum = 0x1000_2041u32;
    put(&mut image, 0x1C, sum.wrapping_neg());
    image.extend(payload);
    image
}

/// An LPC55 image of a type: 5 for execution in place, 2 for RAM.
fn lpc55(payload: &[u8], kind: u32) -> Vec<u8> {
    let mut image = vec![7; 64];
    image.extend(payload);
    let length = u32::try_from(image.len()).unwrap();
    put(&mut image, 0x20, length);
    put(&mut image, 0x24, kind);
    let mut crc = MPEG2.digest();
    crc.update(&image[..0x28]);
    crc.update(&image[0x2C..]);
    let crc = crc.finalize();
    put(&mut image, 0x28, crc);
    image
}

/// What the entries of an RP2350's load map say.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Map {
    /// A distance and a length.
    Relative,
    /// Addresses, and where the storage ends.
    StorageEnd,
    /// Addresses, and where the memory ends that it is loaded into.
    RuntimeEnd,
}

/// An RP2350 image whose block stands behind the payload; `tbyb` is a bit that does not count.
fn rp2350(payload: &[u8], tbyb: bool, map: Map) -> Vec<u8> {
    let at = u32::try_from(payload.len()).unwrap();
    let mut block = vec![0xFFFF_DED3u32, if tbyb { 0x9021_0142 } else { 0x1021_0142 }];
    // The load map's item stands at word 2; a cleared range counts as its length.
    let (start, last) = match map {
        Map::Relative => (0u32.wrapping_sub(at + 8) + 4, at - 4),
        Map::StorageEnd => (4, at),
        Map::RuntimeEnd => (4, 0x2000_0000 + at - 4),
    };
    let absolute = map != Map::Relative;
    block.push(if absolute { 0x8200_0706 } else { 0x0200_0706 });
    block.extend([start, 0x2000_0000, last, 0, 0x2004_0000, 0x400]);
    block.extend([0x0100_0247, 11]);
    let mut hash = Sha256::new();
    hash.update(&payload[4..]);
    hash.update(0x400u32.to_le_bytes());
    for (index, word) in block.iter().enumerate() {
        let word = if index == 1 {
            word & 0x7FFF_FFFF
        } else {
            *word
        };
        hash.update(word.to_le_bytes());
    }
    let mut image = payload.to_vec();
    block.push(0x0000_094B);
    image.extend(block.iter().flat_map(|word| word.to_le_bytes()));
    image.extend(hash.finalize());
    let items = u32::try_from(block.len() - 1 + 8).unwrap();
    for word in [0xFF | items << 8, 0, 0xAB12_3579] {
        image.extend(word.to_le_bytes());
    }
    image
}

fn particle(payload: &[u8]) -> Vec<u8> {
    let mut image = payload.to_vec();
    image.extend(Sha256::digest(payload));
    image.extend(36u16.to_le_bytes());
    let crc = CRC32.checksum(&image);
    image.extend(crc.to_be_bytes());
    image
}

fn dfu(payload: &[u8]) -> Vec<u8> {
    let mut image = payload.to_vec();
    image.extend(*b"\xFF\xFF\x11\x57\x83\x04\x00\x01UFD\x10");
    let crc = JAMCRC.checksum(&image);
    image.extend(crc.to_le_bytes());
    image
}

/// The flash of an nRF52810 whose application starts behind the MBR; boot validation by `kind`.
fn nordic(payload: &[u8], kind: u8) -> Vec<u8> {
    let mut flash = vec![0xFF; 0x3_0000];
    flash[0x1000..0x1000 + payload.len()].copy_from_slice(payload);
    for page in [0x2_F000, 0x2_E000] {
        let page = &mut flash[page..page + 0x1000];
        page[..0x400].fill(0);
        // Settings version 2; version 1 of application and boot loader; a valid application.
        for (at, word) in [(4, 2), (8, 1), (0xC, 1), (0x20, 1)] {
            put(page, at, word);
        }
        put(page, 0x18, u32::try_from(payload.len()).unwrap());
        put(page, 0x1C, CRC32.checksum(payload));
        page[0x2A1] = kind;
        match kind {
            1 => put(page, 0x2A2, CRC32.checksum(payload)),
            2 => page[0x2A2..0x2C2].copy_from_slice(&Sha256::digest(payload)),
            _ => {}
        }
        let crc = CRC32.checksum(&page[0x260..0x323]);
        put(page, 0x25C, crc);
        let crc = CRC32.checksum(&page[4..0x5C]);
        put(page, 0, crc);
    }
    flash
}

fn stamped(master: &Master) -> Vec<u8> {
    let sealed = seal(apply(master, &values(TOKEN, "GW000001")).unwrap()).unwrap();
    sealed.container().unwrap()
}

fn refusal(result: Result<Master, MasterError>) -> &'static str {
    result.map_or_else(|error| error.name(), |_| "proved")
}

/// Proves that a structure is asked for by name, and that sealing gives what `make` gives of a
/// patched payload.
fn is_repaired(kind: &str, make: &dyn Fn(&[u8]) -> Vec<u8>) {
    let shared = make(&payload());
    assert_eq!(
        refusal(prove(&shared, SLOT)),
        "checksum-undeclared",
        "{kind}"
    );
    let keys = format!("{SLOT}[[checksum]]\nkind = \"{kind}\"");
    let master = prove(&shared, &keys).unwrap();
    let mut patched = payload();
    patched[0x80..0xA8].copy_from_slice(&filled());
    assert!(stamped(&master) == make(&patched), "{kind}");

    // What is wrong already is nobody's business.
    let found = findings(&bin(&shared));
    let field = found
        .iter()
        .find(|one| one.right && !one.at.is_empty())
        .unwrap();
    let at = usize::try_from(field.at[0].start().get()).unwrap();
    let mut broken = shared;
    broken[at] ^= 1;
    let error = prove(&broken, &keys).map(|master| master.plan().checksums().len());
    assert!(
        !matches!(error, Ok(count) if count >= master.plan().checksums().len()),
        "{kind}"
    );
}

#[test]
fn an_lpc55_image_is_repaired() {
    // With flags of other fields in the type's word, as spsdk writes them for some parts.
    for kind in [5, 2, 0x4002] {
        is_repaired("lpc55-image", &|payload| lpc55(payload, kind));
    }
}

#[test]
fn an_rp2350_hash_is_repaired() {
    for map in [Map::Relative, Map::StorageEnd, Map::RuntimeEnd] {
        for tbyb in [false, true] {
            is_repaired("rp2350-hash", &|payload| rp2350(payload, tbyb, map));
        }
    }
}

#[test]
fn a_legacy_image_of_u_boot_is_repaired() {
    is_repaired("uimage", &uimage);
}

#[test]
fn a_particle_module_is_repaired() {
    is_repaired("particle", &particle);
}

#[test]
fn a_dfu_suffix_is_repaired() {
    is_repaired("dfu-suffix", &dfu);
    // NXP's tools put 16 bytes in front afterwards.
    is_repaired("dfu-suffix", &|payload| {
        [[0xDA; 16].as_slice(), &dfu(payload)].concat()
    });
}

#[test]
fn a_nordic_settings_page_and_its_backup_are_repaired() {
    for kind in [0, 1, 2] {
        is_repaired("nordic-settings", &|payload| nordic(payload, kind));
    }
    // What nrfutil 5.2.0 (`bl_dfu_sett.py`) stores for this application.
    for (kind, boot) in [(1, 0x6DDA_CDC0), (2, 0x19EF_6301u32)] {
        let flash = nordic(&payload(), kind);
        let word = |at: usize| flash[0x2_F000 + at..0x2_F004 + at].to_vec();
        assert_eq!(word(0), 0x9D27_66D1u32.to_le_bytes());
        assert_eq!(word(0x1C), 0x001C_D0CEu32.to_le_bytes());
        assert_eq!(word(0x25C), boot.to_le_bytes());
    }
    let keys = format!("{SLOT}[[checksum]]\nkind = \"nordic-settings\"");
    let master = prove(&nordic(&payload(), 2), &keys).unwrap();
    assert_eq!(master.plan().checksums().len(), 8);
    assert_eq!(
        refusal(prove(&nordic(&payload(), 3), &keys)),
        "checksum-signed"
    );
}

#[test]
fn the_word_of_an_lpc_is_found_and_covers_no_slot_behind_it() {
    let shared = lpc(&payload());
    let found = findings(&bin(&shared));
    assert_eq!(found[0].text, "LPC vector table at 0x00000000: checksum");
    assert!(found[0].right);
    assert_eq!(refusal(prove(&shared, SLOT)), "proved");
    // A CRC over it comes behind it; a CRC inside the vectors before it.
    let crc = "[[checksum]]\nkind = \"crc\"\nalgorithm = \"CRC-32/ISO-HDLC\"\nover = [\"0x40..end\"]\nat = { address = 0x14 }\nown = 0\ninitial = \"unset\"\n";
    let keys = format!("{SLOT}{crc}");
    assert_eq!(refusal(prove(&shared, &keys)), "checksum-undeclared");
    let master = prove(
        &shared,
        &format!("{keys}[[checksum]]\nkind = \"lpc-vector\""),
    )
    .unwrap();
    let unit = stamped(&master);
    let words = unit[..32].as_chunks::<4>().0.iter();
    let sum = words.fold(0u32, |sum, word| {
        sum.wrapping_add(u32::from_le_bytes(*word))
    });
    assert_eq!(sum, 0);
    // LPC2000: jumps, and the word at 0x14.
    let mut arm7 = vec![0; 32];
    for at in (0..32).step_by(4) {
        put(&mut arm7, at, 0xE59F_F018);
    }
    put(
        &mut arm7,
        0x14,
        0xE59F_F018u32.wrapping_mul(7).wrapping_neg(),
    );
    arm7.extend(payload());
    let found = findings(&bin(&arm7));
    assert_eq!(found[0].at[0].start(), Address::new(0x14));
}

/// Each of these covers the slot, and takes another tool.
#[test]
fn what_takes_another_tool_is_refused_by_name() {
    for (image, text) in [
        (egon(), "eGON.BT0 image at 0x00000000: sum"),
        (stm32mp1(), "STM32MP1 image at 0x00000000: sum"),
        (gbl(), "GBL file at 0x00000000: CRC-32 or signature"),
        (hab(), "HAB image at 0x00000100: signature"),
        (
            lpc55_signed(4, b"cert"),
            "LPC55 image at 0x00000000: signature",
        ),
        (
            lpc55_signed(1, b"chdr"),
            "LPC55 image at 0x00000000: signature",
        ),
    ] {
        let error = prove(&image, SLOT).unwrap_err();
        assert_eq!(error.name(), "checksum-signed", "{text}");
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert!(cause.starts_with(text), "{cause}");
        // Half of it is no structure.
        let found = findings(&bin(&image[..image.len() / 2]));
        assert!(
            !found.iter().any(|one| one.text.starts_with(&text[..6])),
            "{text}"
        );
    }
}

fn uimage(payload: &[u8]) -> Vec<u8> {
    let mut image = vec![0; 64];
    image[..4].copy_from_slice(&0x2705_1956u32.to_be_bytes());
    image[12..16].copy_from_slice(&256u32.to_be_bytes());
    image[24..28].copy_from_slice(&CRC32.checksum(payload).to_be_bytes());
    let crc = CRC32.checksum(&image);
    image[4..8].copy_from_slice(&crc.to_be_bytes());
    image.extend(payload);
    image
}

fn egon() -> Vec<u8> {
    let mut image = vec![0; 32];
    image[4..12].copy_from_slice(b"eGON.BT0");
    image.extend(payload());
    put(&mut image, 12, 0x5F0A_6C39);
    put(&mut image, 16, 32 + 256);
    let words = image.as_chunks::<4>().0.iter();
    let sum = words.fold(0u32, |sum, word| {
        sum.wrapping_add(u32::from_le_bytes(*word))
    });
    put(&mut image, 12, sum);
    image
}

fn stm32mp1() -> Vec<u8> {
    let mut image = vec![0; 256];
    image[..4].copy_from_slice(b"STM2");
    put(
        &mut image,
        68,
        payload().iter().map(|byte| u32::from(*byte)).sum(),
    );
    put(&mut image, 76, 256);
    image.extend(payload());
    image
}

fn gbl() -> Vec<u8> {
    let mut image = Vec::new();
    for (tag, value) in [
        (0x03A6_17EBu32, vec![0, 0, 0, 3, 0, 0, 0, 0]),
        (0xFE01_01FE, payload()),
        (0xFC04_04FC, vec![1, 2, 3, 4]),
    ] {
        image.extend(tag.to_le_bytes());
        image.extend(u32::try_from(value.len()).unwrap().to_le_bytes());
        image.extend(value);
    }
    image
}

fn hab() -> Vec<u8> {
    let mut image = vec![0; 0x400];
    image[0x100..0x104].copy_from_slice(&[0xD1, 0, 0x20, 0x40]);
    put(&mut image, 0x104, 0x6000_1000);
    put(&mut image, 0x110, 0x6000_0120);
    put(&mut image, 0x114, 0x6000_0100);
    put(&mut image, 0x118, 0x6000_0380);
    put(&mut image, 0x120, 0x6000_0000);
    put(&mut image, 0x124, 0x400);
    image[0x200..0x300].copy_from_slice(&payload());
    image[0x380..0x384].copy_from_slice(&[0xD4, 0, 0x40, 0x40]);
    image
}

fn lpc55_signed(kind: u32, certificates: &[u8; 4]) -> Vec<u8> {
    let mut image = lpc55(&payload(), kind);
    put(&mut image, 0x28, 0x130);
    image[0x130..0x134].copy_from_slice(certificates);
    image
}

/// One way of wrapping a payload; each is computed here, and shares nothing with the line.
fn wrapped(payload: &[u8], layers: [bool; 4], suffix: u8) -> Vec<u8> {
    let mut bytes = payload.to_vec();
    if layers[0] {
        // The team's own CRC, behind the payload.
        let crc = CRC32.checksum(&bytes);
        bytes.extend(crc.to_le_bytes());
    }
    if layers[1] {
        bytes = mcuboot(&bytes, 0, &[]);
    }
    if layers[2] {
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes = esp(&[&[3; 12], &bytes, &[9; 40]]);
    }
    match suffix {
        1 => particle(&bytes),
        2 => dfu(&bytes),
        _ => bytes,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Sealing equals wrapping the patched payload anew, whatever lies over what.
    #[test]
    fn sealing_equals_making_it_anew(
        mut payload in prop::collection::vec(any::<u8>(), 64..600),
        at in any::<prop::sample::Index>(),
        layers in any::<[bool; 4]>(),
        suffix in 0u8..3,
    ) {
        let at = at.index(payload.len() - 40);
        payload[at..at + 40].copy_from_slice(PLACEHOLDER);
        let shared = wrapped(&payload, layers, suffix);
        let mut kinds = Vec::new();
        if suffix == 1 { kinds.push("particle") }
        if suffix == 2 { kinds.push("dfu-suffix") }
        if layers[1] { kinds.push("mcuboot") }
        if layers[2] { kinds.push("esp-image") }
        if layers[3] { kinds.reverse() }
        let mut keys = SLOT.to_owned();
        for kind in kinds {
            keys += &format!("[[checksum]]\nkind = \"{kind}\"\n");
        }
        if layers[0] {
            let start = if layers[2] { 24 + 8 + 12 + 8 } else { 0 } + if layers[1] { 32 } else { 0 };
            let end = start + payload.len();
            keys += &format!(
                "[[checksum]]\nkind = \"crc\"\nalgorithm = \"CRC-32/ISO-HDLC\"\n\
                 over = [\"{start}..{end}\"]\nat = {{ address = {end} }}\n"
            );
        }
        let master = prove(&shared, &keys);
        prop_assert!(master.is_ok(), "{:?}", master.err().map(|error| format!("{error:?}")));
        let master = master.unwrap();
        let unit = stamped(&master);
        payload[at..at + 40].copy_from_slice(&filled());
        prop_assert!(unit == wrapped(&payload, layers, suffix));

        // Sealed once more, nothing changes; every structure is right again.
        let image = bin(&unit);
        for checksum in master.plan().checksums() {
            prop_assert!(checksum.is_current(&image).unwrap());
            prop_assert_eq!(checksum.compute(&image, &Edits::new()).unwrap(), checksum.stored(&image).unwrap());
        }
        prop_assert!(findings(&image).iter().all(|one| one.right));
    }

    /// Noise is no structure, and no bytes make a finder panic.
    #[test]
    fn no_structure_is_seen_by_chance(bytes in prop::collection::vec(any::<u8>(), 1..5000)) {
        prop_assert_eq!(findings(&bin(&bytes)), []);
    }

    #[test]
    fn a_broken_structure_makes_no_finder_panic(
        which in 0usize..12,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut bytes = match which {
            0 => lpc(&payload()),
            1 => lpc55(&payload(), 5),
            2 => rp2350(&payload(), true, Map::Relative),
            3 => particle(&payload()),
            4 => dfu(&payload()),
            5 => uimage(&payload()),
            6 => egon(),
            7 => stm32mp1(),
            8 => gbl(),
            9 => hab(),
            10 => lpc55_signed(4, b"cert"),
            _ => rp2350(&payload(), false, Map::StorageEnd),
        };
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()) + 1);
        }
        let image: Image = bin(&bytes);
        let _ = findings(&image);
        let _ = Master::prove(image, &recipe(&format!("{SLOT}[[checksum]]\nkind = \"rp2350-hash\"")));
    }
}
