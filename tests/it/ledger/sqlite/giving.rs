//! A part that comes back, and somebody on its way who takes a unit out of it.

use eol_inject::ledger::{KeyPlace, PartError, PartFile, Share};
use eol_inject::recipe::KeySource;

use super::tamper::Forged;
use super::*;
use crate::ledger::forgery::{Database as _, rehash};

/// A part of a ledger, in its file, with two units made; returns what its station wrote.
fn returned(home: &InFile) -> PathBuf {
    let mut ledger = stocked(home, 6);
    let folder = home.path.parent().unwrap();
    let share = Share::Loose(3);
    let handing = ledger.split(("S1", &recipient()), &share, &actor("L1"));
    let handing = handing.unwrap();
    let path = folder.join("s1.part");
    let file = PartFile::make(&path, &scope(), &handing, &actor("L1"));
    ledger.handed(1, &actor("L1")).unwrap();
    file.unwrap().release().unwrap();
    drop(ledger);
    let id = home.inspect().unwrap().home().unwrap().unwrap();
    let key = folder.join("s1.key");
    fs_owner_only(&key, &station_key().to_text());
    let place = KeyPlace::Part(KeySource::File(key), PathBuf::new(), id);
    let mut station = Sqlite::open_keyed(&path, &scope(), identity("S1"), &place).unwrap();
    for text in ["GW1", "GW2"] {
        finish(&mut station, &on_board(text, text));
    }
    station.close_part(&actor("S1")).unwrap();
    drop(station);
    let back = folder.join("s1.back");
    Sqlite::give_back(&path, &back, &scope(), &place).unwrap();
    back
}

fn fs_owner_only(path: &std::path::Path, text: &str) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, PermissionsExt::from_mode(0o600)).unwrap();
}

/// Merges a file as it came back.
fn merge(home: &InFile, back: &std::path::Path) -> Result<usize, String> {
    let part = Sqlite::inspect_sealed(back, &scope()).unwrap();
    let back = part.bring_back().unwrap();
    match home.open("L1").merge(&back, &actor("L1")) {
        Ok(merge) => Ok(merge.units),
        Err(LedgerError::Part(PartError::PartConflict { findings, .. })) => {
            let lines = findings
                .iter()
                .map(|one| format!("{}: {}", one.about, one.what));
            Err(lines.collect::<Vec<_>>().join("\n"))
        }
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn a_return_with_a_unit_taken_out_is_refused_though_every_hash_is_made_again() {
    let home = InFile::new();
    let path = returned(&home);
    let whole = std::fs::read(&path).unwrap();
    let back = Forged(InFile::at(&path));
    for sql in [
        "SELECT 1",
        "DELETE FROM events WHERE unit = 2; DELETE FROM units WHERE id = 2; \
         UPDATE tokens SET state = 0 WHERE id = 2",
        "UPDATE units SET uid = 'u9' WHERE id = 2; \
         UPDATE events SET body = replace(body, '\"uid\":\"GW2\"', '\"uid\":\"u9\"')",
        "DELETE FROM facts WHERE name = 'return signature'",
        "DELETE FROM facts WHERE name = 'part returned'; DELETE FROM events WHERE kind = 'returned'",
    ] {
        std::fs::write(&path, &whole).unwrap();
        back.run(sql);
        rehash(&back);
        if sql == "SELECT 1" {
            // Whoever changes nothing is not blamed: his hashes are the ledger's.
            continue;
        }
        let told = merge(&home, &path).unwrap_err();
        let forged = told.contains("is not what the station with the key");
        assert!(forged || told.contains("no signature"), "{sql}\n{told}");
        assert_eq!(home.open("L1").stock().unwrap().away, 3);
    }
    std::fs::write(&path, &whole).unwrap();
    back.run("SELECT 1");
    rehash(&back);
    assert_eq!(merge(&home, &path), Ok(2));
    assert_clean(&home.open("L1"));
}
