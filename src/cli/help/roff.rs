//! A page as a manual page.

use clap_mangen::roff::{Roff, roman};
use pulldown_cmark::HeadingLevel;

use super::page::Block;

/// Writes a page down as `title(section)`; `about` is its line in lists of manual pages.
pub(super) fn page(title: &str, section: &str, about: &str, blocks: &[Block]) -> String {
    let mut roff = Roff::new();
    roff.control("TH", [title, section]);
    roff.control("SH", ["NAME"]);
    roff.text([roman(format!("{title} - {about}"))]);
    roff.control("SH", ["DESCRIPTION"]);
    for block in blocks {
        put(&mut roff, block);
    }
    roff.to_roff()
}

fn put(roff: &mut Roff, block: &Block) {
    match block {
        // The page has its name already.
        Block::Heading(HeadingLevel::H1, _) => {}
        Block::Heading(HeadingLevel::H2, text) => {
            roff.control("SH", [text.as_str()]);
        }
        Block::Heading(_, text) => {
            roff.control("SS", [text.as_str()]);
        }
        Block::Paragraph(text) => {
            roff.control("PP", []).text([roman(text)]);
        }
        Block::Item(depth, mark, text) => {
            let indent = depth.saturating_add(1).saturating_mul(4).to_string();
            roff.control("IP", [mark.as_str(), &indent])
                .text([roman(text)]);
        }
        Block::Code(text) => code(roff, text),
        Block::Table(head, rows) => {
            for row in rows {
                entry(roff, head, row);
            }
        }
    }
}

/// Puts lines down as they are.
pub(crate) fn code(roff: &mut Roff, text: &str) {
    roff.control("PP", [])
        .control("RS", ["4"])
        .control("nf", []);
    for line in text.lines() {
        roff.text([roman(line)]);
    }
    roff.control("fi", []).control("RE", []);
}

/// Puts a row of a table down: a term, and what it means.
fn entry(roff: &mut Roff, head: &[String], row: &[String]) {
    let Some((term, meanings)) = row.split_first() else {
        return;
    };
    roff.control("TP", []).text([roman(term)]);
    for (name, meaning) in head.iter().skip(1).zip(meanings) {
        if meanings.len() > 1 {
            roff.text([roman(format!("{name}: {meaning}"))])
                .control("br", []);
        } else {
            roff.text([roman(meaning)]);
        }
    }
}
