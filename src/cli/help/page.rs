//! A page of `docs/`, as the blocks that text and manual pages are made from.

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

/// A part of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Block {
    /// A heading; 1 is the page's own.
    Heading(HeadingLevel, String),
    /// Words.
    Paragraph(String),
    /// An entry of a list, with what stands before it, inside so many other lists.
    Item(usize, String, String),
    /// Lines that stay as they are.
    Code(String),
    /// A table: what its columns are called, and its rows.
    Table(Vec<String>, Vec<Vec<String>>),
}

/// Reads a page, or the part of it under one heading.
pub(super) fn read(markdown: &str, part: Option<&str>) -> Vec<Block> {
    let mut reader = Reader::default();
    for event in Parser::new_ext(markdown, Options::ENABLE_TABLES) {
        reader.take(event);
    }
    match part {
        None => reader.blocks,
        Some(title) => under(reader.blocks, title),
    }
}

/// Keeps a heading and what belongs to it.
fn under(blocks: Vec<Block>, title: &str) -> Vec<Block> {
    let mut level = None;
    let mut kept = Vec::new();
    for block in blocks {
        if let Block::Heading(found, text) = &block {
            level = match level {
                Some(level) if *found > level => Some(level),
                _ => (text == title).then_some(*found),
            };
        }
        if level.is_some() {
            kept.push(block);
        }
    }
    kept
}

#[derive(Default)]
struct Reader {
    blocks: Vec<Block>,
    /// Words of the block under work.
    text: String,
    /// The number of the next entry of each open list, where it counts.
    lists: Vec<Option<u64>>,
    /// What stands before the entry under work, until its words are there.
    mark: Option<String>,
    /// Where the text of a link begins, and the page that it leads to.
    link: Option<(usize, String)>,
    head: Vec<String>,
    row: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Reader {
    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) => self.text.push_str(&text),
            Event::Code(code) => self.text.push_str(&format!("`{code}`")),
            Event::SoftBreak | Event::HardBreak => self.text.push(' '),
            _ => {}
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::List(first) => {
                self.words();
                self.lists.push(first);
            }
            Tag::Item => {
                let mark = match self.lists.last_mut() {
                    Some(Some(number)) => {
                        let mark = format!("{number}.");
                        *number = number.saturating_add(1);
                        mark
                    }
                    _ => "-".to_owned(),
                };
                self.mark = Some(mark);
            }
            Tag::CodeBlock(CodeBlockKind::Fenced(_) | CodeBlockKind::Indented) => self.words(),
            Tag::Link { dest_url, .. } => {
                self.link = Some((self.text.len(), dest_url.into_string()));
            }
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Heading(level) => {
                let text = std::mem::take(&mut self.text);
                self.blocks.push(Block::Heading(level, text));
            }
            TagEnd::Paragraph | TagEnd::Item => self.words(),
            TagEnd::List(_) => {
                self.lists.pop();
            }
            TagEnd::CodeBlock => {
                let text = std::mem::take(&mut self.text);
                self.blocks.push(Block::Code(text.trim_end().to_owned()));
            }
            TagEnd::Link => self.lead(),
            TagEnd::TableCell => self.row.push(std::mem::take(&mut self.text)),
            TagEnd::TableHead => self.head = std::mem::take(&mut self.row),
            TagEnd::TableRow => self.rows.push(std::mem::take(&mut self.row)),
            TagEnd::Table => {
                let head = std::mem::take(&mut self.head);
                let rows = std::mem::take(&mut self.rows);
                self.blocks.push(Block::Table(head, rows));
            }
            _ => {}
        }
    }

    /// Ends a block of words.
    fn words(&mut self) {
        let text = std::mem::take(&mut self.text);
        if text.is_empty() {
            return;
        }
        self.blocks
            .push(match (self.mark.take(), self.lists.len()) {
                (Some(mark), depth) => Block::Item(depth.saturating_sub(1), mark, text),
                (None, 0) => Block::Paragraph(text),
                (None, depth) => Block::Item(depth.saturating_sub(1), String::new(), text),
            });
    }

    /// Says where another page is found here.
    fn lead(&mut self) {
        let Some((start, target)) = self.link.take() else {
            return;
        };
        let file = target.split('#').next().unwrap_or_default();
        let named = self
            .text
            .get(start..)
            .is_some_and(|text| text.ends_with(".md"));
        if let (Some(page), true) = (file.strip_suffix(".md"), named) {
            let page = page.rsplit('/').next().unwrap_or(page);
            self.text.truncate(start);
            self.text.push_str(&format!("eol-inject help {page}"));
        }
    }
}
