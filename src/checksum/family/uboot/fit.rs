//! Flattened image trees: hashes of images inside the tree and behind it.
//!
//! Source: U-Boot `doc/usage/fit/source_file_format.rst` and `boot/image-fit.c`. A hash covers
//! the data of its image; a signature covers data, or, in a configuration, the hashes.

use std::collections::BTreeMap;
use std::ops::Range;

use super::effort::{Effort, PACK, too_much};
use super::nodes::{Configuration, HashNode, Nodes, Part};
use super::tree;
use crate::checksum::compute::digest::Hash;
use crate::checksum::finding::{Finding, Formula};
use crate::image::structure::{part, run_of, stored, take};
use crate::image::{Address, Image, Span};
use crate::recipe::Kind;

const SIGN: &str = "sign the unit's FIT behind this step with mkimage";
const CIPHER: &str = "patch the file that is packed, and cipher it behind this step with mkimage";
/// Characters of a node's name in messages.
const SHOWN: usize = 40;

/// A FIT in an image.
struct Fit<'i> {
    image: &'i Image,
    base: Address,
    /// The tree: nodes, and data that are embedded.
    tree: Span,
}

/// Finds all FITs, and the fields of each.
pub(super) fn findings(image: &Image, effort: &mut Effort) -> Vec<Finding> {
    let mut findings = Vec::new();
    for base in image.find(&tree::MAGIC) {
        let head = take(image, base, 0);
        let total = head.and_then(|head| tree::total(&head)).map(length);
        let Some(tree) = total.and_then(|total| stored(image, base, 0, total)) else {
            continue;
        };
        if !effort.allows(tree.len()) {
            findings.extend(too_much(image, "devicetrees"));
            return findings;
        }
        let fit = Fit { image, base, tree };
        let Ok(bytes) = image.bytes(tree) else {
            continue;
        };
        let Some(nodes) = Nodes::read(&bytes) else {
            continue;
        };
        match fit.fields(&nodes, effort) {
            Some(fields) => findings.extend(fields),
            None => {
                findings.extend(too_much(image, "hashes of FITs"));
                return findings;
            }
        }
    }
    findings
}

