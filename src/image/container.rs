//! An image: the container as it came, and where its bytes are loaded.

use std::ops::Range;
use std::sync::Arc;

use super::extent::Extent;
use super::machine::Machine;
use super::names::Names;
use super::records::Records;
use super::uf2::Blocks;
use super::{Format, Span};

/// A firmware image: the container as it came, and where its bytes are loaded.
#[derive(Debug, Clone)]
pub struct Image {
    pub(super) format: Format,
    pub(super) container: Arc<[u8]>,
    /// Loaded bytes of a text format; in the others they stand in the container.
    pub(super) decoded: Option<Arc<[u8]>>,
    /// In order of address, not overlapping.
    pub(super) extents: Vec<Extent>,
    pub(super) names: Names,
    pub(super) machine: Option<Machine>,
    /// How each loaded byte of a HEX or S-record file is written.
    pub(super) records: Option<Records>,
    /// What stands beside the loaded bytes of a UF2.
    pub(super) blocks: Option<Blocks>,
    /// What the second reader saw beside loaded bytes.
    pub(super) beside: Beside,
}

/// What the second reader found beside loaded bytes, in a format where these do not simply
/// stand in the container.
#[derive(Debug, Clone, Default)]
pub(crate) struct Beside {
    /// The container without the bytes, sums and right digests that a patch changes.
    pub rest: Option<Arc<[u8]>>,
    /// Blocks, counted from 0, whose MD5 is not that of its bytes.
    pub stale: Vec<usize>,
}

/// What another reader found in a container.
#[derive(Debug, Default)]
pub(crate) struct Parts {
    /// Where bytes are loaded, and where they stand: in order of address, not overlapping.
    pub extents: Vec<(Span, Range<usize>)>,
    /// What `extents` point into, where that is not the container.
    pub decoded: Option<Vec<u8>>,
    pub names: Names,
    pub machine: Option<Machine>,
    pub beside: Beside,
}

impl Image {
    /// Puts together what another reader found; a HEX, S-record or UF2 image made like this
    /// cannot be rendered.
    pub(crate) fn from_parts(format: Format, container: Vec<u8>, parts: Parts) -> Self {
        let extents = parts.extents.into_iter();
        Self {
            format,
            container: container.into(),
            decoded: parts.decoded.map(Into::into),
            extents: extents.map(|(span, at)| Extent { span, at }).collect(),
            names: parts.names,
            machine: parts.machine,
            records: None,
            blocks: None,
            beside: parts.beside,
        }
    }

    /// Returns the container's format.
    #[must_use]
    pub const fn format(&self) -> Format {
        self.format
    }

    /// Returns what the header says about the machine; only ELF does.
    #[must_use]
    pub const fn machine(&self) -> Option<&Machine> {
        self.machine.as_ref()
    }

    /// Returns the container, byte for byte as it came.
    #[must_use]
    pub fn container(&self) -> &[u8] {
        &self.container
    }

    /// Returns the sections and symbols.
    #[must_use]
    pub const fn names(&self) -> &Names {
        &self.names
    }

    /// Returns what the second reader saw beside loaded bytes.
    pub(crate) const fn beside(&self) -> &Beside {
        &self.beside
    }

    /// Returns the buffer that extents point into.
    pub(super) fn stored(&self) -> &[u8] {
        self.decoded.as_deref().unwrap_or(&self.container)
    }
}
