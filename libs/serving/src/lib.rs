//! What both services need to be run, and what neither of them is about: settings in layers, a secret in a file, the
//! client's address, identifiers for requests, the log, what is said when a command fails, what a database must be like
//! before they serve, and a listener that stops gracefully.

mod client_address;
mod connection;
mod database;
mod explain;
mod fallback;
mod listener;
mod log;
mod observe;
mod secret;
mod secrets;
mod settings;
mod stop;

pub use client_address::client_address;
pub use database::{pending_migrations, sqlite_url, unknown_migration, without_open_transactions};
pub use explain::explain;
pub use listener::{Patience, listen, serve};
pub use log::{Format, log_to_stderr};
pub use observe::{RequestId, in_span, observed, span};
pub use secret::MasterSecret;
pub use secrets::{PreviousSecret, Secrets};
pub use settings::{Layout, Problem, Problems, Sources, environment_of_process};
pub use stop::stop_signal;
