//! Creates and checks access tokens: JWTs with the profile of RFC 9068.
//!
//! A check covers the signature and the claims, and its result is cached. `revocations` is asked on every request
//! whether the session has ended.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Validation, decode, decode_header};
use quick_cache::sync::Cache;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};

use super::claims::SKEW;
use super::faults::Faults;
use super::keyring::{Key, Keyring};
use model::error::{Error, Result};
use model::values::{AdditionalClaims, Holder, Scopes, TokenId};

pub use super::claims::{Act, Claims};

/// The media type of access tokens (RFC 9068 section 2.1).
const TYPE: &str = "at+jwt";
/// Maximum length of a token. Longer text is rejected without being parsed.
const LONGEST: usize = 8 * 1024;
/// Number of checked tokens in the cache, about 1 KiB each.
const REMEMBERED: usize = 10_000;

/// A token whose signature and claims are valid.
#[derive(Debug)]
pub struct CheckedToken {
    /// Claims of the token.
    pub claims: Claims,
    /// Parsed scopes of the token.
    pub scopes: Scopes,
    /// Identifier of the key that signed the token.
    pub kid: String,
}

/// Creates and checks access tokens.
#[derive(Debug)]
pub struct AccessTokens {
    issuer: String,
    audience: String,
    faults: Faults,
    checked: Cache<[u8; 32], Arc<CheckedToken>>,
}

/// The input for one token.
#[derive(Clone, Debug)]
pub struct Grant {
    /// Holder.
    pub holder: Holder,
    /// The client that the user signed in with.
    pub client_id: String,
    /// Scopes.
    pub scope: Scopes,
    /// Time of the last proof (UTC).
    pub auth_time: DateTime<Utc>,
    /// Methods by which the user proved their identity.
    pub amr: Vec<String>,
    /// Further claims.
    pub additional: AdditionalClaims,
    /// User who acts as the subject; `None` if the subject acts.
    pub act: Option<Act>,
    /// Time of issue (UTC).
    pub issued_at: DateTime<Utc>,
    /// Expiry (UTC).
    pub expires_at: DateTime<Utc>,
}

impl AccessTokens {
    /// Takes the issuer and the audience, which are compared byte by byte.
    #[must_use]
    pub fn new(issuer: String, audience: String) -> Self {
        Self { issuer, audience, faults: Faults::default(), checked: Cache::new(REMEMBERED) }
    }

    /// Signs a token for our own audience.
    ///
    /// # Errors
    /// [`Error::Internal`] when there is no key or signing fails.
    pub fn mint(&self, keyring: &Keyring, grant: Grant) -> Result<SecretString> {
        self.mint_for(keyring, &self.audience, grant)
    }

    /// Signs a token for any audience.
    ///
    /// # Errors
    /// [`Error::Internal`] when there is no key or signing fails.
    pub fn mint_for(&self, keyring: &Keyring, audience: &str, grant: Grant) -> Result<SecretString> {
        let ring = keyring.current();
        let key = ring.signing(grant.issued_at).ok_or_else(|| Error::internal("there is no signing key"))?;
        let claims = Claims {
            iss: self.issuer.clone(),
            sub: grant.holder.subject().uuid(),
            aud: audience.to_owned(),
            exp: grant.expires_at.timestamp(),
            iat: grant.issued_at.timestamp(),
            nbf: grant.issued_at.timestamp(),
            jti: TokenId::generate(grant.issued_at),
            sid: grant.holder.sid(),
            client_id: grant.client_id,
            scope: grant.scope.to_claim(),
            auth_time: grant.auth_time.timestamp(),
            amr: grant.amr,
            additional: grant.additional,
            act: grant.act,
        };
        key.sign(TYPE, &claims)
    }

    /// Checks the signature, type, issuer, audience and times of a token.
    ///
    /// # Errors
    /// [`Error::TokenExpired`] when the token is valid except for its expiry, otherwise [`Error::TokenInvalid`].
    pub fn check(&self, keyring: &Keyring, token: &SecretString, now: DateTime<Utc>) -> Result<Arc<CheckedToken>> {
        self.check_audience(keyring, token, now, Some(&self.audience))
    }

    /// Checks everything but the audience, for callers who inspect a token and do not use it.
    ///
    /// # Errors
    /// As [`Self::check`].
    pub fn check_for_any(
        &self,
        keyring: &Keyring,
        token: &SecretString,
        now: DateTime<Utc>,
    ) -> Result<Arc<CheckedToken>> {
        self.check_audience(keyring, token, now, None)
    }

