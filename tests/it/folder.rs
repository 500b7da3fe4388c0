//! What `verify` says of a whole folder.

use std::fs;

use crate::bench::{Bench, text};

const RECIPE: &str = "gw100/recipe.toml";

fn made(count: &str) -> Bench {
    let bench = Bench::with(&["gw100", "pools"]);
    bench.ok(&["batch", "--recipe", RECIPE, "--count", count, "-o", "out"]);
    bench
}

fn verify(bench: &Bench, more: &[&str]) -> (Option<i32>, String) {
    let output = bench.run(&[&["verify", "--recipe", RECIPE, "out"], more].concat());
    let said = text(&output.stdout) + &text(&output.stderr);
    (output.status.code(), said)
}

#[test]
fn one_bad_file_is_found_and_named() {
    let bench = made("4");
    let file = bench.path("out/GW000003.elf");
    let mut bytes = fs::read(&file).unwrap();
    bytes[0x200] ^= 1;
    fs::write(&file, bytes).unwrap();
    let (code, said) = verify(&bench, &[]);
    assert_eq!(code, Some(41));
    assert!(said.contains("GW000003.elf  differs"), "{said}");
    assert!(said.contains("4 images   3 right, 1 wrong"), "{said}");
}

#[test]
fn one_token_in_two_files_is_named() {
    let bench = made("2");
    fs::copy(bench.path("out/GW000001.elf"), bench.path("out/copy.elf")).unwrap();
    let (code, said) = verify(&bench, &[]);
    assert_eq!(code, Some(41));
    assert!(said.contains("GW000001.elf  token"), "{said}");
    assert!(said.contains("is in out/copy.elf too"), "{said}");
}

#[test]
fn a_record_without_image_and_an_image_without_record_are_named() {
    let bench = made("3");
    bench.ok(&["ledger", "export", "--recipe", RECIPE, "-o", "mapping.csv"]);
    fs::remove_file(bench.path("out/GW000002.elf")).unwrap();
    bench.ok(&["batch", "--recipe", RECIPE, "--count", "1", "-o", "out"]);
    let (code, said) = verify(&bench, &["--mapping", "mapping.csv"]);
    assert_eq!(code, Some(41));
    assert!(said.contains("GW000002  the record has no image"), "{said}");
    assert!(
        said.contains("GW000004.elf  no record names this image"),
        "{said}"
    );
    assert!(
        said.contains("3 images   2 right, 1 wrong, 1 record without an image"),
        "{said}"
    );
}

#[test]
fn what_cannot_be_read_hides_nothing() {
    let bench = made("2");
    std::os::unix::fs::symlink("nowhere", bench.path("out/GW000009.elf")).unwrap();
    fs::write(bench.path("out/GW000001.elf"), b"no ELF").unwrap();
    let (code, said) = verify(&bench, &[]);
    assert_eq!(code, Some(41));
    assert!(said.contains("GW000009.elf  cannot read"), "{said}");
    assert!(said.contains("GW000001.elf  "), "{said}");
}

#[test]
fn what_is_not_judged_is_named() {
    let bench = made("2");
    fs::rename(
        bench.path("out/GW000002.elf"),
        bench.path("out/GW000002.img"),
    )
    .unwrap();
    fs::create_dir(bench.path("out/sub")).unwrap();
    fs::write(bench.path("out/.GW000007.part"), b"half").unwrap();
    let (code, said) = verify(&bench, &[]);
    assert_eq!(code, Some(41), "a part file may hold a token");
    assert!(said.contains("out/GW000002.img is not judged"), "{said}");
    assert!(said.contains("out/sub is not judged"), "{said}");
}

#[test]
fn check_is_not_ready_without_a_token() {
    let bench = Bench::with(&["gw100"]);
    let output = bench.run(&["check", "--recipe", RECIPE]);
    assert_eq!(output.status.code(), Some(53));
    assert!(text(&output.stderr).contains("no token is free"));
}
