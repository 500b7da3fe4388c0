//! Images as BIN or HEX.

use eol_inject::image::{Address, Conversion, Edits, Hint, Image, ImageError, Span};

fn image(pieces: &[(u64, &[u8])]) -> Image {
    let record = |kind: u8, offset: u16, data: &[u8]| {
        let [high, low] = offset.to_be_bytes();
        let mut bytes = vec![u8::try_from(data.len()).unwrap(), high, low, kind];
        bytes.extend(data);
        bytes.push(bytes.iter().fold(0u8, |sum, byte| sum.wrapping_sub(*byte)));
        let digits: String = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
        format!(":{digits}\n")
    };
    let mut text = String::new();
    for (at, data) in pieces {
        for (at, byte) in (*at..).zip(data.iter()) {
            let upper = u16::try_from(at >> 16).unwrap();
            text += &record(4, 0, &upper.to_be_bytes());
            text += &record(0, u16::try_from(at & 0xFFFF).unwrap(), &[*byte]);
        }
    }
    text += &record(1, 0, &[]);
    Image::read(text.into_bytes(), Hint::default()).unwrap()
}

fn edit(start: u64, bytes: &[u8]) -> Edits {
    let mut edits = Edits::new();
    edits.put(Address::new(start), bytes);
    edits
}

#[test]
fn a_bin_starts_at_the_lowest_address_and_fills_gaps() {
    let image = image(&[(0x0800_0008, b"efgh"), (0x0800_0000, b"abcd")]);
    let edits = edit(0x0800_0003, b"D");
    let bin = |fill| image.convert(&edits, Conversion::Bin { fill }).unwrap();
    assert_eq!(bin(0xFF), b"abcD\xFF\xFF\xFF\xFFefgh");
    assert_eq!(bin(0), b"abcD\0\0\0\0efgh");
    assert!(image.convert(&edit(4, b"x"), Conversion::Hex).is_err());
}

#[test]
fn a_hex_changes_its_base_where_needed() {
    let image = image(&[(0x1_fff8, b"0123456789abcdef")]);
    let hex = image.convert(&Edits::new(), Conversion::Hex).unwrap();
    let wanted = ":020000040001F9\n:08FFF800303132333435363765\n\
                  :020000040002F8\n:08000000383961626364656632\n:00000001FF\n";
    assert_eq!(String::from_utf8(hex.clone()).unwrap(), wanted);
    let back = Image::read(hex, Hint::default()).unwrap();
    assert_eq!(back.runs(), image.runs());
}

#[test]
fn what_does_not_fit_is_refused() {
    let far = image(&[(0, b"app"), (0x1000_1000, b"uicr")]);
    let gap = Span::between(Address::new(3), Address::new(0x1000_1000)).unwrap();
    assert_eq!(
        far.convert(&Edits::new(), Conversion::Bin { fill: 0 }),
        Err(ImageError::Gap {
            gap,
            filling: gap.len(),
            most: 16 * 1024 * 1024
        })
    );
    assert!(far.convert(&Edits::new(), Conversion::Hex).is_ok());
    let base = Some(Address::new((1 << 32) - 1));
    let high = Hint {
        base,
        ..Hint::default()
    };
    let high = Image::read(b"ab".to_vec(), high).unwrap();
    let run = Span::new(Address::new((1 << 32) - 1), 2).unwrap();
    assert_eq!(
        high.convert(&Edits::new(), Conversion::Hex),
        Err(ImageError::TooHigh { run })
    );
}
