use std::io;

use eol_inject::pool::{Item, PoolError, Request, folder, read, read_items, request};
use eol_inject::qr::PictureError;
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
        file("pool-empty.empty-list.csv"),
        file("pool-not-utf8.not-utf-8.csv"),
        file("pool-utf16.utf-16.csv"),
        file("pool-nul.nul-byte.csv"),
        column("QR Token"),
        file("pool-no-token-column.csv"),
        file("pool-ambiguous-column.ambiguous-token-columns.csv"),
        file("pool-header-twice.token-column-named-twice.csv"),
        file("pool-ragged.csv"),
        file("pool-open-quote.csv"),
        list(&format!("Token,QR\nshort,\n{row},none\n")),
        file("pool-bad-token.bad-alphabet.csv"),
        file("pool-bad-token.wrong-length-token.csv"),
        file("pool-bad-qr.bad-qr-token.csv"),
        file("pool-secret-as-qr.qr-is-auth-token.csv"),
        list(&format!("Token,QR\n{row},{code}\n{other},\n")),
        list(&format!("Token,Copy\n{row},{other}\n{other},\n")),
        file("pool-bad-serial.serial-is-a-path.csv"),
        file("pool-duplicate-token.csv"),
        file("pool-duplicate-qr.duplicate-qr-token.csv"),
        file("pool-duplicate-serial.duplicate-serial-after-case-folding.csv"),
        file("pool-two-organisations.zip"),
        list(&format!("Token,Origin\n{row},{mark}\n{other},\n")),
        file("pool-json.malformed.json"),
        file("pool-no-content.deeply-nested.json"),
        list("[{\"content\": 7}]"),
        file("pool-no-field.no-device-token.json"),
        list(&format!(
            "{{\"deviceToken\": \"{row}\", \"a\": 1, \"a\": 2}}"
        )),
        list(&format!("{{\"deviceToken\": \"{row}\", \"a\": 1e99}}")),
        file("pool-unknown-status.json"),
        list(&format!(
            "{{\"content\": [{{\"deviceToken\": \"{row}\"}}], \"totalElements\": 0}}"
        )),
        file("pool-archive.truncated.zip"),
        file("pool-archive.same-name-twice.zip"),
        file("pool-archive.bomb-of-overlapping-entries.zip"),
        file("pool-archive-entry.bad-crc.zip"),
        file("pool-archive-entry.encrypted.zip"),
        file("pool-archive-entry.path-traversal.zip"),
        file("pool-archive-entry.symlink.zip"),
        file("pool-too-large.bomb.zip"),
        file("pool-not-one-list.two-lists.zip"),
        file("pool-picture-missing.missing-picture.zip"),
        file("pool-picture-extra.extra-picture.zip"),
        twice(),
        file("picture-undecodable.undecodable-picture.zip"),
        file("pool-picture-differs.pictures-swapped.zip"),
        asked("=1+1", 10),
        asked("plain", 0),
        sample(PoolError::Random),
        sample(PoolError::Write {
            source: io::ErrorKind::StorageFull.into(),
        }),
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
        picture("picture-not-png.picture-is-not-png.zip"),
        picture("picture-damaged.truncated-picture.zip"),
        picture("picture-too-large.picture-declares-60000-pixels.zip"),
        own(PictureError::Animated),
        picture("picture-undecodable.undecodable-picture.zip"),
        own(PictureError::Several { found: 2 }),
        picture("picture-not-a-qr-token.foreign-qr.zip"),
        picture("picture-secret-in-symbol.auth-token-in-picture.zip"),
        picture("picture-secret-in-file.auth-token-in-png-text.zip"),
    ];
    insta::assert_snapshot!(listing(PictureError::VARIANTS, &samples));
}
