//! Lists of tokens and serials that are made here.

mod request;
mod sheet;
mod table;
