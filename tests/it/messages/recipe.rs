use std::path::Path;

use eol_inject::recipe::{Recipe, RecipeError, ScanError, SerialSpec};
use eol_inject::scan::Misread;
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

/// What people write who write a recipe for the first time.
#[test]
fn mistakes_of_newcomers() {
    let slot = |text: &str| refused(&format!("{GOOD}{text}"));
    let checksum = |text: &str| refused(&format!("{GOOD}[[checksum]]\nkind = \"crc\"\n{text}"));
    let product = |text: &str| refused(&GOOD.replace("product = \"GW-100\"", text));
    let samples = [
        refused(""),
        refused(&GOOD.replace("[[slot]]", "[slot]")),
        slot("[slot]\nvalue = \"serial\""),
        slot("[checksum]\nkind = \"crc\""),
        slot("[nest]\nname = \"A\""),
        slot("[[pool]]\nfile = \"list.csv\""),
        slot("[image]\nbase = 0"),
        refused(&GOOD.replace("[image]\nfile = \"gw100.elf\"", "image = \"gw100.elf\"")),
        slot("product = \"GW-100\""),
        slot("blanc = \"any\""),
        slot("allow_protected = true"),
        slot("colour = \"red\""),
        slot("size = \"64\""),
        slot("size = 64.5"),
        slot("pad = 300"),
        slot("nul = \"yes\""),
        slot("blank = 0"),
        slot("[flash]\nprobe = \"sim\""),
        slot("[flash]\nchip = \"c\"\nprogram = \"esptool {image}\""),
        slot("[serial]\nsource = \"scanner\""),
        slot("[ledger]\nurl = \"sqlite:a\"\nkey = \"line.key\""),
        checksum("over = \"a..b\""),
        checksum("over = [1, 2]"),
        checksum("at = \"image_crc\""),
        checksum("algorithm = 32"),
        product("product = GW-100"),
        slot("address = 080001dc"),
        slot("size = 0800"),
        product("product = 100"),
        product("product: GW-100"),
        product("product = \u{201c}GW-100\u{201d}"),
        product("product = 'GW-100"),
        product("product = \"C:\\GW\""),
        product("product = \"a\"\nproduct = \"b\""),
        product(&format!("{} = 7", "AbCdEfGhIjKlMnOpQrStUvWxYz012345")),
        refused(&GOOD.replace("auth-token", "AbCdEfGhIjKlMnOpQrStUvWxYz012345")),
    ];
    insta::assert_snapshot!(listing(&[], &samples));
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
        refused(&format!("{GOOD}[serial]\nformat = \"A/{{:06}}\"")),
    ];
    let samples: Vec<Sample> = samples.into_iter().chain(hindrances()).collect();
    insta::assert_snapshot!(listing(RecipeError::VARIANTS, &samples));
}

/// What keeps a recipe from making units.
fn hindrances() -> Vec<Sample> {
    let found = [
        "[serial]\nsource = \"next\"\nformat = \"GW{:06}\"\npattern = \"^AB\"",
        "[label]\nwhen = \"preprinted\"",
        "[serial]\nformat = \"GW{:06}\"",
        "[ledger]\nurl = \"sqlite:a.ledger\"\nschema = \"line\"",
        "[flash]\nchip = \"c\"\nprecheck = \"full\"",
        "[flash]\nchip = \"c\"\nprobe = \"1\"\nspeed = 4000\n\
         program = [\"t\", \"{image}\"]\nreadback = [\"t\", \"{dump}\"]\nidentify = false",
        "[hook]\nmes-down = \"stop\"",
    ];
    let recipe = |text: &str| Recipe::parse(&format!("{GOOD}{text}"), Path::new(".")).unwrap();
    let all = found.iter().flat_map(|text| recipe(text).hindrances());
    all.map(|error| Sample(error.name(), Box::new(error)))
        .collect()
}

#[test]
fn scan_errors() {
    let counted: SerialSpec = toml::from_str("source = 'next'\nformat = 'GW{:03}'").unwrap();
    let spec: SerialSpec = toml::from_str("pattern = '^GW[0-9]{3}$'").unwrap();
    let samples: Vec<Sample> = ["XY1", "", "../x", "n5x628GDTFMk0hNa-69lhHK94hPSYX_a"]
        .into_iter()
        .map(|scan| spec.read(scan).unwrap_err())
        .chain([counted.read("GW1").unwrap_err()])
        .map(|error| Sample(error.name(), Box::new(error)))
        .collect();
    insta::assert_snapshot!(listing(ScanError::VARIANTS, &samples));
}

#[test]
fn misreads() {
    let samples =
        [Misread::Garbled, Misread::Long].map(|misread| Sample(misread.name(), Box::new(misread)));
    insta::assert_snapshot!(listing(Misread::VARIANTS, &samples));
}
