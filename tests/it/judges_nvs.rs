//! Settings stores that a recipe makes: Espressif's generator must give the same bytes, and readers
//! of Zephyr's format the same values.
//!
//! `EOL_INJECT_PYTHON` names a Python with esp-idf-nvs-partition-gen, znvs, esptool and intelhex.

use std::fs;

use crate::bench::{Bench, text};
use crate::judge::{call, has};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/judges/nvs.py");
const MODULES: &[&str] = &["esp_idf_nvs_partition_gen", "znvs", "esptool", "intelhex"];
/// What the judge's lists hold.
const TOKEN: &[u8] = b"-fake_golden-TOKEN_0123456789abc";

/// Has recipes made in `folder`, and returns what is said of each, by columns.
fn made(bench: &Bench, what: &str) -> Vec<Vec<String>> {
    let folder = bench.path("made");
    fs::create_dir_all(&folder).unwrap();
    let made = call(&folder, &[SCRIPT, what, "."]);
    assert!(made.status.success(), "{}", text(&made.stderr));
    let lines = text(&made.stdout);
    let cells = |line: &str| line.split('\t').map(str::to_owned).collect();
    lines.lines().map(cells).collect()
}

/// Makes the unit of a recipe; `None` where its values do not fit.
fn unit(bench: &Bench, name: &str, extension: &str) -> Option<Vec<u8>> {
    let recipe = format!("made/{name}.toml");
    let out = format!("made-{name}/unit.{extension}");
    fs::create_dir(bench.path(&out).parent().unwrap()).unwrap();
    let inject = [
        "inject", "--recipe", &recipe, "--serial", "GW000001", "-o", &out,
    ];
    bench.begin_anew("made");
    let output = bench.run(&inject);
    if output.status.code() == Some(10) {
        let text = text(&output.stderr);
        assert!(text.contains("the values do not fit"), "{name}: {text}");
        return None;
    }
    // The list brings no QR Token, so there is no label.
    assert_eq!(output.status.code(), Some(60), "{}", text(&output.stderr));
    bench.ok(&["verify", "--recipe", &recipe, "--serial", "GW000001", &out]);
    Some(fs::read(bench.path(&out)).unwrap())
}

#[test]
fn espressifs_generator_makes_the_same_partition_of_the_same_values() {
    if !has("stores of ESP-IDF", MODULES) {
        return;
    }
    let bench = Bench::with(&[]);
    let cases = made(&bench, "esp");
    let mut fit = 0;
    for case in &cases {
        let [name, fits] = &case[..] else {
            panic!("{case:?}")
        };
        let unit = unit(&bench, name, "bin");
        assert_eq!(unit.is_some(), fits == "fits", "{name}");
        let Some(unit) = unit else { continue };
        fit += 1;
        let mut wanted = fs::read(bench.path(&format!("made/{name}.wanted"))).unwrap();
        // Of a partition that is only read the generator writes the pages in use.
        wanted.resize(unit.len(), 0xFF);
        let differs = unit.iter().zip(&wanted).position(|(a, b)| a != b);
        assert_eq!(differs, None, "{name}");
    }
    assert!(fit >= 15 && fit < cases.len(), "{fit} of {}", cases.len());
}

#[test]
fn readers_of_zephyrs_store_find_every_value() {
    if !has("stores of Zephyr", MODULES) {
        return;
    }
    let bench = Bench::with(&[]);
    let mut fit = 0;
    for case in made(&bench, "zephyr") {
        let [name, sector, align, crc, held] = &case[..] else {
            panic!("{case:?}")
        };
        if unit(&bench, name, "bin").is_none() {
            continue;
        }
        fit += 1;
        let file = format!("../made-{name}/unit.bin");
        let read = call(
            &bench.path("made"),
            &[SCRIPT, "read", &file, sector, align, crc],
        );
        assert!(read.status.success(), "{name}: {}", text(&read.stderr));
        let [found, wanted] = [&text(&read.stdout), held]
            .map(|text| serde_json::from_str::<serde_json::Value>(text).unwrap());
        assert_eq!(found, wanted, "{name}");
    }
    assert!(fit >= 15, "{fit}");
}

