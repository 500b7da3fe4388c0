//! What a label says.

use eol_inject::unit::{QrToken, QrTokenError};

const TEXT: &str = "sqr_gCCsLSydh3d0ArmZj50l9zr79JXVooBR";

#[test]
fn the_payload_carries_the_organisation() {
    let token: QrToken = format!("{TEXT}+17").parse().unwrap();
    assert_eq!(token.token(), TEXT);
    assert_eq!(token.organisation(), Some("17"));
    assert_eq!(token.payload(), format!("{TEXT}+17"));
    let other = token.with_organisation("4").unwrap();
    assert_eq!(other.payload(), format!("{TEXT}+4"));
}

#[test]
fn an_auth_token_is_no_qr_token() {
    let error = "gCCsLSydh3d0ArmZj50l9zr79JXVooBR".parse::<QrToken>();
    assert_eq!(error, Err(QrTokenError::Prefix));
}

#[test]
fn an_organisation_is_a_number() {
    let error = format!("{TEXT}+").parse::<QrToken>();
    assert_eq!(error, Err(QrTokenError::Organisation));
}
