//! The line against images that an independent script filled, byte for byte.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use eol_inject::image::{Hint, Image};
use eol_inject::master::{self, Master};
use eol_inject::recipe::Recipe;
use eol_inject::seal::seal;
use eol_inject::unit::{AuthToken, Values};
use eol_inject::{nvs, verify};

use crate::support::fixtures;

/// Reads a committed recipe.
fn recipe(name: &str) -> Recipe {
    let path = fixtures().join(name);
    let text = fs::read_to_string(&path).unwrap();
    let mut recipe = Recipe::parse(&text, path.parent().unwrap()).unwrap();
    let keys: Vec<_> = recipe
        .checksums
        .iter()
        .filter_map(|one| one.key.clone())
        .collect();
    for key in keys {
        let bytes = fs::read(recipe.path(&key)).unwrap();
        recipe.keys.put(&key, bytes.into());
    }
    recipe
}

/// Reads the shared image, or makes it, as the recipe says.
fn shared(recipe: &Recipe) -> Vec<u8> {
    let file = recipe.image_file().map(|file| fs::read(file).unwrap());
    let mut read = |file: &Path| fs::read(recipe.path(file)).map_err(|error| error.to_string());
    nvs::shared(recipe, file, &mut read).unwrap()
}

fn image(recipe: &Recipe) -> Image {
    let bytes = shared(recipe);
    let hint = recipe.image.hint();
    let image = Image::read(bytes, hint).unwrap();
    match &recipe.image.symbols {
        Some(names) => {
            let names = fs::read(recipe.path(names)).unwrap();
            let program = Image::read(names, Hint::default()).unwrap();
            image.with_names(&program).unwrap()
        }
        None => image,
    }
}

/// The unit of `golden/pool.csv`.
fn values() -> Values {
    let mut columns = BTreeMap::new();
    columns.insert(
        "MAC address".to_owned(),
        "02:00:00:00:00:01".to_owned().into(),
    );
    Values {
        serial: "GW000001".parse().unwrap(),
        token: AuthToken::parse(b"-fake_golden-TOKEN_0123456789abc").unwrap(),
        columns,
    }
}

/// Seals the golden unit by `name` and compares it with `golden`.
fn agrees(name: &str, golden: &str) {
    let recipe = recipe(name);
    let master = Master::prove(image(&recipe), &recipe).unwrap();
    let sealed = seal(master::apply(&master, &values()).unwrap()).unwrap();
    let made = sealed.container().unwrap();
    let wanted = fs::read(fixtures().join("golden").join(golden)).unwrap();
    let differs = made.iter().zip(&wanted).position(|(a, b)| a != b);
    assert_eq!(differs, None, "{name}: first difference from {golden}");
    assert_eq!(made.len(), wanted.len(), "{name}");

    let shared = shared(&recipe);
    let names = recipe.image.symbols.as_ref();
    let names = names.map(|names| fs::read(recipe.path(names)).unwrap());
    let judge = verify::Judge::new(shared.clone(), names, &recipe).unwrap();
    let examined = judge.examine(made, None);
    assert_eq!(examined.findings, [], "{name}");
    assert_eq!(examined.fingerprint, Some(values().token.fingerprint()));
    // The untouched image is no unit's.
    assert_ne!(judge.examine(shared, None).findings, []);
}

macro_rules! golden {
    ($($test:ident: $recipe:literal => $golden:literal;)*) => {$(
        #[test]
        fn $test() {
            agrees($recipe, $golden);
        }
    )*};
}

