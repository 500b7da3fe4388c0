//! Motorola S-records: records to load addresses, and back.

use eol_inject::image::{Address, Edits, Hint, Image, ImageError, Span, SrecError};

fn read(text: &str) -> Result<Image, ImageError> {
    Image::read(text.as_bytes().to_vec(), Hint::default())
}

/// Writes a record: its type, and address and data in one.
fn record(kind: u8, body: &[u8]) -> String {
    let mut bytes = vec![u8::try_from(body.len() + 1).unwrap()];
    bytes.extend(body);
    bytes.push(!bytes.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte)));
    let digits: String = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
    format!("S{kind}{digits}")
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
fn records_of_every_width_out_of_order_make_runs() {
    let text = [
        record(0, b"\0\0name"),
        record(3, b"\x08\0\0\x20efgh"),
        record(1, b"\0\x10abcd"),
        record(2, b"\x01\0\0wxyz"),
        record(1, b"\0\x14...."),
        record(3, b"\x08\0\0\x24"),
        record(5, b"\0\x05"),
        record(7, b"\x08\0\0\x01"),
        String::new(),
    ]
    .join("\r\n");
    let image = read(&text).unwrap();
    assert_eq!(
        image.runs(),
        [
            span(0x10, 0x18),
            span(0x1_0000, 0x1_0004),
            span(0x0800_0020, 0x0800_0024)
        ]
    );
    // Only the digits of the two records that hold the bytes, and their sums.
    let wanted = text
        .replace(&record(1, b"\0\x10abcd"), &record(1, b"\0\x10abcX"))
        .replace(&record(1, b"\0\x14...."), &record(1, b"\0\x14Y..."));
    assert_eq!(edit(&image, 0x13, b"XY"), wanted);
}

#[test]
fn the_manual_s_own_example_is_read() {
    // M68000 Family Programmer's Reference Manual, C.4.
    let text = "S00600004844521B\nS1130000285F245F2212226A000424290008237C2A\n\
                S11300100002000800082629001853812341001813\nS113002041E900084E42234300182342000824A952\n\
                S107003000144ED492\nS9030000FC\n";
    let image = read(text).unwrap();
    assert_eq!(image.runs(), [span(0, 0x34)]);
    assert_eq!(edit(&image, 0x30, &[0x00, 0x14]), text);
}

#[test]
fn letters_keep_their_case_and_lines_their_ends() {
    let small = |text: String| text.to_lowercase().replace('s', "S");
    let text = format!(
        "; remark\n {}\r{}\r\n\n{}",
        small(record(1, b"\0\0\xaa\x11")),
        record(1, b"\0\x02\x11\x22"),
        record(9, b"\0\0")
    );
    let image = read(&text).unwrap();
    let wanted = text
        .replace(
            &small(record(1, b"\0\0\xaa\x11")),
            &small(record(1, b"\0\0\xaa\xcc")),
        )
        .replace(&record(1, b"\0\x02\x11\x22"), &record(1, b"\0\x02\xdd\x22"));
    assert_eq!(edit(&image, 1, &[0xcc, 0xdd]), wanted);
}

#[test]
fn an_address_given_twice_changes_at_both_places() {
    let text = |a: &[u8], b: &[u8]| {
        [
            record(1, &[b"\0\0", a].concat()),
            record(3, &[b"\0\0\0\x02", b].concat()),
            record(9, b"\0\0"),
        ]
        .join("\n")
    };
    let image = read(&text(b"abcd", b"cdef")).unwrap();
    assert_eq!(edit(&image, 1, b"xyz"), text(b"axyz", b"yzef"));
}

#[test]
fn a_right_count_ends_a_file_too() {
    let data = record(1, b"\0\0abcd");
    let count = record(5, b"\0\x01");
    assert!(read(&format!("{data}\n{count}\n")).is_ok());
    assert!(read(&format!("{data}\n{count}\n{}", record(6, b"\0\0\x01"))).is_ok());
    let open = read(&format!("{data}\n{count}\n{}", record(1, b"\0\x10abcd")));
    assert_eq!(open.unwrap_err(), SrecError::NoEnd { line: 3 }.into());
}

#[test]
fn each_fault_names_its_line() {
    let good = record(1, b"\0\0abcd");
    let end = record(9, b"\0\0");
    let fault = |line: &str| read(&format!("{good}\n{line}\n{end}\n")).unwrap_err();
    let line = 2;
    let cases = [
        ("x", SrecError::Start { line, found: 'x' }),
        ("s1", SrecError::Start { line, found: 's' }),
        (
            "S",
            SrecError::Type {
                line,
                found: '\u{fffd}',
            },
        ),
        ("S4030000FC", SrecError::Type { line, found: '4' }),
        ("S1é", SrecError::Digit { line, found: 'é' }),
        (
            "S10300",
            SrecError::Length {
                line,
                found: 1,
                wanted: 3,
            },
        ),
        ("S1030", SrecError::Odd { line, digits: 3 }),
        (
            "S1",
            SrecError::Length {
                line,
                found: 0,
                wanted: 0,
            },
        ),
        (
            "S1050000FA",
            SrecError::Length {
                line,
                found: 3,
                wanted: 5,
            },
        ),
        (
            "S10200FD",
            SrecError::Size {
                line,
                kind: '1',
                found: 2,
                wanted: 3,
            },
        ),
        (
            "S90400000FEC",
            SrecError::Size {
                line,
                kind: '9',
                found: 4,
                wanted: 3,
            },
        ),
        (
            "S1030010EE",
            SrecError::Sum {
                line,
                found: 0xee,
                wanted: 0xec,
            },
        ),
        (
            "S5030002FA",
            SrecError::Count {
                line,
                found: 2,
                wanted: 1,
            },
        ),
    ];
    for (text, error) in cases {
        assert_eq!(fault(text), error.into(), "{text}");
    }
    let (first, second) = (1, 2);
    let address = Address::new(3);
    assert_eq!(
        fault(&record(1, b"\0\x03X")),
        SrecError::Conflict {
            address,
            first,
            second
        }
        .into()
    );
    assert_eq!(fault(&end), SrecError::AfterEnd { line: 3, end: 2 }.into());
    assert_eq!(
        read(&good).unwrap_err(),
        SrecError::NoEnd { line: 1 }.into()
    );
    assert!(matches!(
        read(&record(9, b"\0\0")),
        Err(ImageError::NothingLoaded { .. })
    ));
    let start = Address::new(0xffff);
    assert_eq!(fault("S105FFFF0102F9"), ImageError::Wraps { start, len: 2 });
}
