//! Tests of the demo as a newcomer uses it: started as a binary, with the commands in README.md.

#![expect(clippy::unwrap_used, reason = "a test may end where it stands")]

mod demo;
mod documents;
mod readme;
mod running;
