//! Intel HEX: records to load addresses, and the digits of a byte back.

use eol_inject::image::{Address, Edits, Hint, Image, ImageError, Span};

fn read(text: &str) -> Result<Image, ImageError> {
    Image::read(text.as_bytes().to_vec(), Hint::default())
}

/// Writes a record.
fn record(kind: u8, offset: u16, data: &[u8]) -> String {
    let [high, low] = offset.to_be_bytes();
    let mut bytes = vec![u8::try_from(data.len()).unwrap(), high, low, kind];
    bytes.extend(data);
    let sum = bytes.iter().fold(0u8, |sum, byte| sum.wrapping_sub(*byte));
    bytes.push(sum);
    let digits: String = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
    format!(":{digits}")
}

fn file(records: &[String]) -> String {
    let mut text = records.join("\n");
    text.push_str("\n:00000001FF\n");
    text
}

fn span(start: u64, end: u64) -> Span {
    Span::between(Address::new(start), Address::new(end)).unwrap()
}

fn edit(image: &Image, start: u64, bytes: &[u8]) -> String {
    let mut edits = Edits::new();
    edits.put(Address::new(start), bytes);
    String::from_utf8(image.render(&edits).unwrap()).unwrap()
}

#[test]
fn records_out_of_order_with_gaps_make_runs() {
    let image = read(&file(&[
        record(4, 0, &[0x08, 0x00]),
        record(0, 0x20, b"efgh"),
        record(0, 0x10, b"abcd"),
        record(0, 0x14, b"...."),
        record(0, 0, b""),
    ]))
    .unwrap();
    assert_eq!(
        image.runs(),
        [
            span(0x0800_0010, 0x0800_0018),
            span(0x0800_0020, 0x0800_0024)
        ]
    );
    let bytes = image.bytes(span(0x0800_0012, 0x0800_0016)).unwrap();
    assert_eq!(&*bytes, b"cd..");
}

#[test]
fn segment_and_linear_bases_replace_each_other() {
    let image = read(&file(&[
        record(2, 0, &[0x10, 0x00]),
        record(0, 0, b"a"),
        record(4, 0, &[0x00, 0x02]),
        record(0, 0, b"b"),
        record(2, 0, &[0x30, 0x01]),
        record(0, 0, b"c"),
    ]))
    .unwrap();
    assert_eq!(
        image.runs(),
        [
            span(0x10000, 0x10001),
            span(0x20000, 0x20001),
            span(0x30010, 0x30011)
        ]
    );
}

#[test]
fn offsets_wrap_in_a_segment_and_run_on_in_linear_addresses() {
    let segment = read(&file(&[
        record(2, 0, &[0x10, 0x00]),
        record(0, 0xfffe, b"abcd"),
    ]))
    .unwrap();
    assert_eq!(
        segment.runs(),
        [span(0x10000, 0x10002), span(0x1fffe, 0x20000)]
    );
    let text = edit(&segment, 0x10000, b"xy");
    assert!(text.contains(&record(0, 0xfffe, b"abxy")), "{text}");

    let linear = read(&file(&[
        record(4, 0, &[0x00, 0x01]),
        record(0, 0xfffe, b"abcd"),
    ]))
    .unwrap();
    assert_eq!(linear.runs(), [span(0x1fffe, 0x20002)]);

    let top = read(&file(&[
        record(4, 0, &[0xff, 0xff]),
        record(0, 0xfffe, b"ab"),
    ]))
    .unwrap();
    assert_eq!(top.runs(), [span(0xffff_fffe, 0x1_0000_0000)]);
    let over = read(&file(&[
        record(4, 0, &[0xff, 0xff]),
        record(0, 0xfffe, b"abc"),
    ]));
    let start = Address::new(0xffff_fffe);
    assert_eq!(over.unwrap_err(), ImageError::Wraps { start, len: 3 });
}

#[test]
fn everything_but_the_digits_stays() {
    let text = ";made by hand\r\n\r\n :04000000aabbccddee \n:0100040011ea\r\
                :0400000300001000E9\n:020000FEAABB9B\r\n:00000001FF\n\n;end";
    let image = read(text).unwrap();
    assert_eq!(edit(&image, 0, &[0xaa, 0xbb, 0xcc, 0xdd]), text);
    let wanted = text
        .replace("aabbccddee", "aabbcceedd")
        .replace("0011ea", "00fcff");
    assert_eq!(edit(&image, 3, &[0xee, 0xfc]), wanted);
}

