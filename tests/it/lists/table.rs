//! CSV, read strictly.

use eol_inject::pool::{Cells, Table, TableError};

/// Most cells of a row.
const CELLS: usize = 1024;
/// Most bytes of a cell.
const CELL: usize = 64 * 1024;

type Rows = Vec<(u32, Vec<String>)>;

fn rows(text: &str) -> Result<Rows, TableError> {
    let (mut table, mut row, mut all) = (Table::new(text, b','), Cells::default(), Vec::new());
    while table.read(&mut row)? {
        all.push((row.line(), row.iter().map(str::to_owned).collect()));
    }
    Ok(all)
}

#[test]
fn rows_have_the_line_that_an_editor_shows() {
    for end in ["\n", "\r\n", "\r"] {
        let text = ["a,b", "", "\"c", "d\",\"\"\"e\"\"\"", "f,", ""].join(end);
        let broken = format!("c{end}d");
        let found = rows(&text).unwrap();
        let wanted: [(u32, [&str; 2]); 3] =
            [(1, ["a", "b"]), (3, [&broken, "\"e\""]), (5, ["f", ""])];
        assert_eq!(found.len(), 3);
        for ((line, cells), wanted) in found.iter().zip(wanted) {
            assert_eq!(
                (*line, cells.as_slice()),
                (wanted.0, &wanted.1.map(str::to_owned)[..])
            );
        }
    }
    assert_eq!(rows("").unwrap(), []);
    assert_eq!(rows("\n\r\n").unwrap(), []);
    assert_eq!(rows(",").unwrap(), [(1, vec![String::new(); 2])]);
}

#[test]
fn every_wrong_quote_is_refused_with_its_line() {
    let refused = |text: &str| rows(text).unwrap_err();
    assert_eq!(refused("a\nb,\"c\nd"), TableError::OpenQuote { line: 2 });
    assert_eq!(
        refused("a\nb,\"\"\"c\nd"),
        TableError::OpenQuote { line: 2 }
    );
    assert_eq!(refused("\"a\nb\"c"), TableError::TextAfterQuote { line: 1 });
    assert_eq!(refused("a\nb \"c\""), TableError::StrayQuote { line: 2 });
    let token = "a-fake-TOKEN_0123456789abcdefghi";
    let swallowed = refused(&format!("x,\"y\n{token},z\"\n"));
    assert_eq!(swallowed, TableError::QuotedRows { line: 1 });
}

#[test]
fn cells_have_limits() {
    let wide = ",".repeat(CELLS);
    let error = rows(&wide).unwrap_err();
    assert_eq!(
        error,
        TableError::TooManyCells {
            line: 1,
            most: CELLS
        }
    );
    let long = "x".repeat(CELL + 1);
    let wanted = TableError::LongCell {
        line: 1,
        most: CELL,
    };
    assert_eq!(rows(&long).unwrap_err(), wanted);
    assert_eq!(rows(&format!("\"{long}\"")).unwrap_err(), wanted);
}
