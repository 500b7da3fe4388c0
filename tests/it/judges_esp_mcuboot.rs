//! The vendors' own tools judge what the line makes of images that those tools made.
//!
//! `EOL_INJECT_PYTHON` names a Python with esptool, imgtool and intelhex.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use crate::bench::{Bench, text};
use crate::judge::{call, has};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/judges/images.py");
const MODULES: &[&str] = &["esptool", "imgtool", "intelhex"];

/// One image that a tool made.
struct Case {
    name: String,
    file: String,
    base: Option<u64>,
    key: Option<String>,
    start: u64,
    length: u64,
}

/// Has images made below `folder`.
fn images(bench: &Bench, what: &str) -> Vec<Case> {
    let folder = bench.path("made");
    fs::create_dir_all(&folder).unwrap();
    let made = call(&folder, &[SCRIPT, what, "."]);
    assert!(made.status.success(), "{}", text(&made.stderr));
    let text = text(&made.stdout);
    let cases = text.lines().map(|line| {
        let [name, file, base, key, start, length] = line.split('\t').collect::<Vec<_>>()[..]
        else {
            panic!("{line}")
        };
        Case {
            name: name.to_owned(),
            file: file.to_owned(),
            base: base.parse().ok(),
            key: (key != "-").then(|| key.to_owned()),
            start: start.parse().unwrap(),
            length: length.parse().unwrap(),
        }
    });
    cases.collect()
}

impl Case {
    /// Writes a recipe for it beside it.
    fn recipe(&self, bench: &Bench, kind: &str, key: Option<&str>) -> String {
        let base = self
            .base
            .map(|base| format!("format = \"bin\"\nbase = {base}\n"));
        let mut text = format!(
            "product = \"GW-100\"\ntemplate = \"TMPLgw100demo\"\n[image]\nfile = {:?}\n{}\
             [[slot]]\nvalue = \"auth-token\"\nmarker = \"PLACEHOLDER_PLACEHOLDER_PLACEHOLDER\"\n\
             size = 40\nblank = {{ text = \"PLACEHOLDER\" }}\n[[checksum]]\nkind = \"{kind}\"\n",
            self.file,
            base.unwrap_or_default(),
        );
        if let Some(key) = key {
            writeln!(text, "key = \"{key}.pem\"").unwrap();
            writeln!(text, "public-key = \"{key}-public.pem\"").unwrap();
        }
        text.push_str(
            "[pool]\nfile = \"../pools/blynk-export.zip\"\ntoken = \"Device Token\"\nqr = \"QR Token\"\n\
             [serial]\nsource = \"next\"\nformat = \"GW{:06}\"\n[ledger]\nurl = \"sqlite:",
        );
        writeln!(text, "{}.ledger\"", self.name.replace(' ', "-")).unwrap();
        let file = format!("made/{}.toml", self.name.replace(' ', "-"));
        fs::write(bench.path(&file), text).unwrap();
        file
    }

    /// Makes a unit, which `verify` takes; gives its path.
    fn unit(&self, bench: &Bench, recipe: &str) -> PathBuf {
        let out = format!("made-{}/unit-{}", self.name.replace(' ', "-"), self.file);
        fs::create_dir(bench.path(&out).parent().unwrap()).unwrap();
        let inject = [
            "inject", "--recipe", recipe, "--serial", "GW000001", "-o", &out,
        ];
        bench.begin_anew("made");
        let made = bench.run(&inject);
        assert!(
            made.status.success(),
            "{}: {}",
            self.name,
            text(&made.stderr)
        );
        bench.ok(&["verify", "--recipe", recipe, "--serial", "GW000001", &out]);
        let unit = bench.path(&out);
        let (old, new) = (
            fs::read(self.path(bench)).unwrap(),
            fs::read(&unit).unwrap(),
        );
        assert_eq!(old.len(), new.len(), "{}: same length", self.name);
        unit
    }

    fn path(&self, bench: &Bench) -> PathBuf {
        bench.path("made").join(&self.file)
    }

    /// Cuts out what the judge reads.
    fn carve(&self, bench: &Bench, file: &Path) -> PathBuf {
        let out = bench.path("made/judged.bin");
        let (start, length) = (self.start.to_string(), self.length.to_string());
        let [from, to] = [file, &out].map(|path| path.to_str().unwrap());
        let carved = call(
            &bench.path("made"),
            &[SCRIPT, "carve", from, &start, &length, to],
        );
        assert!(carved.status.success(), "{}", text(&carved.stderr));
        out
    }

    /// Patches the bytes of a carved image alone, as a script would.
    fn bytes_alone(&self, bench: &Bench) -> PathBuf {
        let file = self.carve(bench, &self.path(bench));
        let mut bytes = fs::read(&file).unwrap();
        let placeholder = b"PLACEHOLDER_PLACEHOLDER_PLACEHOLDER";
        let at = memchr::memmem::find(&bytes, placeholder).unwrap();
        bytes[at..at + 32].copy_from_slice(b"-fake_golden-TOKEN_0123456789abc");
        fs::write(&file, bytes).unwrap();
        file
    }
}

