//! The simulated chips, and the controllers of their flash.

mod controller;
pub(crate) mod ctrl_ap;
mod fpec;
mod memory;
mod model;
mod models;
mod nvmc;
mod stm32f4;
mod stm32l4;

pub(crate) use controller::{NonVolatile, flag};
pub(crate) use memory::{Chip, Master};
pub use model::Model;
pub(crate) use model::Protection;
