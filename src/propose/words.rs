//! What a name or a placeholder says of the value that it stands for.

/// Texts of which each is a placeholder by its own words.
const PLACEHOLDERS: [&str; 11] = [
    "placeholder",
    "changeme",
    "change_me",
    "change-me",
    "replaceme",
    "replace_me",
    "replace-me",
    "yourauthtoken",
    "your_auth_token",
    "your-auth-token",
    "unset",
];
/// Words that are said of other things, whatever else a name says.
const OTHERS: [&str; 22] = [
    "ssid", "wifi", "wlan", "pass", "password", "passwd", "pwd", "psk", "host", "server", "url",
    "cert", "mac", "imei", "apn", "user", "username", "name", "version", "csrf", "jwt", "mode",
];
/// Words that make a serial the interface of that name.
const INTERFACE: [&str; 8] = ["port", "baud", "uart", "usart", "rx", "tx", "buf", "buffer"];
/// Words that say whose token it is.
const WHOSE: [&str; 5] = ["auth", "cloud", "blynk", "device", "unit"];

/// What a name speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// The token of a device, and nothing else.
    Token,
    /// Some token, or something about authentication.
    TokenPerhaps,
    Serial,
    /// Something that is none of the unit's values.
    Other,
    Nothing,
}

/// Returns what a section, a symbol, a key or a placeholder speaks of.
pub(super) fn meaning(name: &str) -> Meaning {
    let words = words(name);
    let has = |wanted: &[&str]| words.iter().any(|word| wanted.contains(&word.as_str()));
    if has(&OTHERS) {
        return Meaning::Other;
    }
    let token = has(&["token", "authtoken"]);
    let alone = matches!(words.as_slice(), [one] if one == "token" || one == "auth");
    if alone || has(&["authtoken"]) || token && has(&WHOSE) {
        return Meaning::Token;
    }
    if token || has(&["auth"]) {
        return Meaning::TokenPerhaps;
    }
    match has(&["serial"]) && !has(&INTERFACE) {
        true => Meaning::Serial,
        false => Meaning::Nothing,
    }
}

/// Splits a name where its letters end and where small letters become capitals. Single letters
/// and what C++ puts in front of a name say nothing.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut small = false;
    for letter in name.chars() {
        let ends = !letter.is_ascii_alphabetic() || small && letter.is_ascii_uppercase();
        small = letter.is_ascii_lowercase();
        if ends {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| letter.is_ascii_alphabetic()) {
            word.push(letter.to_ascii_lowercase());
        }
    }
    words.retain(|word| word.len() > 1 && !["zl", "zn", "zns"].contains(&word.as_str()));
    words
}

/// Returns whether a text is a placeholder by its own words.
pub(super) fn is_placeholder(text: &str) -> bool {
    let small = text.to_ascii_lowercase();
    let crossed = small.len() >= 32 && small.bytes().all(|letter| letter == b'x');
    crossed || PLACEHOLDERS.iter().any(|word| small.contains(word))
}

/// Returns how a placeholder starts, for `blank`: what it repeats, or its first characters. It is
/// no secret, and never as long as one.
pub(super) fn beginning(text: &str) -> &str {
    const SHORT: usize = 8;
    const LONG: usize = 24;
    let bytes = text.as_bytes();
    let period = (SHORT..=LONG.min(bytes.len() / 2)).find(|period| {
        let again = bytes.iter().skip(*period);
        bytes.iter().zip(again).all(|(one, other)| one == other)
    });
    let end = period.unwrap_or(LONG.min(bytes.len()));
    let start = text.get(..end).unwrap_or_default();
    let trimmed = start.trim_end_matches(['_', '-', '.']);
    if trimmed.is_empty() { start } else { trimmed }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_they_are_of() {
        for name in [
            ".auth_token",
            "authToken",
            "AUTH_TOKEN",
            "cloud_token",
            "_ZL10auth_token",
            "auth",
            "_ZL4auth",
            "blynkToken",
            "authtoken",
            ".token",
        ] {
            assert_eq!(meaning(name), Meaning::Token, "{name}");
        }
        for name in ["token_buffer", "oauth_token", "auth_context"] {
            assert_eq!(meaning(name), Meaning::TokenPerhaps, "{name}");
        }
        for name in ["wifi_auth_mode", "mqtt_password", "csrfToken", "token_name"] {
            assert_eq!(meaning(name), Meaning::Other, "{name}");
        }
        assert_eq!(meaning("unit_serial"), Meaning::Serial);
        assert_eq!(meaning("UNSET-SERIAL"), Meaning::Serial);
        for name in [
            "Serial1RxBuffer",
            "serial_port",
            "main",
            "tokenizer",
            "authority",
        ] {
            assert_eq!(meaning(name), Meaning::Nothing, "{name}");
        }
    }

    #[test]
    fn placeholders_begin_with_what_they_repeat() {
        assert_eq!(
            beginning("PLACEHOLDER_PLACEHOLDER_PLACEHOLD"),
            "PLACEHOLDER"
        );
        assert_eq!(beginning("UNSET-SERIAL"), "UNSET-SERIAL");
        assert_eq!(beginning(&"X".repeat(32)), "XXXXXXXX");
        let long = beginning("YourAuthToken-goes-here-and-nowhere-else");
        assert_eq!(long, "YourAuthToken-goes-here");
        for text in ["", "_", "--------------------------------"] {
            assert!(text.starts_with(beginning(text)));
        }
    }
}