fn image_info(bench: &Bench, file: &Path) -> String {
    let args = ["-m", "esptool", "image-info", file.to_str().unwrap()];
    let info = call(&bench.path("made"), &args);
    text(&info.stdout).to_lowercase() + &text(&info.stderr).to_lowercase()
}

#[test]
fn esptool_says_valid_of_every_unit() {
    if !has("ESP images judged by esptool", MODULES) {
        return;
    }
    let bench = Bench::with(&["pools"]);
    let cases = images(&bench, "esp");
    assert!(cases.len() >= 16, "{}", cases.len());
    for case in cases {
        let recipe = case.recipe(&bench, "esp-image", None);
        if case.name.starts_with("signed") {
            let refused = bench.run(&["check", "--recipe", &recipe]);
            assert_eq!(refused.status.code(), Some(30), "{}", case.name);
            let text = text(&refused.stderr);
            assert!(
                text.contains("secure boot signature"),
                "{}: {text}",
                case.name
            );
            continue;
        }
        let unit = case.unit(&bench, &recipe);
        let info = image_info(&bench, &case.carve(&bench, &unit));
        assert!(
            info.contains("(valid)") && !info.contains("invalid"),
            "{}: {info}",
            case.name
        );
        let alone = image_info(&bench, &case.bytes_alone(&bench));
        assert!(alone.contains("invalid"), "{}: {alone}", case.name);
    }
}

fn verify(bench: &Bench, file: &Path, key: Option<&str>) -> bool {
    let key = key.map(|key| format!("{key}.pem"));
    let mut args = vec!["-m", "imgtool.main", "verify"];
    if let Some(key) = &key {
        args.extend(["-k", key]);
    }
    args.push(file.to_str().unwrap());
    call(&bench.path("made"), &args).status.success()
}

#[test]
fn imgtool_verifies_every_unit_by_its_key_and_by_no_other() {
    if !has("MCUboot images judged by imgtool", MODULES) {
        return;
    }
    let bench = Bench::with(&["pools"]);
    let cases = images(&bench, "mcuboot");
    assert!(cases.len() >= 20, "{}", cases.len());
    for case in cases {
        let key = case.key.as_deref();
        let recipe = case.recipe(&bench, "mcuboot", key);
        let unit = case.unit(&bench, &recipe);
        let judged = case.carve(&bench, &unit);
        assert!(verify(&bench, &judged, key), "{}", case.name);
        if let Some(key) = key {
            assert!(
                !verify(&bench, &judged, Some(&format!("{key}-other"))),
                "{}",
                case.name
            );
        }
        assert!(
            !verify(&bench, &case.bytes_alone(&bench), key),
            "{}",
            case.name
        );
        let Some(key) = key else { continue };

        // Another key is refused before a unit costs a token, and so is none.
        for other in [Some(format!("{key}-other")), None] {
            let text = fs::read_to_string(bench.path(&recipe)).unwrap();
            let lines = text.lines().filter(|line| !line.starts_with("public-key"));
            let lines = lines.filter_map(|line| match (&other, line.starts_with("key = ")) {
                (Some(other), true) => Some(format!("key = \"{other}.pem\"")),
                (None, true) => None,
                _ => Some(line.to_owned()),
            });
            let wrong = "made/wrong.toml";
            fs::write(bench.path(wrong), lines.collect::<Vec<_>>().join("\n")).unwrap();
            let args = [
                "inject",
                "--recipe",
                wrong,
                "--serial",
                "GW000002",
                "-o",
                "made/wrong.bin",
            ];
            let refused = bench.run(&args);
            assert_eq!(refused.status.code(), Some(30), "{}", case.name);
            assert!(!bench.path("made/wrong.bin").exists());
        }
    }
}

#[test]
fn a_unit_is_verified_where_the_private_key_is_not() {
    if !has("signatures checked without the private key", MODULES) {
        return;
    }
    let bench = Bench::with(&["pools"]);
    for case in images(&bench, "mcuboot") {
        let Some(key) = &case.key else { continue };
        let recipe = case.recipe(&bench, "mcuboot", Some(key));
        let unit = case.unit(&bench, &recipe);
        let private = bench.path(&format!("made/{key}.pem"));
        let bytes = fs::read(&private).unwrap();
        fs::remove_file(&private).unwrap();
        let file = unit.to_str().unwrap();
        let check = ["verify", "--recipe", &recipe, "--serial", "GW000001", file];
        bench.ok(&check);
        // A hash that was made true with the signature left as it was is found out.
        let shared = fs::read(case.path(&bench)).unwrap();
        let made = fs::read(&unit).unwrap();
        if !case.file.ends_with(".hex") {
            let last = made.iter().zip(&shared).rposition(|(a, b)| a != b).unwrap();
            let mut torn = made.clone();
            torn[last] = shared[last];
            fs::write(&unit, torn).unwrap();
            assert_eq!(bench.run(&check).status.code(), Some(41), "{}", case.name);
        }
        fs::write(private, bytes).unwrap();
    }
}
