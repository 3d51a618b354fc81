//! Serving HTTP, for both services: a listener that stops gracefully, the client's address, identifiers for requests,
//! the log.

mod client_address;
mod connection;
mod fallback;
mod listener;
mod log;
mod observe;
mod stop;

pub use client_address::client_address;
pub use listener::{Patience, listen, serve};
pub use log::{Format, log_to_stderr};
pub use observe::{RequestId, in_span, observed, span};
pub use stop::stop_signal;
