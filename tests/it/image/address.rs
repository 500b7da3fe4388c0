//! Addresses and spans.

use eol_inject::image::{Address, Span};

fn span(start: u64, end: u64) -> Span {
    Span::between(Address::new(start), Address::new(end)).unwrap()
}

#[test]
fn a_span_is_never_empty_and_never_wraps() {
    assert_eq!(Span::new(Address::new(4), 0), None);
    assert_eq!(Span::new(Address::new(u64::MAX), 1), None);
    assert_eq!(Span::between(Address::new(8), Address::new(4)), None);
}

#[test]
fn a_span_without_its_middle_is_two() {
    let rest: Vec<_> = span(0, 10).without(span(4, 6)).collect();
    assert_eq!(rest, [span(0, 4), span(6, 10)]);
    assert_eq!(span(0, 10).without(span(0, 10)).count(), 0);
    let apart: Vec<_> = span(0, 10).without(span(20, 30)).collect();
    assert_eq!(apart, [span(0, 10)]);
}

#[test]
fn addresses_are_read_as_people_write_them() {
    assert_eq!("0x0800_0000".parse(), Ok(Address::new(0x0800_0000)));
    assert_eq!("64".parse(), Ok(Address::new(64)));
    assert_eq!(
        "flash".parse::<Address>().unwrap_err().to_string(),
        "`flash` is no address: write 0x08000000 or decimal digits"
    );
}
