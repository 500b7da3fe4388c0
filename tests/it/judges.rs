//! Strangers judge: other people's tools read what the line wrote, and find the same bytes.

use std::path::Path;
use std::process::Command;

use crate::bench::{Bench, has, text};
use crate::judge;

/// The recipes of one firmware in five formats, and what srec_cat calls those that it reads.
const FORMS: [(&str, &str, &str); 5] = [
    ("gw100/recipe.toml", "elf", ""),
    ("recipes/gw100-bin.toml", "bin", "-binary"),
    ("recipes/gw100-hex.toml", "hex", "-intel"),
    ("recipes/gw100-srec.toml", "srec", "-motorola"),
    ("recipes/gw100-uf2.toml", "uf2", ""),
];

/// Reads all forms by other people's modules.
const AGREE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/judges/agree.py");
const MODULES: &[&str] = &["elftools", "intelhex", "bincopy", "adafruit_uf2"];

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
    let text_forms = FORMS.iter().filter(|(_, _, reads)| !reads.is_empty());
    for (_, own, reads) in text_forms {
        let file = format!("unit.{own}");
        run(&folder, "srec_cmp", &["unit.hex", "-intel", &file, reads]);
    }
    // A UF2 fills its last block up, so what it becomes is longer.
    for (_, own, _) in &FORMS[..4] {
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

/// One firmware, one token, five containers: four strangers and the BIN agree at every address.
#[test]
fn readers_of_five_formats_find_the_same_firmware() {
    if !judge::has(
        "five formats read by pyelftools, intelhex, bincopy and uf2conv",
        MODULES,
    ) {
        return;
    }
    let bench = Bench::new();
    unit(&bench);
    let files = FORMS.map(|(_, own, _)| format!("unit.{own}"));
    let args: Vec<&str> = [AGREE]
        .into_iter()
        .chain(files.iter().map(String::as_str))
        .collect();
    let read = judge::call(&bench.path(""), &args);
    assert!(read.status.success(), "{}", text(&read.stderr));
    assert_eq!(text(&read.stdout).trim(), "4164");
    // It tells where one of them differs.
    let mut torn = std::fs::read(bench.path("unit.bin")).unwrap();
    torn[0x1003] ^= 1;
    std::fs::write(bench.path("unit.bin"), torn).unwrap();
    let read = judge::call(&bench.path(""), &args);
    assert!(
        text(&read.stderr).contains("at 0x1003"),
        "{}",
        text(&read.stderr)
    );
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
