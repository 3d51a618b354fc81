//! A JSON Web Key Set (RFC 7517), parsed defensively: only public signature keys of known types, never a shared secret
//! or a key whose private part is published. The algorithm is a property of the key.

use std::sync::Arc;

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use reqwest::{Response, StatusCode};
use serde::Deserialize;
use serde_json::Value;

const MAX_KEYS: usize = 32;
const MAX_BODY: usize = 256 * 1024;
/// Members that only private and symmetric keys have (RFC 7518 sections 6.2.2, 6.3.2 and 6.4, RFC 8037 section 2). Who
/// reads such a key can sign with it, so that its signatures prove nothing.
const PRIVATE_MEMBERS: [&str; 9] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"];

/// A public key, and the only algorithm that it is used with.
pub struct Key {
    id: String,
    algorithm: Algorithm,
    decoding_key: DecodingKey,
    /// The key as it was published, which shows whether its identifier was reused for another key.
    jwk: Jwk,
}

/// The keys that are valid now.
#[derive(Clone, Default)]
pub struct KeySet {
    keys: Vec<Arc<Key>>,
}

/// Reason why a response contains no key set.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The status is not a success.
    #[error("the key set was answered with {0}")]
    Status(StatusCode),
    /// The body is larger than 256 KiB.
    #[error("the key set is larger than {MAX_BODY} bytes")]
    TooLarge,
    /// The connection was lost.
    #[error("the key set did not arrive")]
    Connection(#[from] reqwest::Error),
    /// The body is not a key set.
    #[error("the answer is not a key set")]
    Syntax(#[from] serde_json::Error),
}

impl KeySet {
    /// Reads the response of an issuer.
    ///
    /// # Errors
    /// [`ReadError`] when the response is not a success, is too large, does not arrive or is not a key set.
    pub async fn read(mut response: Response) -> Result<Self, ReadError> {
        if !response.status().is_success() {
            return Err(ReadError::Status(response.status()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if body.len() + chunk.len() > MAX_BODY {
                return Err(ReadError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Self::parse(&body)
    }

    /// Parses a key set. Keys that cannot verify signatures are left out.
    ///
    /// # Errors
    /// [`ReadError::Syntax`] when the text is not a key set.
    pub fn parse(body: &[u8]) -> Result<Self, ReadError> {
        #[derive(Deserialize)]
        struct Document {
            keys: Vec<Value>,
        }
        let document: Document = serde_json::from_slice(body)?;
        let mut set = Self::default();
        for key in document.keys.into_iter().filter_map(Key::from_json) {
            // Of two keys with one identifier the first counts. A later key must not replace it.
            if set.find(&key.id).is_none() && set.keys.len() < MAX_KEYS {
                set.keys.push(Arc::new(key));
            }
        }
        Ok(set)
    }

    /// Returns the key with this `kid`.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<Arc<Key>> {
        self.keys.iter().find(|key| key.id == id).cloned()
    }

    /// Returns whether a key of the other set is missing or changed here.
    pub(crate) fn lacks_one_of(&self, other: &Self) -> bool {
        !other.keys.iter().all(|key| self.find(&key.id).is_some_and(|ours| ours.jwk == key.jwk))
    }

    /// Returns the identifiers of the keys of the other set that are missing here.
    pub(crate) fn missing_of(&self, other: &Self) -> impl Iterator<Item = String> {
        other.keys.iter().filter(|key| self.find(&key.id).is_none()).map(|key| key.id.clone())
    }
}

impl Key {
    /// Verifies the signature of a message. `algorithm` is the `alg` of the token's header: it must name the algorithm
    /// of this key.
    #[must_use]
    pub fn verifies(&self, algorithm: &str, message: &[u8], signature: &str) -> bool {
        serde_json::from_value::<Algorithm>(Value::from(algorithm)).is_ok_and(|named| named == self.algorithm)
            && jsonwebtoken::crypto::verify(signature, message, &self.decoding_key, self.algorithm).unwrap_or(false)
    }

    fn from_json(value: Value) -> Option<Self> {
        if PRIVATE_MEMBERS.iter().any(|member| value.get(member).is_some_and(|member| !member.is_null())) {
            return None;
        }
        let jwk: Jwk = serde_json::from_value(value).ok()?;
        let id = jwk.common.key_id.clone()?;
        if jwk.common.public_key_use.as_ref().is_some_and(|usage| *usage != PublicKeyUse::Signature) {
            return None;
        }
        // RFC 7517 section 4.3.
        if jwk.common.key_operations.as_ref().is_some_and(|operations| !operations.contains(&KeyOperations::Verify)) {
            return None;
        }
        let algorithm = algorithm(&jwk)?;
        let decoding_key = DecodingKey::from_jwk(&jwk).ok()?;
        Some(Self { id, algorithm, decoding_key, jwk })
    }
}

/// Returns the algorithm that a key names, or the usual one of its type. An algorithm that does not match the type is
/// rejected.
fn algorithm(jwk: &Jwk) -> Option<Algorithm> {
    let named = jwk.common.key_algorithm;
    let fitting: &[(KeyAlgorithm, Algorithm)] = match &jwk.algorithm {
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => {
            &[(KeyAlgorithm::ES256, Algorithm::ES256)]
        }
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P384 => {
            &[(KeyAlgorithm::ES384, Algorithm::ES384)]
        }
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => {
            &[(KeyAlgorithm::EdDSA, Algorithm::EdDSA)]
        }
        AlgorithmParameters::RSA(_) => &[
            (KeyAlgorithm::RS256, Algorithm::RS256),
            (KeyAlgorithm::RS384, Algorithm::RS384),
            (KeyAlgorithm::RS512, Algorithm::RS512),
        ],
        _ => &[],
    };
    match named {
        None => fitting.first().map(|(_, algorithm)| *algorithm),
        Some(named) => fitting.iter().find(|(name, _)| *name == named).map(|(_, algorithm)| *algorithm),
    }
}
