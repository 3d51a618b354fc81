//! The demo as a newcomer meets it: started by its binary, and driven by the commands in README.md.

#![expect(clippy::unwrap_used, reason = "a test may end where it stands")]

mod demo;
mod documents;
mod readme;
mod running;
