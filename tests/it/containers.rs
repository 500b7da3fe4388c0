//! One firmware in every container: the same bytes at the same addresses, before and after, in
//! the shared image's own format and converted.

use std::fs;
use std::path::Path;

use eol_inject::image::{Address, Hint, Image, Span};
use eol_inject::recipe::Recipe;
use eol_inject::verify::{Difference, Judge};

use crate::bench::{Bench, text};
use crate::support::fixtures;

/// The recipes of one firmware, each in another container.
const FORMS: [(&str, &str); 5] = [
    ("gw100/recipe.toml", "elf"),
    ("recipes/gw100-bin.toml", "bin"),
    ("recipes/gw100-hex.toml", "hex"),
    ("recipes/gw100-srec.toml", "srec"),
    ("recipes/gw100-uf2.toml", "uf2"),
];

/// What a file loads: runs and their bytes.
fn memory(path: &Path) -> Vec<(Span, Vec<u8>)> {
    let bytes = fs::read(path).unwrap();
    let bin = path.extension().is_some_and(|it| it == "bin");
    let hint = Hint {
        base: bin.then_some(Address::new(0)),
        ..Hint::default()
    };
    let image = Image::read(bytes, hint).unwrap();
    let runs = image.runs();
    runs.into_iter()
        .map(|run| (run, image.bytes(run).unwrap().into_owned()))
        .collect()
}

/// Returns every stored byte with its address; gaps of a BIN are stored.
fn bytes(memory: &[(Span, Vec<u8>)]) -> impl Iterator<Item = (u64, u8)> {
    memory
        .iter()
        .flat_map(|(run, bytes)| (run.start().get()..).zip(bytes.iter().copied()))
}

#[test]
fn one_token_in_every_container_and_conversion_agrees_at_every_address() {
    let bench = Bench::new();
    let mut files = Vec::new();
    // One ledger for all: the serial resumes with its token, whatever the container.
    for (recipe, own) in FORMS {
        let text = fs::read_to_string(bench.path(recipe)).unwrap();
        let at = text.find("url = ").unwrap();
        let text = format!(
            "{}url = \"sqlite:{}\"\n",
            &text[..at],
            bench.path("one.ledger").display()
        );
        fs::write(bench.path(recipe), text).unwrap();
        for form in ["", "bin", "hex"] {
            let out = format!("{own}-{form}.{}", if form.is_empty() { own } else { form });
            let mut args = vec![
                "inject", "--recipe", recipe, "--serial", "GW000001", "-o", &out,
            ];
            if !form.is_empty() {
                args.extend(["--format", form]);
            }
            bench.ok(&args);
            let mut judge = vec!["verify", "--recipe", recipe, &out, "--serial", "GW000001"];
            bench.ok(&judge);
            if !form.is_empty() {
                judge.extend(["--format", form]);
                bench.ok(&judge);
            }
            files.push(bench.path(&out));
        }
    }
    let token = bench.tokens("gw100/recipe.toml").remove(0).1;
    let wanted = memory(&bench.path("elf-.elf"));
    let all: Vec<(u64, u8)> = bytes(&wanted).collect();
    let slot: Vec<u8> = all
        .iter()
        .filter(|(at, _)| (0x1000..0x1020).contains(at))
        .map(|it| it.1)
        .collect();
    assert_eq!(slot, token.as_bytes());
    for file in &files {
        let found = memory(file);
        if found != wanted {
            // A BIN stores the gaps too.
            assert!(found.len() == 1, "{}", file.display());
            let known: std::collections::BTreeMap<u64, u8> = all.iter().copied().collect();
            for (at, byte) in bytes(&found) {
                let wanted = known.get(&at).copied().unwrap_or(0xFF);
                assert_eq!(byte, wanted, "{} at {at:#x}", file.display());
            }
        }
    }
}