    fn check_audience(
        &self,
        keyring: &Keyring,
        token: &SecretString,
        now: DateTime<Utc>,
        audience: Option<&str>,
    ) -> Result<Arc<CheckedToken>> {
        let text = token.expose_secret();
        if text.len() > LONGEST {
            return Err(Error::TokenInvalid);
        }
        let name: [u8; 32] =
            digest(&SHA256, text.as_bytes()).as_ref().try_into().expect("a digest of SHA-256 has 32 bytes");
        let checked = match self.checked.get(&name) {
            Some(checked) => checked,
            None => {
                let checked = Arc::new(self.check_signature(keyring, text, now)?);
                self.checked.insert(name, checked.clone());
                checked
            }
        };
        // Like revocation, this is not cached: the key may have been withdrawn since the check.
        if keyring.current().find(&checked.kid).is_none() {
            self.checked.remove(&name);
            return Err(Error::TokenInvalid);
        }
        let claims = &checked.claims;
        if let Some(expected) = audience.filter(|audience| claims.aud != *audience) {
            self.faults.audience(claims, expected, now);
            return Err(Error::TokenInvalid);
        }
        if claims.exp <= now.timestamp() {
            self.checked.remove(&name);
            return Err(Error::TokenExpired);
        }
        if claims.nbf > (now + SKEW).timestamp() {
            self.faults.time(claims, now);
            return Err(Error::TokenInvalid);
        }
        Ok(checked)
    }

    /// Returns whether a token names a key that is not in the ring. If it does, the keys are loaded again.
    #[must_use]
    pub fn names_unknown_key(keyring: &Keyring, token: &SecretString) -> bool {
        decode_header(token.expose_secret())
            .ok()
            .and_then(|header| header.kid)
            .is_some_and(|kid| keyring.current().find(&kid).is_none())
    }

    /// Logs that a token names a key that is not in the ring, even after the keys were loaded again.
    pub fn report_unknown_key(&self, keyring: &Keyring, token: &SecretString, now: DateTime<Utc>) {
        let text = token.expose_secret();
        let kid = decode_header(text).ok().and_then(|header| header.kid);
        if let Some(kid) = kid.filter(|kid| keyring.current().find(kid).is_none()) {
            self.faults.key(&kid, text, &self.issuer, now);
        }
    }

    fn check_signature(&self, keyring: &Keyring, text: &str, now: DateTime<Utc>) -> Result<CheckedToken> {
        let header = decode_header(text).map_err(|_| Error::TokenInvalid)?;
        // RFC 9068 section 4: the type must match. RFC 7515 section 4.1.11: no critical extension is supported.
        let typed = header.typ.as_deref().is_some_and(|typ| typ.eq_ignore_ascii_case(TYPE));
        if !typed || has_critical_extensions(text) {
            return Err(Error::TokenInvalid);
        }
        let ring = keyring.current();
        let key = header.kid.as_deref().and_then(|kid| ring.find(kid)).ok_or(Error::TokenInvalid)?;
        let token = decode::<Claims>(text, &key.decoding, &self.validation(key)).map_err(|error| {
            // The signature is verified before the claims.
            if matches!(error.kind(), ErrorKind::InvalidIssuer) {
                self.faults.issuer(text, &self.issuer, now);
            }
            Error::TokenInvalid
        })?;
        let scopes = Scopes::parse(&token.claims.scope).map_err(|_| Error::TokenInvalid)?;
        Ok(CheckedToken { claims: token.claims, scopes, kid: key.kid.clone() })
    }

    /// Returns the checks that do not depend on the caller or on the time. The algorithm is that of the key, never that
    /// of the token. [`Self::check_audience`] compares the audience and the times. Deserialising [`Claims`] ensures
    /// that they are present and have the right JSON type.
    fn validation(&self, key: &Key) -> Validation {
        let mut validation = Validation::new(key.algorithm);
        validation.set_required_spec_claims(&["exp", "nbf", "iss", "aud", "sub"]);
        validation.set_issuer(&[&self.issuer]);
        validation.validate_aud = false;
        validation.validate_exp = false;
        validation.validate_nbf = false;
        validation
    }
}

/// Returns whether the header has a member `crit` of any kind. For the parser, null is the same as none.
fn has_critical_extensions(token: &str) -> bool {
    let header = token.split('.').next().unwrap_or_default();
    let members = BASE64_URL_SAFE_NO_PAD.decode(header).ok();
    let members = members.and_then(|text| serde_json::from_slice::<Map<String, Value>>(&text).ok());
    members.is_none_or(|members| members.contains_key("crit"))
}
