//! What U-Boot loads: hashes of FITs and CRCs of legacy images, repaired or refused by name.

use eol_inject::checksum::findings;
use eol_inject::master::{Master, apply};
use eol_inject::seal::seal;
use proptest::prelude::*;

use crate::craft::{TOKEN, bin, prove, recipe, values};
use crate::support::fixtures;

const SLOT: &str = "[[slot]]\nvalue = \"auth-token\"\nmarker = \"PLACEHOLDER_PLACEHOLDER_PLACEHOLDER\"\nsize = 40\nblank = { text = \"PLACEHOLDER\" }\n";
#[cfg(feature = "cli")]
const PLACEHOLDER: &str = "PLACEHOLDER_PLACEHOLDER_PLACEHOLDER_____";
/// Files of the fixtures, their kind, and how many fields cover the slot.
const FILES: [(&str, &str, usize); 4] = [
    ("fit.itb", "fit", 6),
    ("fit-external.itb", "fit", 1),
    ("uimage.img", "uimage", 2),
    ("uimage-multi.img", "uimage", 2),
];

fn file(name: &str) -> Vec<u8> {
    std::fs::read(fixtures().join("images").join(name)).unwrap()
}

fn keys(kind: &str) -> String {
    format!("{SLOT}[[checksum]]\nkind = \"{kind}\"\n")
}

fn cause(image: &[u8], rest: &str) -> (&'static str, String) {
    let error = prove(image, rest).unwrap_err();
    let source = std::error::Error::source(&error).unwrap().to_string();
    (error.name(), source)
}

fn stamped(master: &Master) -> Vec<u8> {
    let sealed = seal(apply(master, &values(TOKEN, "GW000001")).unwrap()).unwrap();
    sealed.container().unwrap()
}

#[test]
fn fields_over_a_slot_must_be_in_the_recipe() {
    for (name, kind, fields) in FILES {
        let shared = file(name);
        let (error, text) = cause(&shared, SLOT);
        assert_eq!(error, "checksum-undeclared", "{name}: {text}");
        let master = prove(&shared, &keys(kind)).unwrap();
        assert_eq!(master.plan().checksums().len(), fields, "{name}");
        assert!(
            findings(&bin(&stamped(&master)))
                .iter()
                .all(|one| one.right)
        );
    }
}

#[test]
fn images_of_u_boot_are_found_at_any_place() {
    for (name, kind, fields) in FILES {
        // An odd place, and the same image once more behind it without a slot.
        let mut shared = vec![0xA5; 0x1003];
        shared.extend(file(name));
        shared.extend([0xFF; 37]);
        let master = prove(&shared, &keys(kind)).unwrap();
        assert_eq!(master.plan().checksums().len(), fields, "{name}");
        let unit = stamped(&master);
        assert!(findings(&bin(&unit)).iter().all(|one| one.right), "{name}");
    }
}

/// A legacy image whose data are a FIT: inner before outer.
#[test]
fn a_fit_in_a_legacy_image_is_repaired_first() {
    let crc32 = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC);
    let fit = file("fit-external.itb");
    let mut shared = vec![0; 64];
    shared[..4].copy_from_slice(&0x2705_1956u32.to_be_bytes());
    shared[12..16].copy_from_slice(&u32::try_from(fit.len()).unwrap().to_be_bytes());
    shared[24..28].copy_from_slice(&crc32.checksum(&fit).to_be_bytes());
    let crc = crc32.checksum(&shared);
    shared[4..8].copy_from_slice(&crc.to_be_bytes());
    shared.extend(fit);
    let both = format!("{}[[checksum]]\nkind = \"fit\"\n", keys("uimage"));
    let master = prove(&shared, &both).unwrap();
    let names: Vec<&str> = master
        .plan()
        .checksums()
        .iter()
        .map(|one| one.name())
        .collect();
    assert!(names[0].starts_with("FIT"), "{names:?}");
    assert!(names[2].ends_with("of the header"), "{names:?}");
    assert!(
        findings(&bin(&stamped(&master)))
            .iter()
            .all(|one| one.right)
    );
}

