use std::path::Path;

use eol_inject::recipe::{Recipe, RecipeError, ScanError, SerialSpec};
use strum::VariantNames as _;

use super::{Sample, listing};

/// A recipe that is right, to be spoilt.
const GOOD: &str = r#"
product = "GW-100"
[image]
file = "gw100.elf"
[[slot]]
value = "auth-token"
section = ".auth_token"
"#;

const ZEPHYR: &str = "[nvs]\nkind = \"zephyr\"\nat = \"0x9000..0xf000\"\n";

fn refused(text: &str) -> Sample {
    let error = Recipe::parse(text, Path::new(".")).unwrap_err();
    Sample(error.name(), Box::new(error))
}

#[test]
fn recipe_errors() {
    let checksum = |text: &str| refused(&format!("{GOOD}[[checksum]]\n{text}"));
    let slot = |text: &str| refused(&GOOD.replace("section = \".auth_token\"", text));
    let flash = |text: &str| refused(&format!("{GOOD}[flash]\nchip = \"c\"\n{text}"));
    let nest = |text: &str| refused(&format!("{GOOD}[flash]\nchip = \"c\"\n[[nest]]\n{text}"));
    let store = |text: &str| refused(&format!("{GOOD}[nvs]\n{text}"));
    let samples = [
        refused("product = 7"),
        refused(&format!("{GOOD}colour = \"red\"")),
        refused(&GOOD.replace("file", "fill")),
        slot(""),
        slot("section = \"a\"\nsymbol = \"b\""),
        slot("section = \"a\"\nblank = \"empty\""),
        slot("blnkopt = 7"),
        slot("nvs = { namespace = \"storage\" }"),
        slot("nvs = { id = 2, align = 3 }"),
        slot("nvs = { id = 2, at = \"0x9000\" }"),
        slot("eolslot = \"one\""),
        slot("section = \"a\"\nset = { ssid = \"x\" }"),
        refused(&GOOD.replace("auth-token", "colour")),
        refused(&GOOD.replace("[image]\nfile = \"gw100.elf\"\n", "")),
        slot("nvs = { id = 2, length = 8 }"),
        store("kind = \"esp-idf\"\nat = \"0x9000\""),
        store("kind = \"esp-idf\"\nat = \"0x9000..0xe800\""),
        store("kind = \"zephyr\"\nat = \"0x9000..0xa000\""),
        store("kind = \"zephyr\"\nat = \"0x9000..0xf000\"\nversion = 2"),
        store("kind = \"esp-idf\"\nat = \"0x9000..0xf000\"\nsector = 4096"),
        store("kind = \"esp-idf\"\nat = \"0x9000..0xf000\"\nversion = 3"),
        store("kind = \"zephyr\"\nat = \"0x9000..0xf000\"\nalign = 3"),
        store("kind = \"zephyr\"\nat = \"0x9000..0xf000\"\n[[nvs.entry]]\nid = 1"),
        store("kind = \"esp-idf\"\nat = \"0x9000..0xf000\"\n[[nvs.entry]]\nid = 1\ntext = \"a\""),
        store(
            "kind = \"zephyr\"\nat = \"0x9000..0xf000\"\nentry = [{ id = 1, text = \"a\" }, { id = 1, text = \"b\" }]",
        ),
        store("kind = \"zephyr\"\nat = \"0x9000..0xf000\""),
        refused(&format!(
            "{}{ZEPHYR}[[slot]]\nvalue = \"serial\"\nnvs = {{ id = 3 }}",
            GOOD.replace("section = \".auth_token\"", "nvs = { id = 2 }")
        )),
        refused(&format!(
            "{}{ZEPHYR}",
            GOOD.replace("file = \"gw100.elf\"", "base = 0")
                .replace("section = \".auth_token\"", "nvs = { id = 2 }")
        )),
        checksum("kind = \"crc7\""),
        checksum("kind = \"crc\"\nover = [\"image\"]"),
        checksum("kind = \"crc\"\nown = \"zero\""),
        checksum("kind = \"crc\"\nat = { symbol = \"a\", address = 4 }"),
        checksum("kind = \"crc\"\nendian = \"middle\""),
        refused(&format!("{GOOD}[serial]\nformat = \"GW\"")),
        refused(&format!("{GOOD}[serial]\npattern = \"(\"")),
        refused(&format!("schema = 2\n{GOOD}")),
        refused(&GOOD.replace("GW-100", " ")),
        refused(&GOOD.replace("auth-token", "serial")),
        refused(&format!("{GOOD}[serial]\nsource = \"next\"")),
        refused(&format!("{GOOD}[serial]\nsource = \"pool\"")),
        flash("program = [\"tool\", \"{image}\"]"),
        flash("program = [\"tool\", \"{token}\"]"),
        flash("program = [\"tool\"]\nreadback = [\"tool\", \"{dump}\"]"),
        flash("program = [\"tool\"]\nreadback = [\"tool\", \"{dump}\"]\nidentify = false"),
        flash("program = [\"tool\", \"{image}\"]\nreadback = [\"tool\"]\nidentify = false"),
        flash("identify = true"),
        flash("env = [\"IDF_PATH\"]"),
        flash("identify = [\"sh\", \"-c\", \"tool {serial}\"]"),
        flash(
            "identify = [\"sudo\", \"-n\", \"powershell.exe\", \"-Command\", \"tool\", \"{probe}\"]",
        ),
        refused(&format!(
            "{GOOD}[hook]\non-result = [\"mes\"]\nenv = [\"PGPASSWORD\"]"
        )),
        flash("readback = [\"tool\", \"{dump}\"]"),
        flash("program = []"),
        nest("name = \"A B\"\nprobe = \"sim\""),
        nest("name = \"A\"\nprobe = \"1:2:3\"\n[[nest]]\nname = \"B\"\nprobe = \"1:2:3\""),
        nest("name = \"A\"\nprobe = \"sim\"\n[[nest]]\nname = \"a\"\nprobe = \"sim\""),
        refused(&format!("{GOOD}[serial]\npanel = \"{{panel}}\"")),
        refused(&format!(
            "{GOOD}[hook]\non-result = [\"mes\", \"{{serial}}\"]"
        )),
    ];
    insta::assert_snapshot!(listing(RecipeError::VARIANTS, &samples));
}

#[test]
fn scan_errors() {
    let spec: SerialSpec = toml::from_str("pattern = '^GW[0-9]{3}$'").unwrap();
    let samples: Vec<Sample> = ["XY1", "", "../x", "n5x628GDTFMk0hNa-69lhHK94hPSYX_a"]
        .into_iter()
        .map(|scan| spec.read(scan).unwrap_err())
        .map(|error| Sample(error.name(), Box::new(error)))
        .collect();
    insta::assert_snapshot!(listing(ScanError::VARIANTS, &samples));
}
