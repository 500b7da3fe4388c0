//! One unit's checksums from the difference to the Master alone.
//!
//! What does not depend on the unit is done once: each checksum's value over the untouched
//! image, and what a changed byte is worth at each place that may change. A CRC is linear, sums
//! add, and a digest goes on from the state in front of the first such place, so a unit costs
//! its own bytes, whatever the image's size; only a digest costs what stands behind its slot.
//! [`Checksum::compute`] stays the definition: offline proof never comes through here.

mod linear;
mod sum;
mod window;

use zeroize::Zeroizing;

use crate::checksum::compute::digest::Running;
use crate::checksum::compute::sign::Message;
use crate::checksum::error::ChecksumError;
use crate::checksum::feed::Feed;
use crate::checksum::field::{Checksum, Engine};
use crate::checksum::plan::Plan;
use crate::image::{Edits, Image, Span};
use linear::Linear;
use sum::Weighted;
use window::Windows;

/// What every unit's checksums start from, in the order of the plan.
#[derive(Debug)]
pub(crate) struct Stamps(Vec<Stamp>);

/// One checksum of the untouched image, ready to follow a change.
#[derive(Debug)]
struct Stamp {
    windows: Windows,
    way: Way,
}

#[derive(Debug)]
enum Way {
    Crc(u128, Linear),
    Sum(u128, Weighted),
    /// The state in front of the first window, and what is fed from there on.
    Hash(Box<Running>, Feed),
    /// A signature over the bytes themselves takes them all.
    Whole,
}

impl Stamps {
    /// Reads the untouched image once for each checksum; only `changes` may ever change.
    ///
    /// # Errors
    /// [`ChecksumError::Image`] for another image than the plan was made for.
    pub(crate) fn new(image: &Image, plan: &Plan, changes: &[Span]) -> Result<Self, ChecksumError> {
        let checksums = plan.checksums().iter();
        checksums
            .map(|checksum| Stamp::new(image, checksum, changes))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Computes a field's bytes: the checksum at `index` of the plan, of `image` with `edits` in
    /// it, which change nothing but what the stamps were made for.
    ///
    /// # Errors
    /// As [`Checksum::compute`].
    pub(crate) fn field(
        &self,
        index: usize,
        checksum: &Checksum,
        image: &Image,
        edits: &Edits,
    ) -> Result<Vec<u8>, ChecksumError> {
        match self.0.get(index) {
            Some(stamp) => stamp.field(checksum, image, edits),
            None => checksum.compute(image, edits),
        }
    }
}

impl Stamp {
    fn new(image: &Image, checksum: &Checksum, changes: &[Span]) -> Result<Self, ChecksumError> {
        let feed = &checksum.feed;
        let windows = Windows::of(image, feed, changes);
        let windows = windows.map_err(|error| checksum.broken(error))?;
        let way = match &checksum.engine {
            Engine::Crc(crc) | Engine::Esp8266(crc) => {
                let value = crc.value(&mut |take| feed.each(image, &Edits::new(), take));
                let value = value.map_err(|error| checksum.broken(error))?;
                Way::Crc(value, Linear::new(crc.shape(), &windows))
            }
            Engine::Sum(sum) => {
                let value = sum.value(&mut |take| feed.each(image, &Edits::new(), take));
                let value = value.map_err(|error| checksum.broken(error))?;
                Way::Sum(value, Weighted::new(*sum, &windows))
            }
            Engine::Hash(hash) => Self::hash(hash.start(), image, checksum, &windows)?,
            Engine::Sign(signature) => match signature.scheme.message {
                Message::Digest(hash) => Self::hash(hash.start(), image, checksum, &windows)?,
                Message::Whole => Way::Whole,
            },
        };
        Ok(Self { windows, way })
    }

    /// Hashes what no unit changes: all in front of the first window.
    fn hash(
        mut running: Running,
        image: &Image,
        checksum: &Checksum,
        windows: &Windows,
    ) -> Result<Way, ChecksumError> {
        let (head, tail) = checksum.feed.split(windows.first());
        head.each(image, &Edits::new(), &mut |bytes| running.update(bytes))
            .map_err(|error| checksum.broken(error))?;
        Ok(Way::Hash(Box::new(running), tail))
    }

    fn field(
        &self,
        checksum: &Checksum,
        image: &Image,
        edits: &Edits,
    ) -> Result<Vec<u8>, ChecksumError> {
        let mut new = Zeroizing::new(Vec::with_capacity(self.windows.longest()));
        match &self.way {
            Way::Crc(value, linear) => {
                let change = linear.change(&self.windows, edits, &mut new);
                Ok(checksum.finish(value ^ change))
            }
            Way::Sum(value, weighted) => {
                let value = weighted.follow(*value, &self.windows, edits, &mut new);
                Ok(checksum.finish(value))
            }
            Way::Hash(running, tail) => {
                let mut running = running.clone();
                tail.each(image, edits, &mut |bytes| running.update(bytes))
                    .map_err(|error| checksum.broken(error))?;
                checksum.of_digest(running.finish())
            }
            Way::Whole => checksum.compute(image, edits),
        }
    }
}

#[cfg(test)]
mod tests;
