//! The signals that ask the process to stop.

use std::io;

use tokio::signal::unix::{SignalKind, signal};

/// Returns a future that is ready when the process gets SIGINT or SIGTERM. It listens from the call on, not from the
/// first poll.
///
/// # Errors
/// When the signal handlers cannot be installed.
pub fn stop_signal() -> io::Result<impl Future<Output = ()> + Send + 'static> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}
