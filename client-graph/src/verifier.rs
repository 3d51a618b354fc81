//! Local verification of access tokens, by signature and claims.
//!
//! `token` holds the rules for a token, `keys` the public keys. Revocation is not remembered here: it is checked on
//! every request.

mod expectation;
mod fault;
mod keys;
mod token;

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use chrono::{DateTime, TimeDelta, Utc};
use quick_cache::sync::Cache;

use crate::clock::Clock;
use crate::error::{Code, Error};
use crate::principal::Principal;
pub(crate) use expectation::Expectation;
pub(crate) use fault::Fault;
use fault::Faults;
pub(crate) use keys::Keys;
use token::Token;
pub(crate) use token::further_claims;

const CACHED_TOKENS: usize = 10_000;

/// Method of verifying access tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verification {
    /// In this process, with the public keys of auth-graph. No network call once the keys are known.
    #[default]
    Local,
    /// By auth-graph, for each request. For services that need the current state of every session and accept the
    /// latency.
    Remote,
}

/// Verifies tokens, and remembers the good ones until they expire.
pub(crate) struct Verifier {
    expectation: Expectation,
    keys: Keys,
    clock: Clock,
    faults: Faults,
    good: Cache<[u8; 32], Good>,
}

#[derive(Clone)]
struct Good {
    principal: Arc<Principal>,
    key_generation: u64,
}

impl Verifier {
    pub(crate) fn new(expectation: Expectation, keys: Keys, clock: Clock) -> Self {
        Self { expectation, keys, faults: Faults::new(clock.clone()), clock, good: Cache::new(CACHED_TOKENS) }
    }

    /// Logs why a token is refused if a setting can have caused it, and returns the error.
    pub(crate) fn refuse(&self, fault: Fault) -> Error {
        self.faults.report(fault, &self.expectation)
    }

    pub(crate) fn keys(&self) -> &Keys {
        &self.keys
    }

    pub(crate) fn leeway(&self) -> TimeDelta {
        TimeDelta::from_std(self.expectation.leeway).unwrap_or_default()
    }

    /// Verifies a token.
    ///
    /// # Errors
    /// `TOKEN_INVALID`, `TOKEN_EXPIRED`, or `UNAVAILABLE` when its key cannot be looked up.
    pub(crate) async fn verify(&self, text: &str) -> Result<Arc<Principal>, Error> {
        if text.len() > token::MAX_LENGTH {
            return Err(Code::TokenInvalid.into());
        }
        let fingerprint = fingerprint(text);
        let now = self.clock.now();
        if let Some(principal) = self.remembered(&fingerprint, now) {
            return Ok(principal);
        }
        let token = Token::parse(text)?;
        // Read before the key: if a key is withdrawn in between, the entry is stale at once, never the reverse.
        let key_generation = self.keys.generation();
        let key = self.keys.find(&token.key_id).await.map_err(|fault| self.refuse(fault))?;
        let principal = token.verify(&key, &self.expectation, now).map_err(|fault| self.refuse(fault))?;
        let principal = Arc::new(principal);
        self.good.insert(fingerprint, Good { principal: Arc::clone(&principal), key_generation });
        Ok(principal)
    }

    /// Returns the principal of a token that was verified before. In the leeway after its expiry a token is verified
    /// again each time.
    fn remembered(&self, fingerprint: &[u8; 32], now: DateTime<Utc>) -> Option<Arc<Principal>> {
        let good = self.good.get(fingerprint)?;
        if good.principal.expires_at > now && good.key_generation == self.keys.generation() {
            return Some(good.principal);
        }
        self.good.remove(fingerprint);
        None
    }
}

fn fingerprint(token: &str) -> [u8; 32] {
    digest(&SHA256, token.as_bytes()).as_ref().try_into().expect("SHA-256 has 32 bytes")
}
