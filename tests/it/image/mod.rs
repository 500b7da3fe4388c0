//! Containers: what they load, and what changes in them.

mod address;
mod bin;
mod blnkinf;
mod convert;
mod edits;
mod find;
mod hex;
mod srec;
mod uf2;
