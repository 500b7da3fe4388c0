//! What an image holds: containers in one another, each integrity field with its state.

use eol_inject::checksum::Finding;
use eol_inject::image::{Address, Partition, Span};
use eol_inject::slot::Stored;

use super::output::{BAD, DIM, GOOD, Output};
use super::wrap::parts;

/// Columns of a terminal, and those in front of what is said.
const WIDTH: usize = 80;
const INDENT: usize = 12;
/// Columns that are left.
pub(crate) const ROOM: usize = WIDTH - INDENT;

/// Prints lines, the first with a word in front.
pub(crate) fn headed(word: &str, lines: &[String], output: &Output) {
    for (index, line) in lines.iter().enumerate() {
        let head = if index == 0 { word } else { "" };
        output.line(format_args!("  {head:<10}{line}"));
    }
}

/// Something with a place, and the lines that tell of it.
struct Container {
    /// What it is, without its place.
    what: String,
    span: Option<Span>,
    lines: Vec<Line>,
    /// What to do about it, in lines; each once.
    advice: Vec<Vec<String>>,
}

/// A field or a part of a container.
struct Line {
    what: String,
    at: Option<Address>,
    /// Whether it is right; absent for what cannot be.
    right: Option<bool>,
    /// What else is said of it.
    more: String,
}

/// Tells what `findings`, `partitions` and `stores` are, in order of address; what lies inside of something
/// else stands below it. Lines have no indent of the report's own.
pub(crate) fn lines(
    findings: &[Finding],
    partitions: &[Partition],
    stores: &[Stored],
) -> Vec<String> {
    let mut containers = partitions_of(partitions);
    containers.extend(stores.iter().map(store));
    for finding in findings {
        add(&mut containers, finding);
    }
    // The outer one first where two begin at one place.
    containers.sort_by_key(|one| one.span.map(|span| (span.start(), u64::MAX - span.len())));
    let mut lines = Vec::new();
    let mut around: Vec<Span> = Vec::new();
    for container in &containers {
        let inside = |outer: &Span| container.span.is_some_and(|span| outer.contains(span));
        around.retain(inside);
        put_container(container, 2 * around.len(), &mut lines);
        around.extend(container.span);
    }
    lines
}

/// Takes a finding into the container that its text names.
fn add(containers: &mut Vec<Container>, finding: &Finding) {
    let (named, field) = match finding.text.split_once(": ") {
        Some((named, field)) => (named, Some(field)),
        None => (finding.text.as_str(), None),
    };
    let (what, _) = named.rsplit_once(" at 0x").unwrap_or((named, ""));
    let span = extent(finding);
    let same = |one: &&mut Container| {
        let touch = one
            .span
            .zip(span)
            .is_none_or(|(a, b)| a.start() == b.start() || a.intersection(b).is_some());
        one.what == what && touch
    };
    let container = match containers.iter_mut().find(same) {
        Some(known) => {
            known.span = hull(known.span.into_iter().chain(span));
            known
        }
        None => {
            containers.push(Container {
                what: what.to_owned(),
                span,
                lines: Vec::new(),
                advice: Vec::new(),
            });
            let Some(last) = containers.last_mut() else {
                return;
            };
            last
        }
    };
    if let Some(field) = field {
        container.lines.push(Line {
            what: field.to_owned(),
            at: finding.at.first().map(|at| at.start()),
            right: Some(finding.right),
            more: number(finding),
        });
    }
    // A line with a key says what the one without does.
    let advice = match finding.lines() {
        lines if lines.is_empty() => vec![finding.advice()],
        lines => lines,
    };
    container.advice.retain(|known| !advice.starts_with(known));
    if !container
        .advice
        .iter()
        .any(|known| known.starts_with(&advice))
    {
        container.advice.push(advice);
    }
}

/// Returns what is stored in a field that is a number, as bytes and as that number.
fn number(finding: &Finding) -> String {
    let value = finding.value.as_ref();
    match value.filter(|value| value.number().is_some()) {
        Some(value) => format!("  {value}"),
        None => String::new(),
    }
}

/// Returns where a structure is: its headers and fields, and what it covers beside them. What a
/// settings page says of an application far away is no part of the page.
fn extent(finding: &Finding) -> Option<Span> {
    let own = finding.frame.iter().chain(&finding.at).copied();
    let Some(mut extent) = hull(own) else {
        return hull(finding.covers.iter().copied());
    };
    let mut covers = finding.covers.clone();
    covers.sort();
    // Downwards and upwards from there.
    for cover in covers.iter().rev().chain(&covers) {
        if cover.start() <= extent.end() && extent.start() <= cover.end() {
            extent = hull([extent, *cover].into_iter()).unwrap_or(extent);
        }
    }
    Some(extent)
}

/// Shows the partitions of flash images by their tables.
fn partitions_of(partitions: &[Partition]) -> Vec<Container> {
    let mut tables: Vec<Container> = Vec::new();
    for partition in partitions {
        let same = |one: &&mut Container| one.span == Some(partition.table);
        let line = Line {
            what: partition.label.clone(),
            at: None,
            right: None,
            more: format!("{}  {}", partition.span, partition.kind),
        };
        match tables.iter_mut().find(same) {
            Some(known) => known.lines.push(line),
            None => tables.push(Container {
                what: "ESP partition table".to_owned(),
                span: Some(partition.table),
                lines: vec![line],
                advice: Vec::new(),
            }),
        }
    }
    tables
}