#[test]
fn what_is_wrong_already_is_left() {
    for (name, kind, fields) in FILES {
        let shared = file(name);
        let found = findings(&bin(&shared));
        let at = usize::try_from(found[0].at[0].start().get()).unwrap();
        let mut broken = shared;
        broken[at] ^= 1;
        let proved = prove(&broken, &keys(kind)).map(|master| master.plan().checksums().len());
        assert!(!matches!(proved, Ok(count) if count >= fields), "{name}");
    }
}

#[test]
fn an_image_whose_end_is_missing_is_refused() {
    for name in ["fit-external.itb", "uimage.img", "uimage-multi.img"] {
        let mut shared = file(name);
        shared.truncate(shared.len() - 4);
        assert_eq!(cause(&shared, SLOT).0, "checksum-cut-off", "{name}");
    }
}

#[test]
fn a_slot_over_the_tree_or_a_header_is_refused() {
    let slot = |at: u64, size: u64| {
        format!(
            "[[slot]]\nvalue = \"auth-token\"\naddress = {at}\nsize = {size}\nblank = \"any\"\n"
        )
    };
    let fit = file("fit.itb");
    let description = b"a board of the tests";
    let at = fit
        .windows(20)
        .position(|bytes| bytes == description)
        .unwrap();
    for (name, kind, at) in [
        ("fit.itb", "fit", at),
        ("uimage.img", "uimage", 28),
        ("uimage-multi.img", "uimage", 60),
    ] {
        let rest = format!(
            "{}[[checksum]]\nkind = \"{kind}\"\n",
            slot(u64::try_from(at).unwrap(), 40)
        );
        assert_eq!(cause(&file(name), &rest).0, "checksum-in-frame", "{name}");
    }
}