golden! {
    esp32c3: "recipes/esp32c3.toml" => "esp32c3.bin";
    mcuboot_unsigned: "recipes/mcuboot-unsigned.toml" => "mcuboot-unsigned.bin";
    mcuboot_signed: "recipes/mcuboot-signed.toml" => "mcuboot-signed.bin";
    gw100_elf: "gw100/recipe.toml" => "gw100.elf";
    gw100_bin: "recipes/gw100-bin.toml" => "gw100.bin";
    gw100_bin_with_symbols: "recipes/gw100-bin-symbols.toml" => "gw100.bin";
    gw100_hex: "recipes/gw100-hex.toml" => "gw100.hex";
    gw100_hex_with_symbols: "recipes/gw100-hex-symbols.toml" => "gw100.hex";
    gw100_srec: "recipes/gw100-srec.toml" => "gw100.srec";
    gw100_uf2: "recipes/gw100-uf2.toml" => "gw100.uf2";
    gw100_uf2_of_esptool: "recipes/gw100-esptool-uf2.toml" => "gw100-esptool.uf2";
    nvs_of_esp_idf: "recipes/nvs-esp.toml" => "nvs-esp.bin";
    nvs_of_esp_idf_version_1: "recipes/nvs-esp-v1.toml" => "nvs-esp-v1.bin";
    nvs_made_from_the_recipe: "recipes/nvs-made.toml" => "nvs-esp.bin";
    nvs_of_zephyr: "recipes/nvs-zephyr.toml" => "nvs-zephyr.bin";
    nvs_of_zephyr_with_data_crc: "recipes/nvs-zephyr-crc.toml" => "nvs-zephyr-crc.bin";
    stm_elf: "recipes/stm-elf.toml" => "stm.elf";
    stm_elf_by_absolute_symbol: "recipes/stm-elf-absolute.toml" => "stm.elf";
    stm_bin: "recipes/stm-bin.toml" => "stm.bin";
    stm_bin_with_symbols: "recipes/stm-bin-symbols.toml" => "stm.bin";
    stm_hex: "recipes/stm-hex.toml" => "stm.hex";
    blnk_elf: "recipes/blnk-elf.toml" => "blnk.elf";
    blnk_bin: "recipes/blnk-bin.toml" => "blnk.bin";
    blnk_hex: "recipes/blnk-hex.toml" => "blnk.hex";
    eols_elf: "recipes/eols-elf.toml" => "eols.elf";
    eols_bin: "recipes/eols-bin.toml" => "eols.bin";
    eols_hex: "recipes/eols-hex.toml" => "eols.hex";
    eols_erased_elf: "recipes/eols-erased-elf.toml" => "eols-erased.elf";
    eols_erased_bin: "recipes/eols-erased-bin.toml" => "eols-erased.bin";
    eols_erased_hex: "recipes/eols-erased-hex.toml" => "eols-erased.hex";
    fit_with_its_data_inside: "recipes/fit.toml" => "fit.itb";
    fit_with_its_data_behind: "recipes/fit-external.toml" => "fit-external.itb";
    uimage_of_one_part: "recipes/uimage.toml" => "uimage.img";
    uimage_of_two_parts: "recipes/uimage-multi.toml" => "uimage-multi.img";
    powerpc_big_endian: "recipes/powerpc.toml" => "powerpc.elf";
    s390x_big_endian_64_bit: "recipes/s390x.toml" => "s390x.elf";
    aarch64: "recipes/aarch64.toml" => "aarch64.elf";
    riscv64: "recipes/riscv64.toml" => "riscv64.elf";
}

/// Recipes whose image is good, but has no filled twin.
#[test]
fn unusual_images_are_sealed_and_judged_right() {
    for name in [
        "gw100-g3",
        "gw100-no-sections",
        "gw100-two-segments",
        "gw100-odd-hex",
        "trap-eolslot-memcmp",
    ] {
        let recipe = recipe(&format!("recipes/{name}.toml"));
        let master = Master::prove(image(&recipe), &recipe).unwrap();
        let sealed = seal(master::apply(&master, &values()).unwrap()).unwrap();
        let shared = shared(&recipe);
        let judge = verify::Judge::new(shared, None, &recipe).unwrap();
        let examined = judge.examine(sealed.container().unwrap(), None);
        assert_eq!(examined.findings, [], "{name}");
    }
}
