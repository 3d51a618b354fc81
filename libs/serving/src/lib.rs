//! The HTTP server of both services: a listener that stops gracefully, identifiers of requests, and the log.

mod admission;
mod client_stream;
mod connection;
mod cors;
mod fallback;
mod listener;
mod log;
mod observe;
mod operators;
mod probe;
mod stop;

pub use admission::{Admission, ConnectionLimits, Place};
pub use cors::allow_pages;
pub use fallback::hint_at;
pub use listener::{Timeouts, listen, serve};
pub use log::{Format, log_to_stderr};
pub use observe::{RequestId, RequestLines, filter, in_span, observed};
pub use operators::{Listeners, Routers, serve_both};
pub use probe::{Probed, probe};
pub use stop::stop_signal;
