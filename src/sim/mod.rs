//! The simulated target: a board behind probe-rs' own probe trait, for lines without hardware.
//!
//! Whatever flashes a real unit flashes this one: probe-rs attaches through a simulated debug port,
//! downloads its real flash algorithm for the chip, and an interpreter runs that on a model of the
//! flash controller. Nothing above [`open`] can tell the difference, but for the probe's name
//! (`SIMULATED probe`) and the chip's unique ID ([`Uid::is_simulated`]).
//!
//! ```text
//!  probe-rs ─▶ probe ─▶ board ─▶ dp ─▶ mem_ap ─▶ core_debug ─▶ thumb ─┐
//!  foreign ─▶ glasgow ─┘                  └────────▶ chip ◀───────────┘
//!                                                     └─▶ controller ─▶ nor
//! ```
//!
//! # Use
//! ```
//! use eol_inject::sim::{self, Shelf, Spec};
//!
//! # let folder = tempfile::tempdir()?;
//! let spec: Spec = "sim:nRF52840_xxAA,fault=wait-every:100".parse()?;
//! let chip = spec.chip.ok_or("the recipe's chip")?;
//! let held = Shelf::new(folder.path()).take(chip, "GW000001")?;
//! if held.is_new() {
//!     held.board().lock().preload(0, b"the common firmware")?;
//! }
//! spec.equip(&mut held.board().lock());
//! let mut session = sim::open(held.board()).attach(chip.name, Default::default())?;
//! // Flash and read back as with any probe; then let the unit boot.
//! session.core(0)?.reset()?;
//! drop(session);
//! held.save()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What the model is not
//! A green run shows that our use of probe-rs and the real algorithm is right, not that a board is.
//! - No interrupts and no exceptions: a fault is a lockup. No FPU, no wait states, no caches.
//! - The application is not interpreted; a closure can stand in for it ([`Board::on_boot`]).
//! - Half-programmed cells are pseudo-random, repeatable for the same board and cut; real ones can also be
//!   marginal, and read differently twice. There is no wear, and no limit of writes per word.
//! - Option bytes can be read but, except on STM32F0 and F1, not programmed; OTP is blank. Clearing
//!   the read-out protection of an STM32 is not modelled.
//! - One core, SWD only: no JTAG, no multidrop, no TrustZone, none of ST-Link's own protocol.

mod board;
mod chip;
mod fault;
mod glasgow;
mod nor;
mod probe;
mod seed;
mod spec;
mod state;
pub mod thumb;
mod uid;

pub use crate::target::probe::{StopSignal, Stopped, guard, prepare_under_reset};
pub use board::{Board, Boot, OutsideFlash, SharedBoard, Statistics};
pub use chip::Model;
pub use fault::{Fault, FaultError};
pub use glasgow::Server;
pub use nor::{Pace, PowerCut};
pub use probe::open;
pub use spec::{Spec, SpecError};
pub use state::{Held, Shelf, StateError};
pub use uid::{Uid, UidError};
