//! SHA-256 digests.

use eol_inject::unit::{Digest, DigestError};

#[test]
fn a_digest_reads_back_from_its_text() {
    let digest = Digest::of(b"123456789");
    assert_eq!(
        digest.to_string(),
        "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225"
    );
    assert_eq!(digest.to_string().parse(), Ok(digest));
    assert_eq!("15e2".parse::<Digest>(), Err(DigestError));
}
