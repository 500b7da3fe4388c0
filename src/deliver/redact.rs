//! Takes a secret out of what a programmer said, in text and as hex digits.

/// How many bytes of the secret in a row count as a part of it.
const PART: usize = 6;

/// Returns `output` as text with every part of `secret` replaced by asterisks.
///
/// Parts are found as text and as hex digits, whatever separates those; a hex dump of the secret
/// is hidden with the letters beside it.
pub fn redact(output: &[u8], secret: &[u8]) -> String {
    let mut hide = vec![false; output.len()];
    mark(output, secret, &mut hide);
    let digits: String = crate::unit::hex(secret);
    let (places, found): (Vec<usize>, Vec<u8>) = (0..)
        .zip(output.iter())
        .filter(|(_, byte)| byte.is_ascii_hexdigit())
        .map(|(at, byte)| (at, byte.to_ascii_lowercase()))
        .unzip();
    let mut hidden = vec![false; found.len()];
    mark_width(&found, digits.as_bytes(), 2 * PART, &mut hidden);
    for (at, hidden) in places.into_iter().zip(hidden) {
        if let (Some(place), true) = (hide.get_mut(at), hidden) {
            *place = true;
        }
    }
    let bytes: Vec<u8> = output
        .iter()
        .zip(hide)
        .map(|(byte, hide)| if hide { b'*' } else { *byte })
        .collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

fn mark(text: &[u8], secret: &[u8], hide: &mut [bool]) {
    mark_width(text, secret, PART, hide);
}

/// Marks every place of `text` that lies in a part of `secret` of `width` bytes.
fn mark_width(text: &[u8], secret: &[u8], width: usize, hide: &mut [bool]) {
    let width = width.min(secret.len());
    if width == 0 {
        return;
    }
    for (at, window) in (0usize..).zip(text.windows(width)) {
        if secret.windows(width).any(|part| part == window) {
            for place in hide.iter_mut().skip(at).take(width) {
                *place = true;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &[u8] = b"-bcdefghijklmnopqrstuvwxyz_12345";

    fn hidden(output: &str) -> String {
        redact(output.as_bytes(), SECRET)
    }

    #[test]
    fn the_secret_goes_in_every_form() {
        let text = String::from_utf8_lossy(SECRET);
        assert_eq!(
            hidden(&format!("a {text} b")),
            format!("a {} b", "*".repeat(32))
        );
        let hex = crate::unit::hex(SECRET);
        assert_eq!(hidden(&format!("x{hex}")), format!("x{}", "*".repeat(64)));
        assert_eq!(hidden(&hex.to_uppercase()), "*".repeat(64));
    }

    #[test]
    fn a_hex_dump_is_hidden_digits_and_letters() {
        let dump = "0000: 2d62 6364 6566 6768 696a  -bcdefghij\n";
        let shown = hidden(dump);
        assert!(
            !shown.contains("6566") && !shown.contains("defg"),
            "{shown}"
        );
    }

    #[test]
    fn other_words_stay() {
        assert_eq!(
            hidden("Writing at 0x00010000... (100 %)"),
            "Writing at 0x00010000... (100 %)"
        );
    }
}