impl Fit<'_> {
    /// Lists all fields; `None` where there is more to read than any FIT has.
    fn fields(&self, nodes: &Nodes<'_>, effort: &mut Effort) -> Option<Vec<Finding>> {
        let mut fields = Vec::new();
        let mut covered: BTreeMap<&[u8], Vec<Span>> = BTreeMap::new();
        for image in &nodes.parts {
            let Some(data) = self.data(image) else {
                continue;
            };
            let data = match data {
                Ok(data) => data,
                Err(says) => {
                    fields.extend(self.cut_off(says));
                    continue;
                }
            };
            let spans = covered.entry(image.name).or_default();
            spans.push(data);
            for node in &image.hashes {
                if !effort.allows(data.len()) {
                    return None;
                }
                let Some(field) = self.hash(image, node, data) else {
                    continue;
                };
                spans.extend(&field.at);
                fields.push(field);
            }
            fields.extend(self.packed(image, data));
        }
        let signed = nodes.configurations.iter().filter(|one| one.signed);
        fields.extend(signed.map(|one| self.signature(one, &covered)));
        // Once for all fields of the FIT.
        if let Some(first) = fields.first_mut() {
            first.frame = self.frame(nodes);
        }
        Some(fields)
    }

    /// Returns where an image's data are stored, or how long the FIT would have to be.
    ///
    /// `data-position` goes before `data-offset`, and both before `data`.
    fn data(&self, image: &Part<'_>) -> Option<Result<Span, u64>> {
        let behind = self.tree.len().checked_next_multiple_of(4)?;
        let outside = match (image.position, image.offset) {
            (Some(position), _) => Some(position),
            (None, Some(offset)) => Some(behind.checked_add(offset)?),
            (None, None) => None,
        };
        let Some(start) = outside else {
            return self.within(image.data.as_ref()?).map(Ok);
        };
        let size = image.size.filter(|size| *size > 0)?;
        let data = stored(self.image, self.base, start, size);
        Some(data.ok_or(start.checked_add(size)?))
    }

    /// Returns the load addresses of a part of the tree.
    fn within(&self, range: &Range<usize>) -> Option<Span> {
        part(self.base, length(range.start), length(range.len()))
    }

    fn cut_off(&self, says: u64) -> Option<Finding> {
        let run = run_of(self.image, self.base)?;
        let there = run.end().get().checked_sub(self.base.get())?;
        let covers = part(self.base, 0, there)?;
        let what = format!("FIT at {}", self.base);
        (says > there).then(|| Finding::cut_off(covers, what, says))
    }

    /// Judges one hash; none where it has no value yet.
    fn hash(&self, image: &Part<'_>, node: &HashNode<'_>, data: Span) -> Option<Finding> {
        let value = node.value.as_ref()?;
        let algorithm = node.algorithm?;
        let at = self.within(value)?;
        let known = formula(algorithm);
        let Some((formula, what)) = known.filter(|_| at.intersection(data).is_none()) else {
            let text = self.text(image.name, &format!("hash by {}", shown(algorithm)));
            let mut finding = Finding::refused(data, text, PACK);
            finding.signed = false;
            return Some(finding);
        };
        let field = Finding::computed(Kind::Fit, vec![data], at, formula);
        let field = match formula {
            Formula::Crc(_) => field.big_endian(),
            _ => field,
        };
        let field = field.named(self.text(image.name, what));
        // A value of another length is none that U-Boot takes.
        let length = field.checksum(0)?.engine.len();
        (u64::from(length) == at.len())
            .then(|| field.judged(self.image))
            .flatten()
    }

    /// Names what nothing here can make again.
    fn packed(&self, image: &Part<'_>, data: Span) -> impl Iterator<Item = Finding> {
        let ways = [
            (image.signed, "signature", SIGN),
            (image.ciphered, "ciphered data", CIPHER),
            (image.compressed, "compressed data", PACK),
        ];
        let texts = ways.map(|(is, what, next)| is.then(|| (self.text(image.name, what), next)));
        let texts = texts.into_iter().flatten();
        texts.map(move |(text, next)| Finding::refused(data, text, next))
    }

    /// Describes the signature of a configuration: it covers hashes, and through them data.
    fn signature(
        &self,
        configuration: &Configuration<'_>,
        covered: &BTreeMap<&[u8], Vec<Span>>,
    ) -> Finding {
        let text = format!(
            "FIT at {}: configuration {}: signature",
            self.base,
            shown(configuration.name)
        );
        let mut finding = Finding::refused(self.tree, text, SIGN);
        let named = configuration.images.iter();
        let named = named.filter_map(|name| covered.get(name.as_slice()));
        let spans: Vec<Span> = named.flatten().copied().collect();
        // One that names no image here is taken to cover all of the tree.
        if !spans.is_empty() {
            finding.covers = spans;
        }
        finding
    }

    /// Returns the tree without the data that are embedded in it.
    fn frame(&self, nodes: &Nodes<'_>) -> Vec<Span> {
        let mut frame = Vec::new();
        let mut next = self.tree.start();
        let data = nodes.parts.iter().filter_map(|image| image.data.as_ref());
        for data in data.filter_map(|range| self.within(range)) {
            frame.extend(Span::between(next, data.start()));
            next = data.end();
        }
        frame.extend(Span::between(next, self.tree.end()));
        frame
    }

    fn text(&self, image: &[u8], what: &str) -> String {
        format!("FIT at {}: image {}: {what}", self.base, shown(image))
    }
}

/// Returns what U-Boot computes by a name, and how people call it (`boot/image-fit.c`,
/// `calculate_hash`). CRCs are stored with their highest byte first.
fn formula(algorithm: &[u8]) -> Option<(Formula, &'static str)> {
    let hash = |hash: Hash| (Formula::Hash(hash), hash.name());
    Some(match algorithm {
        b"crc32" => (Formula::Crc("CRC-32/ISO-HDLC"), "CRC-32"),
        b"crc16-ccitt" => (Formula::Crc("CRC-16/XMODEM"), "CRC-16"),
        b"md5" => hash(Hash::Md5),
        b"sha1" => hash(Hash::Sha1),
        b"sha256" => hash(Hash::Sha256),
        b"sha384" => hash(Hash::Sha384),
        b"sha512" => hash(Hash::Sha512),
        _ => return None,
    })
}

/// Writes a name that the file gives, so that it cannot upset a terminal.
fn shown(name: &[u8]) -> String {
    name.iter()
        .take(SHOWN)
        .copied()
        .collect::<Vec<u8>>()
        .escape_ascii()
        .to_string()
}

fn length(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}
