//! Whether an access token is good: locally by signature and claims, or by asking auth-graph each time.
//!
//! What a token must look like is in `token`. Revocation is not remembered here: it is checked on every request, by
//! [`AuthGraph`].

mod token;

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use chrono::{DateTime, TimeDelta, Utc};
use quick_cache::sync::Cache;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};

use crate::client::AuthGraph;
use crate::clock::Clock;
use crate::error::{Code, Error};
use crate::feed::Freshness;
use crate::keys::Keys;
use crate::operations::{Claims, TokenType, VerificationFailure, Verified};
use crate::principal::{Principal, PrincipalKind};
use token::Token;

const CACHED_TOKENS: usize = 10_000;

/// How access tokens are verified.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verification {
    /// Here, with the public keys of auth-graph: no network call once the keys are known.
    #[default]
    Local,
    /// By auth-graph, for each request: for services that need the last word and can wait for it.
    Remote,
}

/// What a token must say to be for us.
#[derive(Clone, Debug)]
pub(crate) struct Expectation {
    pub(crate) issuer: String,
    pub(crate) audience: String,
    pub(crate) leeway: Duration,
}

/// Verifies locally, and remembers good signatures until their tokens end.
pub(crate) struct Verifier {
    expectation: Expectation,
    keys: Keys,
    freshness: Arc<Freshness>,
    clock: Clock,
    good: Cache<[u8; 32], Good>,
}

#[derive(Clone)]
struct Good {
    principal: Arc<Principal>,
    key_generation: u64,
}

impl Verifier {
    pub(crate) fn new(expectation: Expectation, keys: Keys, freshness: Arc<Freshness>, clock: Clock) -> Self {
        Self { expectation, keys, freshness, clock, good: Cache::new(CACHED_TOKENS) }
    }

    pub(crate) fn keys(&self) -> &Keys {
        &self.keys
    }

    pub(crate) fn freshness(&self) -> &Arc<Freshness> {
        &self.freshness
    }

    pub(crate) fn leeway(&self) -> TimeDelta {
        TimeDelta::from_std(self.expectation.leeway).unwrap_or_default()
    }

    /// Verifies a token.
    ///
    /// # Errors
    /// `TOKEN_INVALID`, `TOKEN_EXPIRED`, or `UNAVAILABLE` when its key can not be looked up.
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
        // Read before the key: a withdrawal meanwhile makes what we remember stale, never the other way.
        let key_generation = self.keys.generation();
        let key = self.keys.find(&token.key_id).await?;
        let principal = Arc::new(token.verify(&key, &self.expectation, &self.freshness, now)?);
        self.good.insert(fingerprint, Good { principal: Arc::clone(&principal), key_generation });
        Ok(principal)
    }

    /// What we found out before. In the leeway after its end a token is verified again each time.
    fn remembered(&self, fingerprint: &[u8; 32], now: DateTime<Utc>) -> Option<Arc<Principal>> {
        let good = self.good.get(fingerprint)?;
        if good.principal.expires_at > now && good.key_generation == self.keys.generation() {
            return Some(good.principal);
        }
        self.good.remove(fingerprint);
        None
    }
}

impl AuthGraph {
    /// Asks auth-graph about an access token.
    pub(crate) async fn verify_remotely(&self, token: &SecretString) -> Result<Principal, Error> {
        let claims = match self.verify(token).await? {
            Verified::Active(TokenType::Access, Some(claims)) => claims,
            Verified::Active(..) | Verified::Inactive(VerificationFailure::Invalid) => {
                return Err(Code::TokenInvalid.into());
            }
            Verified::Inactive(VerificationFailure::Expired) => return Err(Code::TokenExpired.into()),
            Verified::Inactive(VerificationFailure::Revoked) => return Err(Code::TokenRevoked.into()),
        };
        let expectation = self.expectation();
        if claims.issuer != expectation.issuer || !claims.audience.contains(&expectation.audience) {
            return Err(Code::TokenInvalid.into());
        }
        // auth-graph stands by this very token, so whatever else it says is true as well.
        let further = token::further_claims(token.expose_secret())?;
        Ok(principal(claims, further, token.clone(), Arc::clone(self.freshness())))
    }
}

fn principal(claims: Claims, further: Map<String, Value>, token: SecretString, feed: Arc<Freshness>) -> Principal {
    Principal {
        kind: kind(&claims.subject.to_string(), &claims.client_id),
        subject: claims.subject,
        session_id: Some(claims.session_id),
        scope: claims.scope,
        client_id: claims.client_id,
        auth_time: claims.auth_time,
        issued_at: claims.issued_at,
        expires_at: claims.expires_at,
        token_id: claims.token_id,
        further,
        token,
        feed,
    }
}

/// A service that calls for itself is its own subject (RFC 9068 section 2.2).
fn kind(subject: &str, client_id: &str) -> PrincipalKind {
    if subject == client_id { PrincipalKind::Service } else { PrincipalKind::User }
}

fn fingerprint(token: &str) -> [u8; 32] {
    digest(&SHA256, token.as_bytes()).as_ref().try_into().expect("SHA-256 has 32 bytes")
}