#[test]
fn letters_keep_their_case() {
    let text = ":04000000aabbccddee\n:0100040011EA\n:010005001EDC\n:00000001ff\n";
    let image = read(text).unwrap();
    assert_eq!(
        edit(&image, 3, &[0xee, 0xfc, 0xa1]),
        ":04000000aabbcceedd\n:01000400FCFF\n:01000500A159\n:00000001ff\n"
    );
    // Without a letter in the record, the file's first letter decides.
    let text = ":0100000011ee\n:0100010010ee\n:00000001FF";
    let image = read(text).unwrap();
    assert_eq!(
        edit(&image, 1, &[0xbb]),
        ":0100000011ee\n:01000100bb43\n:00000001FF"
    );
}

#[test]
fn an_address_given_twice_changes_at_both_places() {
    let image = read(&file(&[
        record(0, 0, b"abcd"),
        record(0, 2, b"cdef"),
        record(0, 3, b"d"),
    ]))
    .unwrap();
    assert_eq!(image.runs(), [span(0, 6)]);
    assert_eq!(
        edit(&image, 1, b"xyz"),
        file(&[
            record(0, 0, b"axyz"),
            record(0, 2, b"yzef"),
            record(0, 3, b"z"),
        ])
    );
}

#[test]
fn the_second_firmware_of_a_universal_hex_is_not_loaded() {
    let image = read(&file(&[
        record(4, 0, &[0, 0]),
        record(0x0a, 0, &[0x99, 0x00, 0xc0, 0xde]),
        record(0, 0, b"one"),
        record(0x0b, 0, &[]),
        record(4, 0, &[0, 0]),
        record(0x0a, 0, &[0x99, 0x03, 0xc0, 0xde]),
        record(0x0d, 0, b"two"),
        record(0x0c, 0, &[0xff; 12]),
    ]))
    .unwrap();
    assert_eq!(&*image.bytes(span(0, 3)).unwrap(), b"one");
    assert_eq!(image.other_board_records(), 1);
    let other = read(&file(&[record(0, 0x0d0d, b"one")])).unwrap();
    assert_eq!(other.other_board_records(), 0);
}

#[test]
fn each_fault_names_its_line() {
    let good = record(0, 0, b"abcd");
    let fault = |line: &str| read(&format!("{good}\n{line}\n:00000001FF\n")).unwrap_err();
    let line = 2;
    assert_eq!(fault("x"), ImageError::HexStart { line, found: 'x' });
    assert_eq!(fault(":00é"), ImageError::HexDigit { line, found: 'é' });
    assert_eq!(fault(":010004001"), ImageError::HexOdd { line, digits: 9 });
    assert_eq!(
        fault(":0200040011E9"),
        ImageError::HexLength {
            line,
            found: 6,
            wanted: 7
        }
    );
    assert_eq!(
        fault(":"),
        ImageError::HexLength {
            line,
            found: 0,
            wanted: 5
        }
    );
    assert_eq!(
        fault(":0100040011E9"),
        ImageError::HexSum {
            line,
            found: 0xe9,
            wanted: 0xea
        }
    );
    assert_eq!(
        fault(&record(4, 0, &[1])),
        ImageError::HexType {
            line,
            kind: 4,
            found: 1,
            wanted: 2
        }
    );
    assert_eq!(
        fault(&record(0, 3, b"xyz")),
        ImageError::HexConflict {
            address: Address::new(3),
            first: 1,
            second: 2
        }
    );
    assert_eq!(
        fault(":00000001FF"),
        ImageError::HexAfterEnd { line: 3, end: 2 }
    );
    assert_eq!(
        read(&format!("{good}\n\n")).unwrap_err(),
        ImageError::HexNoEnd { line: 2 }
    );
    assert!(matches!(
        read(":00000001FF"),
        Err(ImageError::NothingLoaded { .. })
    ));
}

#[test]
fn a_conflict_names_the_line_of_the_record_that_holds_the_address() {
    let error = read(&file(&[
        record(0, 0, b"abcd"),
        record(0, 4, b"efgh"),
        record(0, 2, b"cdXY"),
    ]))
    .unwrap_err();
    assert_eq!(
        error,
        ImageError::HexConflict {
            address: Address::new(4),
            first: 2,
            second: 3
        }
    );
}

#[test]
fn symbols_may_stand_behind_the_end_record_and_data_may_not() {
    let good = file(&[record(0, 0, b"abcd")]);
    let symbols = [
        record(4, 0, &[0x08, 0x00]),
        record(0xFE, 0x0E, b"main"),
        record(2, 0, &[0x10, 0x00]),
    ];
    let behind = format!("{good}\n{}\n", symbols.join("\n"));
    assert!(read(&behind).is_ok());
    for kind in [0, 1, 3, 5, 0x0D] {
        let behind = format!("{good}\n{}\n", record(kind, 0, &[]));
        assert!(matches!(read(&behind), Err(ImageError::HexAfterEnd { .. })));
    }
}
