//! What both services need to be run, and what neither of them is about: settings in layers, a secret in a file, the
//! client's address, identifiers for requests, the log, what is said when a command fails, and a listener that stops
//! gracefully.

mod client_address;
mod connection;
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
pub use explain::explain;
pub use listener::{Patience, listen, serve};
pub use log::{Format, log_to_stderr};
pub use observe::{RequestId, in_span, observed, span};
pub use secret::{MasterSecret, make_private_folder};
pub use secrets::{PreviousSecret, Secrets};
pub use settings::{Layout, Problem, Problems, Sources, environment_of_process};
pub use stop::stop_signal;
