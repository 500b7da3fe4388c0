//! Settings stores that a recipe makes.

use eol_inject::nvs::{NvsError, shared};
use eol_inject::recipe::{Recipe, SlotValue};
use std::path::{Path, PathBuf};

/// A recipe with `store` below `[nvs]`, and slots for token and serial.
fn recipe(store: &str, slots: [&str; 2]) -> Recipe {
    let [token, serial] = slots;
    let text = format!(
        "product = \"GW-100\"\n[nvs]\n{store}\n[[slot]]\nvalue = \"auth-token\"\n{token}\n\
         [[slot]]\nvalue = \"serial\"\n{serial}\n"
    );
    Recipe::parse(&text, Path::new(".")).unwrap()
}

const ESP: [&str; 2] = [
    "nvs = { namespace = \"storage\", key = \"token\" }",
    "nvs = { namespace = \"storage\", key = \"serial\" }",
];
const PLACE: &str = "kind = \"esp-idf\"\nat = \"0x9000..0xd000\"";

/// Makes the store with `table` as its CSV.
fn with_table(table: &str) -> Result<Vec<u8>, NvsError> {
    let recipe = recipe(&format!("{PLACE}\ncsv = \"a/factory.csv\""), ESP);
    shared(&recipe, None, &mut |file| match file.to_str() {
        Some("a/factory.csv") => Ok(format!("key,type,encoding,value\n{table}").into_bytes()),
        Some("a/ca.pem") => Ok(b"-----BEGIN".to_vec()),
        _ => Err("no such file".to_owned()),
    })
}

fn none(_: &Path) -> Result<Vec<u8>, String> {
    Err("no such file".to_owned())
}

fn holds(store: &[u8], text: &[u8]) -> bool {
    memchr::memmem::find(store, text).is_some()
}

#[test]
fn placeholders_say_what_they_are_for_and_are_no_token() {
    let store = shared(&recipe(PLACE, ESP), None, &mut none).unwrap();
    assert_eq!(store.len(), 0x4000);
    assert!(holds(&store, b"PLACEHOLDER for auth-token......\0"));
    assert!(holds(&store, b"PLACEHOLDER for serial.........\0"));
    let slots = ESP.map(|slot| format!("{slot}\nblank = {{ text = \"EMPTY\" }}"));
    let slots = [slots[0].as_str(), slots[1].as_str()];
    let store = shared(&recipe(PLACE, slots), None, &mut none).unwrap();
    assert!(holds(&store, b"EMPTY..........................."));
    let long = "nvs = { namespace = \"storage\", key = \"serial\", length = 4 }\nblank = { text = \"EMPTY\" }";
    let error = shared(&recipe(PLACE, [ESP[0], long]), None, &mut none).unwrap_err();
    assert_eq!(
        error,
        NvsError::Placeholder {
            value: SlotValue::Serial,
            text: "EMPTY".to_owned(),
            length: 4
        }
    );
}

#[test]
fn a_placeholder_of_the_table_is_taken() {
    let table = "storage,namespace,,\ntoken,data,string,MINE_MINE_MINE_MINE_MINE_MINE_MI!\n";
    let store = with_table(table).unwrap();
    assert!(holds(&store, b"MINE_MINE"));
    assert!(!holds(&store, b"for auth-token"));
    assert!(holds(&store, b"for serial"));
}

#[test]
fn files_are_sought_beside_the_table() {
    let store = with_table("storage,namespace,,\nca,file,string,ca.pem\n").unwrap();
    assert!(holds(&store, b"-----BEGIN\0"));
    assert_eq!(
        with_table("storage,namespace,,\nca,file,string,../ca.pem\n").unwrap_err(),
        NvsError::File {
            file: PathBuf::from("a/../ca.pem"),
            reason: "no such file".to_owned()
        }
    );
}

#[test]
fn what_the_generator_refuses_or_adds_to_is_told_by_its_line() {
    for (row, reason) in [
        ("n,data,u8,1", "stands before the first namespace"),
        ("s,namespace,,\nn,data,u8,256", "is no decimal number of u8"),
        (
            "s,namespace,,\nn,data,i8,-129",
            "is no decimal number of i8",
        ),
        (
            "s,namespace,,\nn,data,u32,0x10",
            "is no decimal number of u32",
        ),
        ("s,namespace,,\nn,data,f32,1", "encoding \"f32\""),
        (
            "s,namespace,,\nn,data,hex2bin,abc",
            "is no even number of hex digits",
        ),
        ("s,namespace,,\nn,data,base64,a", "is no padded Base64"),
        ("s,namespace,,\nn,date,u8,1", "type \"date\""),
        ("s,namespace,,\nsixteen_letters_,data,u8,1", "1 to 15 bytes"),
        (
            "s,namespace,,\nsta.ssid,data,string,home",
            "adds values of its own",
        ),
    ] {
        match with_table(row).unwrap_err() {
            NvsError::Table {
                line,
                reason: found,
                ..
            } => {
                assert!(found.contains(reason), "{row}: {found}");
                let wanted = 1 + row.lines().count();
                assert_eq!(usize::try_from(line).unwrap(), wanted, "{row}");
            }
            other => panic!("{row}: {other}"),
        }
    }
    let twice = "storage,namespace,,\na,data,u8,1\na,data,string,x\n";
    let name = "storage/a".to_owned();
    assert_eq!(with_table(twice), Err(NvsError::Twice { name }));
    assert!(matches!(
        with_table("storage,namespace,,\nb,data,string,\u{0}"),
        Err(NvsError::Table { .. })
    ));
}

#[test]
fn remarks_and_columns_in_another_order_are_read() {
    let recipe = recipe(&format!("{PLACE}\ncsv = \"t.csv\""), ESP);
    let table = "value,encoding,key,type\r\n# said\r\n,,storage,namespace\r\n7,u16,n,data\r\n";
    let store = shared(&recipe, None, &mut |_| Ok(table.into())).unwrap();
    // Namespace and number: kind, one entry, and the number.
    assert_eq!(store[64..68], [0, 1, 1, 0xFF]);
    assert_eq!(store[96..98], [1, 2]);
    assert_eq!(store[120..122], [7, 0]);
    let error = shared(&recipe, None, &mut |_| Ok(b"key;type\n".to_vec())).unwrap_err();
    assert!(matches!(error, NvsError::Table { line: 1, .. }));
}

#[test]
fn a_value_that_no_page_takes_is_refused() {
    let text = |len| format!("storage,namespace,,\na,data,string,{}\n", "x".repeat(len));
    assert!(with_table(&text(3967)).is_ok());
    let name = "storage/a".to_owned();
    let (bytes, most) = (3969, 3968);
    assert_eq!(
        with_table(&text(3968)),
        Err(NvsError::TooLong { name, bytes, most })
    );
    let blob = format!(
        "storage,namespace,,\na,data,hex2bin,{}\n",
        "00".repeat(16_000)
    );
    assert!(matches!(
        with_table(&blob),
        Err(NvsError::Full { blocks: 3, .. })
    ));
}

proptest::proptest! {
    /// No table makes the reader panic.
    #[test]
    fn any_table_is_read_or_refused(table in "[a-z0-9,#\"\\n\\x00 ]{0,200}") {
        let _ = with_table(&table);
        let _ = with_table(&format!("s,namespace,,\n{table}"));
    }
}
