use std::io;

use eol_inject::pool::{Item, PictureError, PoolError, Request, folder, read, read_items, request};
use eol_inject::recipe::PoolSpec;
use strum::VariantNames as _;

use super::{Sample, listing};
use crate::pool::{fixture, refused, spec};

fn sample(error: PoolError) -> Sample {
    Sample((&error).into(), Box::new(error))
}

fn file(name: &str) -> Sample {
    sample(refused(name))
}

fn list(text: &str) -> Sample {
    sample(read(text.as_bytes(), &spec(None)).unwrap_err())
}

fn column(header: &str) -> Sample {
    let spec = PoolSpec {
        qr: Some(header.to_owned()),
        ..spec(None)
    };
    let error = read(b"Token,Code\n-fake-TOKEN_0123456789abcdefghij,1\n", &spec);
    sample(error.unwrap_err())
}

fn twice() -> Sample {
    let mut items = folder::items(&fixture("pools/unpacked")).unwrap();
    let last = items.last().unwrap();
    let name = last.name.replace("images/", "more/");
    let bytes = last.bytes.clone();
    items.push(Item { name, bytes });
    sample(read_items(items, &spec(None)).unwrap_err())
}

fn asked(value: &str, rows: usize) -> Sample {
    let wanted = Request {
        serial: "Serial Number".to_owned(),
        fixed: vec![("Note".to_owned(), value.to_owned())],
        rows,
    };
    sample(request(&wanted, &["GW1".parse().unwrap()]).unwrap_err())
}

#[test]
fn pool_errors() {
    let row = "-fake-TOKEN_0123456789abcdefghij";
    let other = "_fake-TOKEN_0123456789abcdefghij";
    let code = "sqr_fake-TOKEN_0123456789abcdefghijk";
    let mark = "eol-inject generate";
    let read = io::Error::from(io::ErrorKind::PermissionDenied);
    let samples = [
        file("empty-list.csv"),
        file("not-utf-8.csv"),
        file("utf-16.csv"),
        file("nul-byte.csv"),
        column("QR Token"),
        file("no-token-column.csv"),
        file("ambiguous-token-columns.csv"),
        file("token-column-named-twice.csv"),
        file("ragged.csv"),
        file("open-quote.csv"),
        file("bad-alphabet.csv"),
        file("wrong-length-token.csv"),
        file("bad-qr-token.csv"),
        file("qr-is-auth-token.csv"),
        list(&format!("Token,QR\n{row},{code}\n{other},\n")),
        file("serial-is-a-path.csv"),
        file("duplicate-token.csv"),
        file("duplicate-qr-token.csv"),
        file("duplicate-serial-after-case-folding.csv"),
        file("two-organisations.zip"),
        list(&format!("Token,Origin\n{row},{mark}\n{other},\n")),
        file("malformed.json"),
        file("deeply-nested.json"),
        list("[{\"content\": 7}]"),
        file("no-device-token.json"),
        file("unknown-status.json"),
        list(&format!(
            "{{\"content\": [{{\"deviceToken\": \"{row}\"}}], \"totalElements\": 0}}"
        )),
        file("truncated.zip"),
        file("same-name-twice.zip"),
        file("bomb-of-overlapping-entries.zip"),
        file("bad-crc.zip"),
        file("encrypted.zip"),
        file("path-traversal.zip"),
        file("symlink.zip"),
        file("bomb.zip"),
        file("two-lists.zip"),
        file("missing-picture.zip"),
        file("extra-picture.zip"),
        twice(),
        file("undecodable-picture.zip"),
        file("pictures-swapped.zip"),
        asked("=1+1", 10),
        asked("plain", 0),
        sample(PoolError::Random),
        sample(PoolError::Read { source: read }),
        sample(PoolError::NotBuilt { what: "zip" }),
    ];
    insta::assert_snapshot!(listing(PoolError::VARIANTS, &samples));
}

#[test]
fn picture_errors() {
    let picture = |name: &str| {
        let error = refused(name);
        Sample(error.name(), Box::new(error))
    };
    let own = |error: PictureError| Sample(error.name(), Box::new(error));
    let samples = [
        picture("picture-is-not-png.zip"),
        picture("truncated-picture.zip"),
        picture("picture-declares-60000-pixels.zip"),
        own(PictureError::Animated),
        picture("undecodable-picture.zip"),
        own(PictureError::Several { found: 2 }),
        picture("foreign-qr.zip"),
        picture("auth-token-in-picture.zip"),
        picture("auth-token-in-png-text.zip"),
    ];
    insta::assert_snapshot!(listing(PictureError::VARIANTS, &samples));
}
