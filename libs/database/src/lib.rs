//! SQLite and PostgreSQL databases: opening, transactions that write, temporary failures, and migrations.
//!
//! auth-graph, the client library and the client service share this crate. Their tables and queries are not part of it.

mod connect;
mod failure;
mod migrations;
mod transaction;

pub use connect::{Bounds, Commits, connect};
pub use failure::{describe_connect_error, is_conflict, is_unavailable};
pub use migrations::{Migrations, is_newer, pending_migrations};
pub use transaction::{begin, has_one_writer, without_statement_timeout};
