//! Everything that covers a slot, and making it true again.
//!
//! [`Plan::prove`] resolves the recipe's checksums against an image, orders them inner
//! before outer and shows that the untouched image satisfies them. [`crate::seal`] is the only
//! way from a patched image to one that may be delivered. A signature is no checksum: it is
//! made again with a key that the recipe names, or refused.

mod compute;
mod detect;
mod error;
mod family;
mod feed;
mod field;
mod finding;
mod hint;
mod order;
mod plan;
mod range;
mod resolve;
mod stamp;
mod value;

pub use error::{ChecksumError, Hint};
pub use family::findings;
pub use field::{Checksum, State};
pub use finding::Finding;
pub use plan::Plan;
pub use resolve::fields;
pub(crate) use stamp::Stamps;
pub use value::Value;
