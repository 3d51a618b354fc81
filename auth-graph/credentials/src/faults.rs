//! Why an access token is refused, for the log: what was expected and what was found, each kind at most once a minute.
//! The caller learns only that the token is not valid. The token itself is never logged.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use errors::Seldom;
use serde::Deserialize;

use super::claims::{Claims, SKEW};

/// The longest part of a text of a token that is logged.
const LONGEST: usize = 200;

/// Bounds of the log lines about refused tokens.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    issuer: Seldom,
    audience: Seldom,
    time: Seldom,
    key: Seldom,
}

impl Faults {
    /// Logs that a token with a valid signature names another issuer.
    pub(crate) fn issuer(&self, token: &str, expected: &str, now: DateTime<Utc>) {
        if self.issuer.is_due(now.timestamp()) {
            tracing::warn!(
                expected,
                found = issuer_in(token),
                "a token was refused: its issuer is another one; it was issued before server.public_url was changed, or \
                 another replica has another server.public_url"
            );
        }
    }

    /// Logs that a valid token is meant for another service.
    pub(crate) fn audience(&self, claims: &Claims, expected: &str, now: DateTime<Utc>) {
        if self.audience.is_due(now.timestamp()) {
            tracing::warn!(
                expected,
                found = excerpt(&claims.aud),
                client = excerpt(&claims.client_id),
                "a token was refused: its audience is another one; request a token with the audience tokens.audience"
            );
        }
    }

    /// Logs that a token is not valid yet.
    pub(crate) fn time(&self, claims: &Claims, now: DateTime<Utc>) {
        if self.time.is_due(now.timestamp()) {
            tracing::warn!(
                ahead_seconds = claims.nbf.saturating_sub(now.timestamp()),
                accepted_seconds = SKEW.num_seconds(),
                "a token was refused: it is not valid yet, because the clocks of two replicas differ; set them (NTP)"
            );
        }
    }

    /// Logs that no key has the identifier in a token. Both texts may be invented.
    pub(crate) fn key(&self, id: &str, token: &str, expected: &str, now: DateTime<Utc>) {
        if self.key.is_due(now.timestamp()) {
            tracing::warn!(
                key = excerpt(id),
                expected_issuer = expected,
                found_issuer = issuer_in(token),
                "a token was refused: its key is not one of ours; another service has issued it, or the key was retired"
            );
        }
    }
}

/// Returns the issuer that a token names, which may be invented.
fn issuer_in(token: &str) -> String {
    #[derive(Deserialize)]
    struct Issuer {
        iss: String,
    }
    let payload = token.split('.').nth(1).and_then(|part| BASE64_URL_SAFE_NO_PAD.decode(part).ok());
    let issuer = payload.and_then(|payload| serde_json::from_slice::<Issuer>(&payload).ok());
    issuer.map(|issuer| excerpt(&issuer.iss)).unwrap_or_default()
}

/// Returns the beginning of a text of a token, without control characters.
fn excerpt(text: &str) -> String {
    text.chars().take(LONGEST).flat_map(char::escape_debug).collect()
}
