//! Where a ledger's rows are: in memory, in a SQLite file, on a PostgreSQL server. No rule is in here.

#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod inspection;
pub mod memory;
#[cfg(feature = "seal")]
pub mod notary;
#[cfg(feature = "postgres")]
pub mod postgres;
#[cfg(feature = "sqlite")]
pub mod sqlite;
pub mod tables;
