//! BIN: one extent at a base address.

use eol_inject::image::{Address, Format, Hint, Image, ImageError, Span};

#[test]
fn a_bin_lies_at_its_base() {
    let read = |bytes: &[u8], base| {
        let hint = Hint {
            format: Some(Format::Bin),
            base,
            ..Hint::default()
        };
        Image::read(bytes.to_vec(), hint)
    };
    let base = Address::new(0x0800_0000);
    let image = read(b"abcd", Some(base)).unwrap();
    assert_eq!(image.runs(), [Span::new(base, 4).unwrap()]);
    assert_eq!(read(b"abcd", None).unwrap_err(), ImageError::NoBase);
    assert_eq!(read(b"", Some(base)).unwrap_err(), ImageError::Empty);
    let start = Address::new(u64::MAX - 1);
    assert_eq!(
        read(b"abcd", Some(start)).unwrap_err(),
        ImageError::Wraps { start, len: 4 }
    );
}
