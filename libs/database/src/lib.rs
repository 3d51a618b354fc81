//! Databases on SQLite and PostgreSQL: opening, transactions that write, failures that pass, and migrations.
//!
//! auth-graph, the client library and the client service share it. Tables and queries belong to them and not here.

mod connect;
mod failure;
mod migrations;
mod transaction;

pub use connect::{Bounds, Commits, connect};
pub use failure::{describe_connect_error, is_unavailable};
pub use migrations::{Migrations, is_newer, pending_migrations};
pub use transaction::{begin, has_one_writer};
