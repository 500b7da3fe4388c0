//! The nodes of a FIT that say what is checked: images, hashes, signatures, configurations.
//!
//! Source: U-Boot `doc/usage/fit/source_file_format.rst`, `doc/usage/fit/signature.rst`, and
//! `boot/image-fit.c`, which knows the nodes by how their names begin.

use std::collections::BTreeSet;
use std::ops::Range;

use super::tree::{Property, Token, Tokens};

/// An image of the FIT.
#[derive(Default)]
pub(super) struct Part<'t> {
    pub(super) name: &'t [u8],
    /// Where embedded data stand in the tree.
    pub(super) data: Option<Range<usize>>,
    /// From the start of the FIT.
    pub(super) position: Option<u64>,
    /// From the end of the tree.
    pub(super) offset: Option<u64>,
    pub(super) size: Option<u64>,
    pub(super) compressed: bool,
    pub(super) ciphered: bool,
    pub(super) signed: bool,
    pub(super) hashes: Vec<HashNode<'t>>,
}

/// A hash over an image's data.
#[derive(Default)]
pub(super) struct HashNode<'t> {
    pub(super) algorithm: Option<&'t [u8]>,
    /// Where its value stands in the tree.
    pub(super) value: Option<Range<usize>>,
}

/// A configuration, and the images that its signature covers.
#[derive(Default)]
pub(super) struct Configuration<'t> {
    pub(super) name: &'t [u8],
    pub(super) signed: bool,
    /// What it names, and the images below `hashed-nodes`.
    pub(super) images: BTreeSet<Vec<u8>>,
}

/// What a FIT says.
#[derive(Default)]
pub(super) struct Nodes<'t> {
    pub(super) parts: Vec<Part<'t>>,
    pub(super) configurations: Vec<Configuration<'t>>,
}

/// What a node is by its place.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Root,
    Images,
    Image,
    Hash,
    Signature,
    Cipher,
    Configurations,
    Configuration,
    SignedConfiguration,
    Other,
}

impl<'t> Nodes<'t> {
    /// Reads a tree; `None` for a devicetree that is no FIT, or ends too early.
    pub(super) fn read(tree: &'t [u8]) -> Option<Self> {
        let mut nodes = Self::default();
        let mut open: Vec<Place> = Vec::new();
        let mut seen = false;
        for token in Tokens::of(tree)? {
            match token {
                Token::Begin(name) => {
                    let place = nodes.enter(open.last().copied(), name);
                    seen |= place == Place::Images;
                    open.push(place);
                }
                Token::End => {
                    open.pop()?;
                    if open.is_empty() {
                        return seen.then_some(nodes);
                    }
                }
                Token::Property(property) => nodes.property(*open.last()?, &property),
            }
        }
        None
    }

    fn enter(&mut self, around: Option<Place>, name: &'t [u8]) -> Place {
        match around {
            None => Place::Root,
            Some(Place::Root) if name == b"images" => Place::Images,
            Some(Place::Root) if name == b"configurations" => Place::Configurations,
            Some(Place::Images) => {
                self.parts.push(Part {
                    name,
                    ..Part::default()
                });
                Place::Image
            }
            Some(Place::Image) if name.starts_with(b"hash") => {
                if let Some(part) = self.parts.last_mut() {
                    part.hashes.push(HashNode::default());
                }
                Place::Hash
            }
            Some(Place::Image) if name.starts_with(b"signature") => Place::Signature,
            Some(Place::Image) if name.starts_with(b"cipher") => {
                if let Some(part) = self.parts.last_mut() {
                    part.ciphered = true;
                }
                Place::Cipher
            }
            Some(Place::Configurations) => {
                self.configurations.push(Configuration {
                    name,
                    ..Configuration::default()
                });
                Place::Configuration
            }
            Some(Place::Configuration) if name.starts_with(b"signature") => {
                Place::SignedConfiguration
            }
            _ => Place::Other,
        }
    }

    fn property(&mut self, place: Place, property: &Property<'t>) {
        let valued = property.is("value") && !property.value.is_empty();
        match (place, self.parts.last_mut(), self.configurations.last_mut()) {
            (Place::Image, Some(part), _) => part.property(property),
            (Place::Hash, Some(part), _) => {
                let Some(hash) = part.hashes.last_mut() else {
                    return;
                };
                if valued {
                    hash.value = Some(property.at.clone());
                } else if property.is("algo") {
                    hash.algorithm = property.value.split(|byte| *byte == 0).next();
                }
            }
            (Place::Signature, Some(part), _) => part.signed |= valued,
            (Place::Configuration, _, Some(configuration)) => {
                let images = property.strings().map(<[u8]>::to_vec);
                configuration.images.extend(images);
            }
            (Place::SignedConfiguration, _, Some(configuration)) => {
                configuration.signed |= valued;
                if property.is("hashed-nodes") {
                    let images = property.strings().filter_map(|path| {
                        let below = path.strip_prefix(b"/images/")?;
                        below.split(|byte| *byte == b'/').next()
                    });
                    configuration.images.extend(images.map(<[u8]>::to_vec));
                }
            }
            _ => {}
        }
    }
}

impl<'t> Part<'t> {
    fn property(&mut self, property: &Property<'t>) {
        if property.is("data") {
            self.data = Some(property.at.clone());
        } else if property.is("data-position") {
            self.position = property.number();
        } else if property.is("data-offset") {
            self.offset = property.number();
        } else if property.is("data-size") {
            self.size = property.number();
        } else if property.is("compression") {
            let none: [&[u8]; 2] = [b"none\0", b""];
            self.compressed = !none.contains(&property.value);
        }
    }
}
