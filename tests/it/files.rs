//! Files of units: left alone where they are right, made anew where anything differs.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use eol_inject::image::Conversion;
use eol_inject::master::{Master, apply};
use eol_inject::seal::{Sealed, seal};
use eol_inject::target::{Folder, Sync, Target as _, Unwatched};

use super::craft::{TOKEN, prove, values};

const RECIPE: &str = "[[slot]]\nvalue = \"auth-token\"\naddress = 0x40\nsize = 40\n\
    [[checksum]]\nkind = \"crc\"\nalgorithm = \"CRC-32/ISO-HDLC\"\nover = [\"start..end-4\"]\n\
    at = { address = \"end-4\" }\ninitial = \"unset\"\n";

fn master(len: usize) -> Master {
    let mut bytes: Vec<u8> = (0..len).map(|at| (at * 7 + at / 256) as u8).collect();
    bytes[0x40..0x68].fill(0);
    bytes[len - 4..].fill(0);
    prove(&bytes, RECIPE).unwrap()
}

fn sealed(master: &Master) -> Sealed<'_> {
    seal(apply(master, &values(TOKEN, "GW000001")).unwrap()).unwrap()
}

fn inode(path: &Path) -> u64 {
    fs::metadata(path).unwrap().ino()
}

#[test]
fn only_what_differs_is_written_again() {
    let (master, folder) = (master(300_000), tempfile::tempdir().unwrap());
    let sealed = sealed(&master);
    let right = sealed.container().unwrap();
    let path = folder.path().join("GW000001.bin");
    let part = folder.path().join(".GW000001.part");
    for sync in [Sync::Written, Sync::Durable] {
        let mut target = Folder::new(folder.path(), "bin", sync);
        target.deliver(&sealed, &mut Unwatched).unwrap();
        let first = inode(&path);
        fs::write(&part, b"half").unwrap();
        target.deliver(&sealed, &mut Unwatched).unwrap();
        assert_eq!(inode(&path), first, "it was right");
        assert!(!part.exists(), "what a cut left may hold a token");

        let mut wrong = right.clone();
        wrong[200_000] ^= 1;
        let spoilers: [&dyn Fn(); 5] = [
            &|| fs::write(&path, &wrong).unwrap(),
            &|| fs::write(&path, &right[..299_999]).unwrap(),
            &|| fs::write(&path, [right.as_slice(), b"+"].concat()).unwrap(),
            &|| fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap(),
            &|| fs::hard_link(&path, folder.path().join("other")).unwrap(),
        ];
        for spoil in spoilers {
            target.deliver(&sealed, &mut Unwatched).unwrap();
            let before = inode(&path);
            // The number of a file that is gone could come back.
            let held = fs::File::open(&path).unwrap();
            spoil();
            target.deliver(&sealed, &mut Unwatched).unwrap();
            assert_ne!(inode(&path), before);
            drop(held);
            assert!(fs::read(&path).unwrap() == right);
            assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
            let _ = fs::remove_file(folder.path().join("other"));
        }
        fs::remove_file(&path).unwrap();
    }
}

#[test]
fn a_converted_image_is_that_of_the_unit() {
    let (master, folder) = (master(70_000), tempfile::tempdir().unwrap());
    let sealed = sealed(&master);
    for form in [Conversion::Bin { fill: 0xFF }, Conversion::Hex] {
        let target = Folder::new(folder.path(), form.extension(), Sync::Written);
        let mut target = target.converted(Some(form));
        target.deliver(&sealed, &mut Unwatched).unwrap();
        let made = fs::read(target.path(sealed.serial())).unwrap();
        assert!(made == master.image().convert(sealed.edits(), form).unwrap());
        assert!(target.verify(&sealed, &mut Unwatched).unwrap().is_some());
    }
}