/// Compiles a FIT with `more` in its image and `signature` in its configuration.
#[cfg(feature = "cli")]
fn compiled(more: &str, signature: &str) -> Option<Vec<u8>> {
    if !crate::bench::has("dtc", "FITs with signatures") {
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("fit.dts");
    let text = format!(
        "/dts-v1/;\n/ {{ images {{ kernel-1 {{ data = \"{PLACEHOLDER}\"; type = \"kernel\"; {more} }}; }};\n\
         configurations {{ default = \"c\"; c {{ kernel = \"kernel-1\"; {signature} }}; }}; }};\n"
    );
    std::fs::write(&source, text).unwrap();
    let out = folder.path().join("fit.dtb");
    let made = std::process::Command::new("dtc")
        .args(["-q", "-I", "dts", "-O", "dtb", "-o"])
        .arg(&out)
        .arg(&source)
        .status()
        .unwrap();
    assert!(made.success());
    Some(std::fs::read(out).unwrap())
}

#[test]
#[cfg(feature = "cli")]
fn what_takes_a_key_or_is_packed_is_refused_by_name() {
    let signature =
        "signature-1 { algo = \"sha256,rsa2048\"; key-name-hint = \"dev\"; value = <1 2 3>; };";
    let listed = "signature { value = <1>; hashed-nodes = \"/\", \"/images/kernel-1/hash-1\"; };";
    for (more, configuration, text) in [
        (signature, "", "image kernel-1: signature"),
        ("", signature, "configuration c: signature"),
        ("", listed, "configuration c: signature"),
        (
            "cipher { algo = \"aes256\"; };",
            "",
            "image kernel-1: ciphered data",
        ),
        (
            "compression = \"gzip\";",
            "",
            "image kernel-1: compressed data",
        ),
    ] {
        let Some(fit) = compiled(more, configuration) else {
            return;
        };
        let (error, said) = cause(&fit, SLOT);
        assert_eq!(error, "checksum-signed", "{said}");
        assert!(said.contains(text), "{said}");
    }
    let other = "compression = \"none\"; hash-1 { algo = \"sm3-256\"; value = <1 2>; };";
    let (error, said) = cause(&compiled(other, "").unwrap(), SLOT);
    assert_eq!(error, "checksum-unrepaired", "{said}");
    assert!(said.contains("hash by sm3-256"), "{said}");
    // A place for a signature that nobody made yet covers nothing.
    let empty = "signature { algo = \"sha256,rsa2048\"; };";
    assert!(prove(&compiled(empty, empty).unwrap(), SLOT).is_ok());
}

/// A tree of a million nodes in one another takes no stack, and trees over one another end.
#[test]
fn hostile_trees_are_read_in_bounds() {
    let tree = |structs: &[u8], total: u32| {
        let size = u32::try_from(structs.len()).unwrap();
        let head = [0xD00D_FEED, total, 40, 40, 40, 17, 16, 0, 0, size];
        let mut tree: Vec<u8> = head.into_iter().flat_map(u32::to_be_bytes).collect();
        tree.extend(structs);
        tree
    };
    let deep = b"\0\0\0\x01\0\0\0\0".repeat(1_000_000);
    let deep = tree(&deep, u32::try_from(deep.len()).unwrap() + 40);
    assert_eq!(findings(&bin(&deep)), []);
    // Ten thousand headers, each of which claims all that is behind it.
    let count = 10_000u32;
    let mut many = Vec::new();
    for index in 0..count {
        let rest = (count - index) * 40 + 8;
        let head = [0xD00D_FEED, rest, 40, 40, 40, 17, 16, 0, 0, rest - 40];
        many.extend(head.into_iter().flat_map(u32::to_be_bytes));
    }
    many.extend([0; 8]);
    let found = findings(&bin(&many));
    assert_eq!(found.len(), 1);
    assert!(found[0].text.contains("more of them"), "{}", found[0].text);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_bytes_make_the_readers_of_u_boot_images_panic(
        which in 0..FILES.len(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..12),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let (name, kind, _) = FILES[which];
        let mut bytes = file(name);
        for (at, byte) in changes {
            // Most of what decides is in front.
            let at = at.index(bytes.len() * 2) / 2;
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()) + 1);
        }
        let image = bin(&bytes);
        let _ = findings(&image);
        if let Ok(master) = Master::prove(image, &recipe(&keys(kind))) {
            let unit = stamped(&master);
            let image = bin(&unit);
            for checksum in master.plan().checksums() {
                prop_assert!(checksum.is_current(&image).unwrap());
            }
        }
    }
}

/// Others read what was sealed: a reader in Python, and U-Boot's own tool.
#[test]
#[cfg(feature = "cli")]
fn strangers_find_every_field_right() {
    const JUDGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/judges/uboot.py");
    let folder = tempfile::tempdir().unwrap();
    for (name, kind, fields) in FILES {
        let unit = stamped(&prove(&file(name), &keys(kind)).unwrap());
        std::fs::write(folder.path().join(name), &unit).unwrap();
        let judged = crate::judge::call(folder.path(), &[JUDGE, name]);
        let said = String::from_utf8_lossy(&judged.stdout).into_owned();
        assert!(
            judged.status.success(),
            "{name}: {}",
            String::from_utf8_lossy(&judged.stderr)
        );
        // The FITs have a second image, with a hash of its own.
        let wanted = fields + usize::from(kind == "fit");
        assert_eq!(said.trim(), wanted.to_string(), "{name}");
        if crate::bench::has("mkimage", "legacy images judged by mkimage") {
            let listed = std::process::Command::new("mkimage")
                .args(["-l", name])
                .current_dir(folder.path())
                .output()
                .unwrap();
            assert!(listed.status.success(), "{name}");
        }
        // It tells where one of them is wrong.
        let mut torn = unit;
        let at = torn.windows(32).position(|bytes| bytes == TOKEN).unwrap();
        torn[at] ^= 1;
        std::fs::write(folder.path().join(name), &torn).unwrap();
        assert!(
            !crate::judge::call(folder.path(), &[JUDGE, name])
                .status
                .success()
        );
    }
}
