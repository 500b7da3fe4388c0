//! The memory map as a picture: rows of cells in order of address, rows without a byte left out.

use eol_inject::image::{Address, Image, Span};

use super::report::grouped;

/// Columns of a terminal.
const WIDTH: usize = 80;
/// Rows of a picture at most, those that say something was left out aside.
const ROWS: u64 = 8;
/// How to read it.
const LEGEND: &str = "# stored  - erased  + in part  . nothing  S slot  C integrity";
/// Flash after an erase.
const ERASED: u8 = 0xFF;
/// Bytes of a cell at least.
const LEAST: u64 = 4;

/// What is marked in the map, over what is only stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Mark {
    /// A checksum or another integrity field.
    Integrity,
    /// A slot.
    Slot,
}

impl Mark {
    const fn letter(self) -> char {
        match self {
            Self::Integrity => 'C',
            Self::Slot => 'S',
        }
    }
}

/// Draws the map; the first line says its scale, the last one how to read it.
pub(crate) fn picture(image: &Image, marks: &[(Span, Mark)]) -> Vec<String> {
    let runs = image.runs();
    let Some(last) = runs.last() else {
        return Vec::new();
    };
    let digits = Address::new(last.end().get().saturating_sub(1)).to_string();
    let indent = digits.len() + 4;
    // A power of two, so that rows start at round addresses.
    let cells: u64 = if indent + 64 <= WIDTH { 64 } else { 32 };
    let cell = scale(&runs, cells);
    let row = cell.saturating_mul(cells);
    let mut lines = vec![format!("{} bytes a cell", grouped(cell))];
    let mut next: Option<u64> = None;
    for number in rows(&runs, row) {
        if next.is_some_and(|next| next != number) {
            lines.push(format!("  {}", ".."));
        }
        next = number.checked_add(1);
        let start = number.saturating_mul(row);
        let drawn: String = (0..cells)
            .map(|index| letter(image, marks, start.saturating_add(index * cell), cell))
            .collect();
        let address = Address::new(start).to_string();
        let drawn = drawn.trim_end_matches(' ');
        lines.push(format!(
            "  {address:<width$}  {drawn}",
            width = digits.len()
        ));
    }
    lines.push(format!("{:14}{LEGEND}", ""));
    lines
}

/// Returns the smallest cell with which the picture has few rows.
fn scale(runs: &[Span], cells: u64) -> u64 {
    let mut cell = LEAST;
    while cell < u64::MAX / cells / 2 && count(runs, cell.saturating_mul(cells)) > ROWS {
        cell = cell.saturating_mul(2);
    }
    cell
}

/// Returns the first and the last row that a run touches.
fn touched(run: Span, row: u64) -> (u64, u64) {
    let last = run.end().get().saturating_sub(1);
    (run.start().get() / row, last / row)
}

/// Counts the rows that hold a byte; runs are in order.
fn count(runs: &[Span], row: u64) -> u64 {
    let mut known: Option<u64> = None;
    let mut rows = 0u64;
    for run in runs {
        let (first, last) = touched(*run, row);
        let again = u64::from(known == Some(first));
        rows = rows.saturating_add((last - first).saturating_add(1).saturating_sub(again));
        known = Some(last);
    }
    rows
}

/// Returns the rows that hold a byte, in order.
fn rows(runs: &[Span], row: u64) -> Vec<u64> {
    let mut rows = Vec::new();
    for run in runs {
        let (first, last) = touched(*run, row);
        rows.extend(first..=last);
    }
    rows.dedup();
    rows
}

/// Returns what stands for the `cell` bytes at `start`.
fn letter(image: &Image, marks: &[(Span, Mark)], start: u64, cell: u64) -> char {
    let Some(span) = Span::new(Address::new(start), cell) else {
        return '.';
    };
    let marked = marks
        .iter()
        .filter(|(at, _)| at.intersection(span).is_some());
    if let Some(mark) = marked.map(|(_, mark)| *mark).max() {
        return mark.letter();
    }
    match image.stored_within(span).map(Span::len).sum::<u64>() {
        0 => '.',
        stored if stored == cell && is_erased(image, span) => '-',
        stored if stored == cell => '#',
        _ => '+',
    }
}

/// Returns whether nothing but erased flash is stored there.
fn is_erased(image: &Image, span: Span) -> bool {
    let chunks = image.chunks(span);
    chunks.is_ok_and(|mut chunks| chunks.all(|(_, bytes)| bytes.iter().all(|byte| *byte == ERASED)))
}

#[cfg(test)]
mod tests {
    use eol_inject::image::Hint;

    use super::*;

    fn bin(base: u64, len: usize) -> Image {
        let hint = Hint {
            base: Some(Address::new(base)),
            ..Hint::default()
        };
        Image::read(vec![0; len], hint).unwrap()
    }

    fn span(start: u64, len: u64) -> Span {
        Span::new(Address::new(start), len).unwrap()
    }

    #[test]
    fn slots_and_fields_are_seen_at_their_place() {
        let marks = [
            (span(0x104, 4), Mark::Integrity),
            (span(0x106, 6), Mark::Slot),
        ];
        let lines = picture(&bin(0x80, 0x9e), &marks);
        assert!(lines[0].starts_with("4 bytes a cell"));
        let (dots, cells) = (".".repeat(32), "#".repeat(32));
        assert_eq!(lines[1], format!("  0x00000000  {dots}{cells}"));
        let row = format!("#SS####+{}", ".".repeat(56));
        assert_eq!(lines[2], format!("  0x00000100  {row}"));
        assert_eq!(lines.len(), 4);
        assert!(lines[3].ends_with(LEGEND));
    }

    #[test]
    fn erased_flash_is_told_from_what_is_stored() {
        let hint = Hint {
            base: Some(Address::new(0)),
            ..Hint::default()
        };
        let bytes = [vec![0xFF; 128], vec![7; 130]].concat();
        let lines = picture(&Image::read(bytes, hint).unwrap(), &[]);
        let (erased, stored) = ("-".repeat(32), "#".repeat(32));
        assert_eq!(lines[1], format!("  0x00000000  {erased}{stored}"));
        assert!(lines[2].starts_with("  0x00000100  +..."));
    }

    #[test]
    fn a_picture_keeps_to_the_terminal() {
        for (base, len) in [
            (0, 1),
            (0x0800_0000, 5_000_000),
            (u64::MAX - 70_000, 65_536),
            (0xffff_fff0, 32),
        ] {
            let lines = picture(&bin(base, len), &[]);
            assert!(lines.len() <= 11, "{}", lines.len());
            assert!(lines.iter().all(|line| line.len() <= WIDTH), "{lines:?}");
        }
    }

    #[test]
    fn rows_between_far_runs_are_left_out() {
        let text = ":0100000011EE\n:020000041000EA\n:0100000022DD\n:00000001FF\n";
        let image = Image::read(text.into(), Hint::default()).unwrap();
        let lines = picture(&image, &[]);
        assert_eq!(lines.len(), 5);
        assert_eq!(lines[2], "  ..");
        assert!(lines[3].starts_with("  0x10000000  +..."));
    }
}
