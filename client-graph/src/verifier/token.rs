//! An access token (RFC 9068): its syntax, its signature, and the claims that it must have.
//!
//! The verifier ignores every statement of a token about keys: `jwk`, `jku` and `x5u`. It refuses `crit` (RFC 8725
//! section 3). The algorithm is that of the key.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use jwks::Key;
use secrecy::SecretString;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{Expectation, Fault};
use crate::error::{Code, Error};
use crate::ids::{SessionId, UserId};
use crate::principal::{Principal, PrincipalKind};

pub(super) const MAX_LENGTH: usize = 8 * 1024;

/// A parsed token that is not verified yet.
pub(super) struct Token<'a> {
    pub(super) key_id: String,
    text: &'a str,
    algorithm: String,
    message: &'a str,
    payload: &'a str,
    signature: &'a str,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    typ: String,
    kid: String,
    /// True if the member is there, even as null or as an empty list.
    #[serde(default, rename = "crit", deserialize_with = "is_there")]
    is_critical: bool,
}

fn is_there<'de, D: Deserializer<'de>>(value: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(value).map(|_| true)
}

/// The claims of a token. A required claim that is missing, or has another JSON type, makes the token invalid.
#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: Uuid,
    aud: Audience,
    exp: i64,
    iat: i64,
    nbf: i64,
    jti: String,
    #[serde(default)]
    sid: Option<Uuid>,
    client_id: String,
    /// A token without scopes has no such claim.
    #[serde(default)]
    scope: String,
    auth_time: i64,
    /// All other claims.
    #[serde(flatten)]
    further: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

impl<'a> Token<'a> {
    /// Parses a token.
    ///
    /// # Errors
    /// `TOKEN_INVALID` when it is not an access token in the compact form.
    pub(super) fn parse(text: &'a str) -> Result<Self, Error> {
        let invalid = || Error::new(Code::TokenInvalid);
        let (message, signature) = text.rsplit_once('.').ok_or_else(invalid)?;
        let (header, payload) = message.split_once('.').ok_or_else(invalid)?;
        if signature.is_empty() || payload.contains('.') {
            return Err(invalid());
        }
        let Header { alg, typ, kid, is_critical } = decode(header)?;
        let access = typ.eq_ignore_ascii_case("at+jwt") || typ.eq_ignore_ascii_case("application/at+jwt");
        if !access || is_critical {
            return Err(invalid());
        }
        Ok(Self { key_id: kid, text, algorithm: alg, message, payload, signature })
    }

    /// Verifies the signature, then the claims.
    ///
    /// # Errors
    /// `TOKEN_EXPIRED` when the expiry is the only problem, else `TOKEN_INVALID`.
    pub(super) fn verify(&self, key: &Key, expectation: &Expectation, now: DateTime<Utc>) -> Result<Principal, Fault> {
        let invalid = || Fault::from(Code::TokenInvalid);
        if !key.verifies(&self.algorithm, self.message.as_bytes(), self.signature) {
            return Err(invalid());
        }
        let claims: Claims = decode(self.payload)?;
        if claims.iss != expectation.issuer {
            return Err(Fault::Issuer(claims.iss));
        }
        let audiences = match claims.aud {
            Audience::One(audience) => vec![audience],
            Audience::Many(audiences) => audiences,
        };
        if !audiences.contains(&expectation.audience) {
            return Err(Fault::Audience(audiences));
        }
        let leeway = TimeDelta::from_std(expectation.leeway).unwrap_or_default();
        let expires_at = time(claims.exp)?;
        let issued_at = time(claims.iat)?;
        let valid_from = time(claims.nbf)?.max(issued_at);
        if valid_from > now + leeway {
            return Err(Fault::NotYetValid(valid_from - now));
        }
        if expires_at + leeway <= now {
            return Err(Code::TokenExpired.into());
        }
        let kind = PrincipalKind::of(&claims.sub.to_string(), &claims.client_id);
        if kind == PrincipalKind::User && claims.sid.is_none() {
            return Err(invalid());
        }
        Ok(Principal {
            subject: UserId(claims.sub),
            session_id: claims.sid.map(SessionId),
            kind,
            scope: claims.scope.split_ascii_whitespace().map(str::to_owned).collect(),
            client_id: claims.client_id,
            auth_time: time(claims.auth_time)?,
            issued_at,
            expires_at,
            token_id: claims.jti,
            further: claims.further,
            token: SecretString::from(self.text),
        })
    }
}

/// Returns the claims of a token that have no field in [`Principal`]. The token is not verified here.
///
/// # Errors
/// `TOKEN_INVALID` when it is not an access token in the compact form.
pub(crate) fn further_claims(text: &str) -> Result<Map<String, Value>, Error> {
    let claims: Claims = decode(Token::parse(text)?.payload)?;
    Ok(claims.further)
}

fn decode<T: DeserializeOwned>(part: &str) -> Result<T, Error> {
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| Error::new(Code::TokenInvalid))?;
    // The parser's message can quote the token, so it is not kept.
    serde_json::from_slice(&bytes).map_err(|_| Error::new(Code::TokenInvalid))
}

/// Converts a NumericDate of RFC 7519: whole seconds only, up to the year 9999.
fn time(seconds: i64) -> Result<DateTime<Utc>, Error> {
    (0..=253_402_300_799)
        .contains(&seconds)
        .then(|| DateTime::from_timestamp(seconds, 0))
        .flatten()
        .ok_or_else(|| Code::TokenInvalid.into())
}
