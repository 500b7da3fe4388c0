//! A ledger without its key gives nothing away.

use std::fs;

use super::*;

/// Bytes in base64, with the standard and the URL alphabet, at each of its three alignments.
fn base64(bytes: &[u8]) -> Vec<Vec<u8>> {
    let standard = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut forms = Vec::new();
    for url in [false, true] {
        for lead in 0..3 {
            let mut padded = vec![0; lead];
            padded.extend_from_slice(bytes);
            // Whole groups of three only, without those that the bytes before it change.
            let text: Vec<u8> = padded
                .chunks_exact(3)
                .skip(1)
                .flat_map(|group| {
                    let bits = group
                        .iter()
                        .fold(0_u32, |bits, b| bits << 8 | u32::from(*b));
                    [18, 12, 6, 0].map(|shift| match standard[(bits >> shift & 63) as usize] {
                        b'+' if url => b'-',
                        b'/' if url => b'_',
                        other => other,
                    })
                })
                .collect();
            forms.push(text);
        }
    }
    forms
}

pub fn forms(secret: &[u8]) -> Vec<Vec<u8>> {
    let lower: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    let upper = lower.to_uppercase();
    let mut forms = base64(secret);
    forms.extend([secret.to_vec(), lower.into_bytes(), upper.into_bytes()]);
    forms
}

fn holds(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

/// Returns all bytes of all files of a ledger, its key excepted.
fn stolen(bench: &InFile) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut folders = vec![bench.path.parent().unwrap().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path != bench.beside(".key") {
                bytes.extend(fs::read(path).unwrap());
            }
        }
    }
    bytes
}

#[test]
fn a_stolen_ledger_holds_no_secret_in_any_form() {
    let bench = InFile::new();
    let mut ledger = stocked(&bench, 4);
    finish(&mut ledger, &claim("GW1"));
    let held = go(&mut ledger, &on_board("GW2", "u2"));
    ledger.fail(held, &failure(true)).unwrap();
    let proof = ledger.revealed("all", &actor("L1")).unwrap();
    ledger.reveal(&serial("GW1"), &proof).unwrap();
    let open = stolen(&bench);
    assert!(holds(&open, b"GW1") && holds(&open, print_of(0).to_hex().as_bytes()));
    drop(ledger);
    let closed = stolen(&bench);
    let key = fs::read_to_string(bench.beside(".key")).unwrap();
    let key = key.lines().nth(1).unwrap().to_owned();
    for n in 0..4 {
        let secrets = [
            token_text(n),
            qr_text(n)[..36].to_owned(),
            format!("picture of {n}"),
            format!("secret column {n}"),
            key.clone(),
        ];
        for secret in secrets {
            for form in forms(secret.as_bytes()) {
                assert!(!holds(&open, &form), "{secret} while open");
                assert!(!holds(&closed, &form), "{secret} when closed");
            }
        }
    }
}

#[test]
fn parts_backups_mirrors_and_journals_hold_no_secret_in_any_form() {
    use eol_inject::ledger::{PartFile, SealedJournal, Share, StationKey};
    use eol_inject::target::Journal as _;
    let bench = InFile::new();
    drop(stocked(&bench, 5));
    let folder = bench.path.parent().unwrap().to_owned();
    let ledger = bench.try_open().unwrap();
    let mut ledger = ledger.mirrored(&folder.join("mirror")).unwrap();
    finish(&mut ledger, &on_board("GW1", "u1"));
    SealedJournal::beside(&bench.path)
        .keep("u1", token_text(0).as_bytes())
        .unwrap();
    let station = StationKey::make().unwrap();
    let to = station.recipient().unwrap();
    let by = actor("L1");
    let handing = ledger.split(("S1", &to), &Share::Loose(2), &by).unwrap();
    let file = PartFile::make(&folder.join("s1.part"), &scope(), &handing, &by).unwrap();
    ledger.handed(1, &by).unwrap();
    file.release().unwrap();
    Sqlite::copy(&bench.path, &folder.join("save.ledger")).unwrap();
    drop(ledger);
    // Each kind of file is among those that are searched.
    for name in ["s1.part", "save.ledger", "mirror", "gw100.ledger.journal"] {
        assert!(folder.join(name).exists(), "{name}");
    }
    let mut ledger = bench.try_open().unwrap();
    let before = stolen(&bench);
    SealedJournal::beside(&bench.path).forget("u1").unwrap();
    let old = fs::read_to_string(bench.beside(".key")).unwrap();
    ledger.rotate(&by, &mut |_| {}).unwrap();
    drop(ledger);
    let after = stolen(&bench);
    let keys = [
        old,
        fs::read_to_string(bench.beside(".key")).unwrap(),
        station.to_text().to_string(),
    ];
    let digits = |text: &String| text.lines().nth(1).unwrap().to_owned();
    let kept = format!("gw100.ledger.key.{}", ledger_key_id(&keys[0]));
    assert!(folder.join(&kept).exists());
    fs::remove_file(folder.join(&kept)).unwrap();
    let last = stolen(&bench);
    for n in 0..5 {
        for secret in [
            token_text(n),
            qr_text(n)[..36].to_owned(),
            format!("picture of {n}"),
        ] {
            for form in forms(secret.as_bytes()) {
                for bytes in [&before, &after, &last] {
                    assert!(!holds(bytes, &form), "{secret}");
                }
            }
        }
    }
    for key in keys.iter().map(digits) {
        for form in forms(key.as_bytes()) {
            assert!(!holds(&last, &form), "a key");
        }
        let raw: Vec<u8> = (0..32)
            .map(|n| u8::from_str_radix(&key[2 * n..2 * n + 2], 16).unwrap())
            .collect();
        assert!(!holds(&last, &raw), "a key's bytes");
    }
}

fn ledger_key_id(text: &str) -> String {
    eol_inject::ledger::LedgerKey::parse(text).unwrap().id()
}

#[test]
fn the_search_finds_base64_at_any_alignment() {
    // printf 'xA token!yz' | base64
    let text = b"eEEgdG9rZW4heXo=";
    assert!(base64(b"A token!").iter().any(|form| holds(text, form)));
}
