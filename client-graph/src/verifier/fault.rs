//! Why a token is refused. The caller learns only the code; the log names what differs, because a wrong setting refuses
//! every token. It never contains the token.

use chrono::TimeDelta;
use errors::Seldom;

use super::Expectation;
use crate::clock::Clock;
use crate::error::{Code, Error};

/// The longest part of a text of a token that is logged.
const LONGEST: usize = 200;

/// Why a token is refused.
#[derive(Debug)]
pub(crate) enum Fault {
    /// Another issuer has issued it.
    Issuer(String),
    /// It is meant for other services.
    Audience(Vec<String>),
    /// It becomes valid, or was issued, only after this time.
    NotYetValid(TimeDelta),
    /// No key has its identifier.
    UnknownKey(String),
    /// Anything else, which no setting can change.
    Other(Error),
}

impl From<Code> for Fault {
    fn from(code: Code) -> Self {
        Self::Other(code.into())
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Other(error) => error,
            _ => Code::TokenInvalid.into(),
        }
    }
}

/// Writes faults into the log, each kind at most once a minute.
#[derive(Debug)]
pub(crate) struct Faults {
    clock: Clock,
    issuer: Seldom,
    audience: Seldom,
    time: Seldom,
    key: Seldom,
}

impl Faults {
    pub(super) fn new(clock: Clock) -> Self {
        Self { clock, issuer: Seldom::new(), audience: Seldom::new(), time: Seldom::new(), key: Seldom::new() }
    }

    /// Logs a fault that a setting or a clock can have caused, and returns its error.
    pub(crate) fn report(&self, fault: Fault, expected: &Expectation) -> Error {
        let now = self.clock.now().timestamp();
        match &fault {
            Fault::Issuer(found) if self.issuer.is_due(now) => tracing::warn!(
                expected = expected.issuer,
                found = excerpt(found),
                "a token was refused: its issuer is another one; set auth.issuer (AuthGraphBuilder::issuer) to it if it \
                 is yours"
            ),
            Fault::Audience(found) if self.audience.is_due(now) => tracing::warn!(
                expected = expected.audience,
                found = excerpt(&found.join(" ")),
                "a token was refused: its audience is another one; set auth.audience (AuthGraphBuilder::audience) to it \
                 if it is yours, or let the client request a token for this service"
            ),
            Fault::NotYetValid(wait) if self.time.is_due(now) => tracing::warn!(
                ahead_seconds = wait.num_seconds(),
                leeway_seconds = expected.leeway.as_secs(),
                "a token was refused: it is not valid yet, because the clock of auth-graph is ahead of this one; set the \
                 clocks (NTP), or auth.leeway (AuthGraphBuilder::leeway)"
            ),
            Fault::UnknownKey(id) if self.key.is_due(now) => tracing::warn!(
                key = excerpt(id),
                "a token was refused: auth-graph does not publish its key; check auth.url and auth.jwks_url \
                 (AuthGraph::builder, AuthGraphBuilder::jwks_url), unless the key was withdrawn"
            ),
            _ => {}
        }
        fault.into()
    }
}

/// Returns the beginning of a text of a token, without control characters.
fn excerpt(text: &str) -> String {
    text.chars().take(LONGEST).flat_map(char::escape_debug).collect()
}
