//! Where a ledger's rows are: in memory, in a SQLite file, on a PostgreSQL server. No rule is in here.
//!
//! SQL is written once for both servers, in one file a concern. The folder of a server has what only
//! that one needs: how it is opened, waited for, locked, and told its faults from.

#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod audit;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod events;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod facts;
mod frame;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod imports;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod keys;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod known;
#[cfg(feature = "seal")]
pub mod notary;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod parts;
#[cfg(feature = "postgres")]
pub mod postgres;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod rotate;
pub mod rows;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod schema;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod secrets;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod sql;
#[cfg(feature = "sqlite")]
pub mod sqlite;
pub mod tables;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod tokens;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod units;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod view;
