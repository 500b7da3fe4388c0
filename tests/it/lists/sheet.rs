//! Tables that a person filled in.

use eol_inject::pool::{Sheet, SheetError, neutral};

#[test]
fn bytes_that_are_no_text_are_told_with_their_line() {
    let line = |bytes: &[u8]| match Sheet::new(bytes) {
        Err(SheetError::NotText { line }) => line,
        other => panic!("{other:?}"),
    };
    assert_eq!(line(b"serial,result\nGW000001,pass\nGW\xff,pass\n"), 3);
    assert_eq!(line(b"serial\r\nGW\0\r\nGW\xff"), 2);
    assert_eq!(line(b"\xff\xfes\0e\0"), 1);
    assert!(Sheet::new("\u{feff}serial\nGW1\n".as_bytes()).is_ok());
}

#[test]
fn what_keeps_a_spreadsheet_from_running_a_cell_is_taken_back() {
    for cell in ["=1+1", "-fake", "'quoted", "plain", ""] {
        let file = format!("a\n{}\n", neutral(cell.to_owned()));
        let mut sheet = Sheet::new(file.as_bytes()).unwrap();
        if sheet.next_row().unwrap().is_some() {
            assert_eq!(sheet.cell(0), cell);
        }
    }
}
