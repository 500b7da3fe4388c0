//! Strangers judge: other people's tools read what the line wrote, and find the same bytes.

use std::path::Path;
use std::process::Command;

use crate::bench::{Bench, has};

/// The recipes of one firmware in the text formats, ELF and BIN.
const FORMS: [(&str, &str, &str); 4] = [
    ("gw100/recipe.toml", "elf", ""),
    ("recipes/gw100-bin.toml", "bin", "-binary"),
    ("recipes/gw100-hex.toml", "hex", "-intel"),
    ("recipes/gw100-srec.toml", "srec", "-motorola"),
];

fn run(folder: &Path, program: &str, args: &[&str]) {
    let output = Command::new(program)
        .args(args)
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{program} {args:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Writes one unit in every form, with one token.
fn unit(bench: &Bench) {
    for (recipe, own, _) in FORMS {
        let file = bench.path(recipe);
        let text = std::fs::read_to_string(&file).unwrap();
        let at = text.find("url = ").unwrap();
        let ledger = bench.path("one.ledger");
        let text = format!("{}url = \"sqlite:{}\"\n", &text[..at], ledger.display());
        std::fs::write(&file, text).unwrap();
        let inject = ["inject", "--recipe", recipe, "--serial", "GW000001", "-o"];
        bench.ok(&[&inject[..], &[&format!("unit.{own}")]].concat());
        for form in ["bin", "hex"] {
            let out = format!("{own}.{form}");
            bench.ok(&[&inject[..], &[&out, "--format", form]].concat());
        }
    }
}

/// `srec_cmp` reads both, with every record's sum and count checked, and compares by address.
#[test]
fn srec_cat_reads_the_same_bytes_from_every_form() {
    if !has("srec_cat", "S-record and HEX judged by srec_cat") {
        return;
    }
    let bench = Bench::new();
    unit(&bench);
    let folder = bench.path("");
    for (_, own, reads) in &FORMS[1..] {
        let file = format!("unit.{own}");
        run(&folder, "srec_cmp", &["unit.hex", "-intel", &file, reads]);
    }
    for (_, own, _) in FORMS {
        let (bin, hex) = (format!("{own}.bin"), format!("{own}.hex"));
        run(
            &folder,
            "srec_cmp",
            &["unit.hex", "-intel", &bin, "-binary"],
        );
        run(&folder, "srec_cmp", &["unit.hex", "-intel", &hex, "-intel"]);
    }
    // Written anew by the stranger, it is the same firmware to this program.
    let anew = ["unit.srec", "-motorola", "-o", "anew.hex", "-intel"];
    run(&folder, "srec_cat", &anew);
    let judge = [
        "verify",
        "--recipe",
        "recipes/gw100-srec.toml",
        "--format",
        "hex",
    ];
    bench.ok(&[&judge[..], &["--serial", "GW000001", "anew.hex"]].concat());
}

/// `objcopy` lays the patched ELF out by load address, as the conversion does.
#[test]
fn objcopy_lays_the_elf_out_alike() {
    if !has("objcopy", "conversion judged by objcopy") {
        return;
    }
    let bench = Bench::new();
    unit(&bench);
    let folder = bench.path("");
    let input = ["-I", "elf32-little", "unit.elf"];
    let bin = ["--gap-fill", "0xff", "-O", "binary"];
    run(
        &folder,
        "objcopy",
        &[&bin[..], &input, &["theirs.bin"]].concat(),
    );
    let read = |name: &str| std::fs::read(bench.path(name)).unwrap();
    assert!(read("theirs.bin") == read("elf.bin"));
    run(
        &folder,
        "objcopy",
        &["-O", "ihex", "-I", "elf32-little", "unit.elf", "theirs.hex"],
    );
    let judge = [
        "verify",
        "--recipe",
        "gw100/recipe.toml",
        "--serial",
        "GW000001",
    ];
    bench.ok(&[&judge[..], &["--format", "hex", "theirs.hex"]].concat());
}
