//! A page as plain text of 80 columns.

use pulldown_cmark::HeadingLevel;

use super::page::Block;
use crate::cli::wrap::{COLUMNS, hung, width};

/// Columns before everything but headings.
const INDENT: usize = 4;

/// Writes a page down.
pub(super) fn text(blocks: &[Block]) -> String {
    let mut out = String::new();
    let mut in_list = false;
    for block in blocks {
        let is_item = matches!(block, Block::Item(_, mark, _) if !mark.is_empty());
        let follows = is_item && in_list;
        if !out.is_empty() && !follows {
            out.push('\n');
        }
        in_list = is_item;
        match block {
            Block::Heading(HeadingLevel::H1, text) => {
                out.push_str(&format!("{}\n", text.to_uppercase()));
            }
            Block::Heading(HeadingLevel::H2, text) => out.push_str(&format!("{text}\n")),
            Block::Heading(_, text) => out.push_str(&format!("  {text}\n")),
            Block::Paragraph(text) => put(&mut out, INDENT, "", text),
            Block::Item(depth, mark, text) => {
                // A further paragraph of an entry stands behind where its mark would be.
                let behind = usize::from(mark.is_empty()).saturating_mul(3);
                let before = depth.saturating_mul(2).saturating_add(behind);
                put(&mut out, INDENT.saturating_add(before), mark, text);
            }
            Block::Code(text) => {
                for line in text.lines() {
                    let line = format!("{:1$}{line}", "", INDENT.saturating_mul(2));
                    out.push_str(line.trim_end());
                    out.push('\n');
                }
            }
            Block::Table(head, rows) => table(&mut out, head, rows),
        }
    }
    out
}

/// Puts words behind an indent and a mark; further lines hang behind the mark.
fn put(out: &mut String, indent: usize, mark: &str, text: &str) {
    let before = match mark {
        "" => " ".repeat(indent),
        mark => format!("{:indent$}{mark} ", ""),
    };
    let hang = " ".repeat(width(&before));
    out.push_str(&hung(&format!("{before}{text}"), COLUMNS, &hang));
    out.push('\n');
}

/// Puts a table down: in columns where they fit, else each row as a term with what it means.
fn table(out: &mut String, head: &[String], rows: &[Vec<String>]) {
    let all = || std::iter::once(head).chain(rows.iter().map(Vec::as_slice));
    let widths: Vec<usize> = (0..head.len())
        .map(|column| {
            all()
                .filter_map(|row| row.get(column))
                .map(|cell| width(cell))
                .max()
        })
        .map(Option::unwrap_or_default)
        .collect();
    let whole: usize = widths.iter().map(|width| width.saturating_add(2)).sum();
    if whole.saturating_add(INDENT) <= COLUMNS {
        for row in all() {
            let cells = row.iter().zip(&widths);
            let line: String = cells
                .map(|(cell, width)| format!("{cell:<width$}  "))
                .collect();
            out.push_str(&format!("{:INDENT$}{}\n", "", line.trim_end()));
        }
        return;
    }
    for row in rows {
        let Some((term, meanings)) = row.split_first() else {
            continue;
        };
        put(out, INDENT, "", term);
        for (name, meaning) in head.iter().skip(1).zip(meanings) {
            // With one column there is nothing to mix it up with.
            let name = if meanings.len() > 1 {
                format!("{name}:")
            } else {
                String::new()
            };
            put(out, INDENT.saturating_mul(2), &name, meaning);
        }
    }
}
