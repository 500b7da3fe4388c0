//! The simulated target, driven through unmodified probe-rs as a real unit is.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]
#![allow(clippy::cast_possible_truncation, missing_docs)]

mod rig; // What the tests share: chips, images, attach, write.

mod chips; // Every chip is flashed, verified and read back by its real algorithm.
mod controllers; // What a flash controller refuses.
mod faults; // Faults of link, fixture and cells end in probe-rs' own errors.
mod glasgow; // Foreign probe-rs programs reach a board over TCP.
mod interpreter; // The interpreter against an independent one.
mod parallel; // Several boards at a time.
mod power; // What a power cut leaves behind.
mod session; // Attach under reset, stop, boot, lock.
mod spec; // The text form and its errors.
mod state; // Boards survive in files.
