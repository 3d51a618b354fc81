//! SQLite and PostgreSQL databases: opening, transactions that write, temporary failures, and migrations.
//!
//! auth-graph, the client library and the client service share this crate. Their tables and queries are not part of it.

mod connect;
mod failure;
mod migrations;
mod read_only;
mod sqlite_file;
mod transaction;
mod url;

pub use connect::{Bounds, Commits, connect};
pub use failure::{describe_connect_error, is_conflict, is_unavailable};
pub use migrations::{KnownMigrations, Migrations, is_newer, known_migrations, pending_migrations};
pub use read_only::is_read_only;
pub use sqlite_file::{readable_by_others, sqlite_file};
pub use transaction::{begin, has_one_writer, repeat_on_conflict, transaction, without_statement_timeout};
pub use url::check_url;
