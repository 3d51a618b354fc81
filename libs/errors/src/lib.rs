//! Errors as both services show them: one table of codes for programs and users, and full texts for operators.
//!
//! The feature `graphql` makes [`Code`] the GraphQL enum `ErrorCode`.

#![warn(missing_docs)]

mod code;
mod explain;
mod reason;
mod retry_after;
mod seldom;

pub use code::{AUTHORIZATION_MALFORMED, Code};
pub use explain::explain;
pub use reason::Reason;
pub use retry_after::retry_after_seconds;
pub use seldom::Seldom;
