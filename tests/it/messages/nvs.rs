use std::path::Path;

use eol_inject::nvs::{self, NvsError};
use eol_inject::recipe::Recipe;
use strum::VariantNames as _;

use super::{Sample, listing};

const ESP: &str = "kind = \"esp-idf\"\nat = \"0x9000..0xc000\"\n";
const TOKEN: &str = "nvs = { namespace = \"storage\", key = \"token\" }";

/// Refuses what `image` and the settings store of `store` would make.
fn refused(image: Option<&[u8]>, (store, slot): (&str, &str), table: &str) -> Sample {
    let file = image.map_or("", |_| "[image]\nfile = \"gw100.bin\"\nbase = 0x8000\n");
    let text = format!(
        "product = \"GW-100\"\n{file}[nvs]\n{store}[[slot]]\nvalue = \"auth-token\"\n{slot}\n"
    );
    let recipe = Recipe::parse(&text, Path::new(".")).unwrap();
    let mut read = |file: &Path| match file.to_str() {
        Some("table.csv") => Ok(table.as_bytes().to_vec()),
        _ => Err("No such file or directory (os error 2)".to_owned()),
    };
    let error = nvs::shared(&recipe, image.map(<[u8]>::to_vec), &mut read).unwrap_err();
    Sample(error.name(), Box::new(error))
}

/// A flash image that begins at 0x8000, with a partition table at 0xD000.
fn with_table() -> Vec<u8> {
    let mut entry = vec![0xAA, 0x50, 1, 2];
    entry.extend(0x2000u32.to_le_bytes());
    entry.extend(0x3000u32.to_le_bytes());
    entry.extend(b"nvs\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
    let mut digest = vec![0xEB, 0xEB];
    digest.resize(16, 0xFF);
    digest.extend(<md5::Md5 as md5::Digest>::digest(&entry));
    let mut flash = vec![0xFF; 0xE000];
    flash[0x5000..0x5020].copy_from_slice(&entry);
    flash[0x5020..0x5040].copy_from_slice(&digest);
    flash
}

#[test]
fn nvs_errors() {
    let table = |rows: &str| {
        let store = format!("{ESP}csv = \"table.csv\"\n");
        let table = format!("key,type,encoding,value\n{rows}");
        refused(None, (&store, TOKEN), &table)
    };
    let namespaces: String = (0..255)
        .map(|number| format!("s{number},namespace,,\n"))
        .collect();
    let long = "x".repeat(4000);
    let zeros = "0".repeat(40_000);
    let samples = [
        refused(None, (&format!("{ESP}csv = \"gone.csv\"\n"), TOKEN), ""),
        table("storage,namespace,,\nn,data,u8,300\n"),
        refused(
            None,
            (
                &format!(
                    "{ESP}entry = [{{ namespace = \"s\", key = \"n\", encoding = \"u8\", value = \"x\" }}]\n"
                ),
                TOKEN,
            ),
            "",
        ),
        table("storage,namespace,,\nn,data,u8,3\nn,data,u8,4\n"),
        refused(
            None,
            (
                "kind = \"esp-idf\"\nat = \"0x9000..0x19000\"\ncsv = \"table.csv\"\n",
                TOKEN,
            ),
            &format!("key,type,encoding,value\n{namespaces}"),
        ),
        table(&format!("storage,namespace,,\na,data,string,{long}\n")),
        table(&format!("storage,namespace,,\na,data,hex2bin,{zeros}\n")),
        refused(
            None,
            (
                ESP,
                &format!("{TOKEN}\nblank = {{ text = \"{}\" }}", "X".repeat(33)),
            ),
            "",
        ),
        refused(Some(&[0; 0x4000]), (ESP, TOKEN), ""),
        refused(Some(&[0xFF; 0x2000]), (ESP, TOKEN), ""),
        refused(Some(&with_table()), (ESP, TOKEN), ""),
        refused(Some(b"\x7fELF"), (ESP, TOKEN), ""),
    ];
    // An image's own error keeps its name.
    let named = |name: &&&str| **name != "nvs-image";
    let variants: Vec<&str> = NvsError::VARIANTS.iter().filter(named).copied().collect();
    insta::assert_snapshot!(listing(&variants, &samples));
}
