//! What this service expects of a token.

use std::time::Duration;

/// The claims that a token must have to be accepted here.
#[derive(Clone, Debug)]
pub(crate) struct Expectation {
    pub(crate) issuer: String,
    pub(crate) audience: String,
    pub(crate) leeway: Duration,
}