#[test]
fn a_batch_of_converted_images_is_verified() {
    let bench = Bench::new();
    let recipe = "recipes/eols-erased-elf.toml";
    let batch = [
        "batch", "--recipe", recipe, "--count", "3", "-o", "out", "--format", "bin",
    ];
    let output = bench.run(&[&batch[..], &["--gap-fill", "0x00"]].concat());
    let said = text(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(
        said.contains("in 1 gap filled with 0x00; flash from 0x00000000 on"),
        "{said}"
    );
    assert!(said.contains("--format bin --gap-fill 0x00 out"), "{said}");
    let verify = [
        "verify", "--recipe", recipe, "out", "--ledger", "--format", "bin",
    ];
    bench.ok(&[&verify[..], &["--gap-fill", "0"]].concat());
    // Another filling is a difference, and so is a byte more.
    let other = bench.run(&verify);
    assert_eq!(other.status.code(), Some(41));
    assert!(text(&other.stdout).contains("where the shared image stores nothing"));
    // The second time nothing is written.
    let again = bench.ok(&[&batch[..], &["--gap-fill", "0x00", "--json"]].concat());
    assert!(!again.is_empty());
    let file = bench.path("out/GW000001.bin");
    let mut bytes = fs::read(&file).unwrap();
    bytes.push(0);
    fs::write(&file, bytes).unwrap();
    assert_eq!(
        bench
            .run(&[&verify[..], &["--gap-fill", "0"]].concat())
            .status
            .code(),
        Some(41)
    );
}

#[test]
fn a_filling_without_a_bin_is_refused() {
    let bench = Bench::new();
    for form in [&["--format", "hex"][..], &[]] {
        let args = [
            "inject",
            "--serial",
            "GW000001",
            "-o",
            "x",
            "--recipe",
            "gw100/recipe.toml",
        ];
        let output = bench.run(&[&args[..], form, &["--gap-fill", "0"]].concat());
        assert_eq!(output.status.code(), Some(2));
    }
    let args = ["inject", "--serial", "GW1", "-o", "x", "--format", "elf"];
    assert_eq!(bench.run(&args).status.code(), Some(2));
}

fn recipe(text: &str) -> Recipe {
    Recipe::parse(text, &fixtures().join("recipes")).unwrap()
}

#[test]
fn of_two_families_one_is_patched_and_the_other_kept() {
    let text = fs::read_to_string(fixtures().join("recipes/gw100-uf2.toml")).unwrap();
    let one = fs::read(fixtures().join("images/gw100.uf2")).unwrap();
    let mut other = one.clone();
    for block in other.chunks_mut(512) {
        block[28..32].copy_from_slice(&0xE48B_FF56u32.to_le_bytes());
    }
    let both = [other.clone(), one].concat();
    let open = Judge::new(both.clone(), None, &recipe(&text)).unwrap_err();
    assert!(open.to_string().contains("shared image"), "{open}");
    let text = text.replace("[image]\n", "[image]\nfamily = 0xADA52840\n");
    let judge = Judge::new(both, None, &recipe(&text)).unwrap();
    let golden = fs::read(fixtures().join("golden/gw100.uf2")).unwrap();
    let good = [other.clone(), golden.clone()].concat();
    assert_eq!(judge.examine(good, None).findings, []);
    other[100] ^= 1;
    let touched = judge.examine([other, golden].concat(), None).findings;
    assert!(
        matches!(touched[..], [Difference::File { offset: 100, .. }]),
        "{touched:?}"
    );
}

#[test]
fn what_stands_beside_loaded_bytes_is_judged_too() {
    for (name, file, at, by) in [
        // The name in the S0 record.
        ("gw100-srec", "gw100.srec", 9, "0"),
        // What stands behind a payload.
        ("gw100-uf2", "gw100.uf2", 500, "\u{1}"),
        // An MD5, in either place, and what lies behind it.
        ("gw100-esptool-uf2", "gw100-esptool.uf2", 500, "\u{1}"),
        (
            "gw100-esptool-uf2",
            "gw100-esptool.uf2",
            4608 + 32 + 96 + 8,
            "\u{1}",
        ),
        (
            "gw100-esptool-uf2",
            "gw100-esptool.uf2",
            4608 + 300,
            "\u{1}",
        ),
    ] {
        let text = fs::read_to_string(fixtures().join(format!("recipes/{name}.toml"))).unwrap();
        let recipe = recipe(&text);
        let shared = fs::read(recipe.image_file().unwrap()).unwrap();
        let judge = Judge::new(shared, None, &recipe).unwrap();
        let mut unit = fs::read(fixtures().join("golden").join(file)).unwrap();
        assert_eq!(judge.examine(unit.clone(), None).findings, [], "{name}");
        unit[at] ^= by.as_bytes()[0];
        assert_ne!(judge.examine(unit, None).findings, [], "{name} {at}");
    }
}