#[test]
fn a_store_goes_into_a_merged_image_where_its_table_says() {
    if !has("a store in a merged image", MODULES) {
        return;
    }
    let bench = Bench::with(&["images"]);
    made(&bench, "flash");
    let recipe = |image: &str, at: &str| {
        format!(
            "product = \"GW-100\"\n[image]\n{image}[nvs]\nkind = \"esp-idf\"\nat = \"{at}\"\n\
             [[slot]]\nvalue = \"auth-token\"\nnvs = {{ namespace = \"storage\", key = \"t\" }}\n\
             [pool]\nfile = \"tokens.csv\"\n"
        )
    };
    let merged = "file = \"merged.bin\"\nbase = 0\n";
    let put =
        |name: &str, text: String| fs::write(bench.path(&format!("made/{name}")), text).unwrap();
    put("tokens.csv", format!("AuthToken\n{}\n", text(TOKEN)));
    put("merged.toml", recipe(merged, "0x9000..0xf000"));
    let unit = unit(&bench, "merged", "bin").unwrap();
    let shared = fs::read(bench.path("made/merged.bin")).unwrap();
    assert_eq!(unit.len(), shared.len());
    let differ = |at: &usize| unit[*at] != shared[*at];
    let (first, last) = ((0..unit.len()).find(differ), (0..unit.len()).rfind(differ));
    assert!(
        first >= Some(0x9000) && last < Some(0xF000),
        "{first:?} {last:?}"
    );
    assert!(memchr::memmem::find(&unit[0x9000..0xF000], TOKEN).is_some());

    let refused = |image: &str, at: &str| {
        put("wrong.toml", recipe(image, at));
        let output = bench.run(&["check", "--recipe", "made/wrong.toml"]);
        (output.status.code().unwrap(), text(&output.stderr))
    };
    let (code, words) = refused(merged, "0x9000..0xe000");
    assert!(
        code == 10 && words.contains("\"nvs\" at 0x00009000..0x0000f000"),
        "{words}"
    );
    let (code, words) = refused(merged, "0x8000..0xe000");
    assert!(
        code == 20 && words.contains("something else at 0x00008000"),
        "{words}"
    );
    let (code, words) = refused("file = \"app.bin\"\nbase = 0x10000\n", "0x9000..0xf000");
    assert!(
        code == 20 && words.contains("stores nothing at 0x00009000"),
        "{words}"
    );
}

#[test]
fn a_hex_takes_the_store_as_records_of_its_own() {
    if !has("a store in a HEX", MODULES) {
        return;
    }
    let bench = Bench::with(&["images"]);
    made(&bench, "flash");
    let recipe = "product = \"GW-100\"\n[image]\nfile = \"app.hex\"\n[nvs]\nkind = \"zephyr\"\n\
                  at = \"0xf8000..0x100000\"\n[[nvs.entry]]\nid = 1\ntext = \"blynk.cloud\"\n\
                  [[slot]]\nvalue = \"auth-token\"\nnvs = { id = 2 }\n[pool]\nfile = \"tokens.csv\"\n";
    fs::write(bench.path("made/hex.toml"), recipe).unwrap();
    let tokens = format!("AuthToken\n{}\n", text(TOKEN));
    fs::write(bench.path("made/tokens.csv"), tokens).unwrap();
    let unit = unit(&bench, "hex", "hex").unwrap();
    let shared = fs::read(bench.path("made/app.hex")).unwrap();
    // The application's own text stays, up to the record that ends it.
    let end = memchr::memmem::find(&shared, b":00000001FF").unwrap();
    assert_eq!(unit[..end], shared[..end]);
    assert!(unit.ends_with(&shared[end..]));
    assert!(
        !unit
            .windows(2)
            .any(|pair| pair[1] == b'\n' && pair[0] != b'\r')
    );
    let script = "import sys, intelhex; h = intelhex.IntelHex(sys.argv[1]); \
                  h.tobinfile(sys.argv[2], start=0xf8000, size=0x8000)";
    let cut = call(
        &bench.path("made"),
        &["-c", script, "../made-hex/unit.hex", "store.bin"],
    );
    assert!(cut.status.success(), "{}", text(&cut.stderr));
    let read = call(
        &bench.path("made"),
        &[SCRIPT, "read", "store.bin", "4096", "4", "0"],
    );
    assert!(read.status.success(), "{}", text(&read.stderr));
    let held: serde_json::Value = serde_json::from_slice(&read.stdout).unwrap();
    let digits: String = TOKEN.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(held["2"], format!("{digits}00"));
    assert_eq!(held["1"], "626c796e6b2e636c6f756400");
}
