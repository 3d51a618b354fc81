//! A JSON Web Key Set (RFC 7517), read with suspicion: signature keys of known types only, never a shared secret, and
//! the algorithm is a property of the key.

use std::sync::Arc;

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::Value;

use crate::error::Error;

const MAX_KEYS: usize = 32;

/// A public key, and the one algorithm that it is for.
pub(crate) struct Key {
    id: String,
    algorithm: Algorithm,
    decoding_key: DecodingKey,
    /// To notice that a name was given to another key.
    jwk: Jwk,
}

/// The keys that are valid now.
#[derive(Clone, Default)]
pub(crate) struct KeySet {
    keys: Vec<Arc<Key>>,
}

impl KeySet {
    /// Reads a key set; keys that are of no use to us are left out.
    ///
    /// # Errors
    /// `UNAVAILABLE` when it is not a key set.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, Error> {
        #[derive(Deserialize)]
        struct Document {
            keys: Vec<Value>,
        }
        let document: Document = serde_json::from_slice(body).map_err(Error::unavailable)?;
        let mut set = Self::default();
        for key in document.keys.into_iter().filter_map(Key::from_json) {
            // Of two keys with one name, the first: the name must not depend on what follows.
            if set.find(&key.id).is_none() && set.keys.len() < MAX_KEYS {
                set.keys.push(Arc::new(key));
            }
        }
        Ok(set)
    }

    /// The key of this name.
    pub(crate) fn find(&self, id: &str) -> Option<Arc<Key>> {
        self.keys.iter().find(|key| key.id == id).cloned()
    }

    /// Whether a key of the other set is missing here.
    pub(crate) fn lacks_one_of(&self, other: &Self) -> bool {
        !other.keys.iter().all(|key| self.find(&key.id).is_some_and(|ours| ours.jwk == key.jwk))
    }
}

impl Key {
    /// Whether the signature of this message is by this key. `algorithm` is what the token's header names: it must be
    /// the key's.
    pub(crate) fn signed(&self, algorithm: &str, message: &[u8], signature: &str) -> bool {
        serde_json::from_value::<Algorithm>(Value::from(algorithm)).is_ok_and(|named| named == self.algorithm)
            && jsonwebtoken::crypto::verify(signature, message, &self.decoding_key, self.algorithm).unwrap_or(false)
    }

    fn from_json(value: Value) -> Option<Self> {
        let jwk: Jwk = serde_json::from_value(value).ok()?;
        let id = jwk.common.key_id.clone()?;
        if jwk.common.public_key_use.as_ref().is_some_and(|usage| *usage != PublicKeyUse::Signature) {
            return None;
        }
        let algorithm = algorithm(&jwk)?;
        let decoding_key = DecodingKey::from_jwk(&jwk).ok()?;
        Some(Self { id, algorithm, decoding_key, jwk })
    }
}

/// The algorithm that a key is for: what it says, where that fits its type.
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