/// Shows a settings store with the names of its strings.
fn store(stored: &Stored) -> Container {
    let lines = stored.strings.iter().map(|(name, span)| Line {
        what: name.escape_debug().to_string(),
        at: Some(span.start()),
        right: None,
        more: format!("{} bytes", span.len()),
    });
    Container {
        what: "ESP-IDF settings store".to_owned(),
        span: Some(stored.span),
        lines: lines.collect(),
        advice: vec![vec![
            "nvs = { namespace = \"...\", key = \"...\" } in a [[slot]]".to_owned(),
        ]],
    }
}

/// Returns the smallest span around `spans`.
fn hull(spans: impl Iterator<Item = Span>) -> Option<Span> {
    spans.reduce(|a, b| {
        let (start, end) = (a.start().min(b.start()), a.end().max(b.end()));
        Span::between(start, end).unwrap_or(a)
    })
}

/// Writes the lines of one container.
fn put_container(container: &Container, indent: usize, lines: &mut Vec<String>) {
    let blank = " ".repeat(indent);
    let place = container.span.map(|span| format!(" at {span}"));
    lines.push(format!(
        "{blank}{}{}",
        container.what,
        place.unwrap_or_default()
    ));
    let widths = container.lines.iter().map(|line| line.what.chars().count());
    let width = widths.max().unwrap_or_default();
    for line in &container.lines {
        let at = line.at.map(|at| format!("  {at}")).unwrap_or_default();
        let state = match line.right {
            Some(true) => format!("  {GOOD}right{GOOD:#}{}", line.more),
            Some(false) => format!("  {BAD}wrong{BAD:#}{}", line.more),
            None => format!("  {}", line.more),
        };
        lines.push(format!("{blank}  {:<width$}{at}{state}", line.what));
    }
    let room = WIDTH.saturating_sub(INDENT + indent + 2);
    for advice in container.advice.iter().flatten() {
        for part in parts(advice, room) {
            lines.push(format!("{blank}  {DIM}{part}{DIM:#}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use eol_inject::checksum;
    use eol_inject::image::{Hint, Image, partitions};
    use eol_inject::slot;

    use super::*;

    fn shown(bytes: Vec<u8>, base: u64) -> Vec<String> {
        let hint = Hint {
            base: Some(Address::new(base)),
            ..Hint::default()
        };
        let image = Image::read(bytes, hint).unwrap();
        let findings = checksum::findings(&image);
        let partitions = partitions(&image);
        lines(&findings, &partitions, &slot::stores(&image))
            .iter()
            .map(|line| anstream::adapter::strip_str(line).to_string())
            .collect()
    }

    const SIGNED: &[u8] = include_bytes!("../../fixtures/images/mcuboot-signed.bin");

    #[test]
    fn fields_of_one_container_stand_together_with_one_piece_of_advice() {
        let wanted = [
            "MCUboot image at 0x0000c000..0x0000d0f4",
            "  SHA-256            0x0000d06c  right",
            "  Ed25519 signature  0x0000d0b4  right",
            "  [[checksum]]",
            "  kind = \"mcuboot\"",
            "  key = \"<file>.pem\"",
        ];
        assert_eq!(shown(SIGNED.to_vec(), 0xC000), wanted);
    }

    #[test]
    fn what_lies_inside_of_something_else_stands_below_it() {
        // A DFU suffix around a signed image whose hash is wrong.
        let mut file = SIGNED.to_vec();
        file[0x100] ^= 1;
        file.extend([0xFF; 6]);
        file.extend([0x00, 0x01, b'U', b'F', b'D', 16]);
        let crc = crc::Crc::<u32>::new(&crc::CRC_32_JAMCRC).checksum(&file);
        file.extend(crc.to_le_bytes());
        let lines = shown(file, 0);
        assert!(
            lines[0] == "DFU file at 0x00000000..0x00001104",
            "{lines:?}"
        );
        assert!(lines[1].starts_with("  CRC-32"), "{lines:?}");
        let inner = lines
            .iter()
            .position(|line| line.starts_with("  MCUboot image at "));
        let inner = inner.unwrap();
        assert!(lines[inner + 1].ends_with("wrong"), "{lines:?}");
        assert!(lines[inner + 1].starts_with("    SHA-256"), "{lines:?}");
    }

    #[test]
    fn a_settings_store_is_shown_by_the_names_in_it() {
        let store = include_bytes!("../../fixtures/images/nvs-esp.bin");
        let wanted = [
            "ESP-IDF settings store at 0x00009000..0x0000b000",
            "  storage/apn          0x00009060  64 bytes",
            "  storage/blynk_token  0x000090a0  96 bytes",
            "  other/blynk_token    0x00009140  96 bytes",
            "  nvs = { namespace = \"...\", key = \"...\" } in a [[slot]]",
        ];
        assert_eq!(shown(store.to_vec(), 0x9000), wanted);
    }

    #[test]
    fn long_words_of_advice_keep_to_the_terminal() {
        let text = "a".repeat(30) + " " + &"b".repeat(30) + " " + &"c".repeat(90);
        let lines = parts(&text, 66);
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[0].len(), 61);
    }
}
