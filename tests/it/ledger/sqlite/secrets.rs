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
    finish(&mut *ledger, &claim("GW1"));
    let held = go(&mut *ledger, &on_board("GW2", "u2"));
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
fn the_search_finds_base64_at_any_alignment() {
    // printf 'xA token!yz' | base64
    let text = b"eEEgdG9rZW4heXo=";
    assert!(base64(b"A token!").iter().any(|form| holds(text, form)));
}
