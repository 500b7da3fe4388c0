//! Who a unit is.

mod auth_token;
mod digest;
mod qr_token;
mod serial;
