//! The secret.

use eol_inject::unit::{AuthToken, AuthTokenError, Fingerprint};

const HIDDEN: &str = "<hidden: it looks like a token>";
const TEXT: &[u8] = b"-bcdefghijklmnopqrstuvwxyz_12345";

#[test]
fn a_token_may_start_with_a_dash() {
    let token = AuthToken::parse(TEXT).unwrap();
    assert_eq!(token.expose(), TEXT);
}

#[test]
fn errors_do_not_repeat_the_text() {
    let short = AuthToken::parse(b"secret").unwrap_err();
    assert_eq!(short, AuthTokenError::Length { found: 6 });
    let odd = AuthToken::parse(b"abc def").unwrap_err();
    assert_eq!(odd, AuthTokenError::Character { index: 3 });
    assert_eq!(
        odd.to_string(),
        "character 4 is none of A-Z, a-z, 0-9, `_` and `-`"
    );
}

#[test]
fn the_debug_form_hides_the_secret() {
    let token = AuthToken::parse(TEXT).unwrap();
    assert_eq!(format!("{token:?}"), "AuthToken(<secret>)");
}

#[test]
fn what_may_be_a_token_is_hidden_however_it_is_glued() {
    let token = "gWhFnTYbLhDG8_nNBl-yEkk9UJNPlq0Z";
    let spelled = str::from_utf8(TEXT).unwrap();
    for (before, after) in [
        ("", ""),
        ("--", ""),
        ("x", ""),
        ("", "y"),
        ("-p", "9"),
        ("a=", "\""),
    ] {
        let text = format!("of {before}{token}{after}!");
        assert!(AuthToken::stands_in(&text), "{text}");
        let shown = AuthToken::hidden_in(&text);
        assert!(shown.starts_with("of ") && shown.ends_with('!'), "{shown}");
        assert!(!shown.contains(token) && shown.contains(HIDDEN), "{shown}");
    }
    let twice = format!("--{spelled} {token}");
    assert_eq!(AuthToken::hidden_in(&twice), format!("{HIDDEN} {HIDDEN}"));
    // A digest, a board, a label, a rule, a name: shown as they are.
    for text in [
        "0123456789abcdef0123456789abcdef",
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        "sqr_gWhFnTYbLhDG8_nNBl-yEkk9UJNPlq0Z+12",
        "--------------------------------",
        "a-name-of-a-file-that-is-quite-long-v2.elf",
        "123e4567-e89b-12d3-a456-426614174000",
    ] {
        assert_eq!(AuthToken::hidden_in(text), text);
    }
}

#[test]
fn the_fingerprint_is_the_published_one() {
    // printf 'eol-inject/token/1\0-bcdefghijklmnopqrstuvwxyz_12345' | sha256sum
    let print = AuthToken::parse(TEXT).unwrap().fingerprint();
    assert_eq!(print.to_string().len(), 12);
    assert_eq!(print.to_hex().parse::<Fingerprint>().unwrap(), print);
    assert_eq!(
        print.to_hex(),
        "073fb894f586e01bf4bd9bea4a0af92f18351df68f82173eaca676456c292755"
    );
}
