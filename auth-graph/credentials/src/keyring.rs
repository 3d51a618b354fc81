//! The keys that sign access tokens: generated, encrypted for storage, decrypted, and published as a JWKS (RFC 7517).
//!
//! `store::signing_keys` reads and writes them; `engine::keys` decides when a key is created.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand;
use aws_lc_rs::rsa::{self, KeySize};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair};
use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use jsonwebtoken::jwk::{Jwk, JwkSet, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header};
use secrecy::SecretString;
use serde::Serialize;
use settings::Secrets;
use tokio::sync::{Mutex, MutexGuard};
use zeroize::Zeroizing;

use super::derived::Sealing;
use super::signer::Signer;
use model::config::SigningAlgorithm;
use model::error::{Error, Result};

/// The keys in use. A reload replaces all of them at once.
#[derive(Debug)]
pub struct Keyring {
    algorithm: SigningAlgorithm,
    published: Published,
    sealing: Sealing,
    ring: RwLock<Arc<Ring>>,
    loading: Mutex<()>,
    /// True after a key has been decrypted, which proves that the master secret was right.
    has_opened_keys: AtomicBool,
    next_reload: AtomicI64,
}

/// Keys that the JWKS contains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Published {
    /// The keys of the configured algorithm. Many verifiers take the first key of a set with several types.
    OneAlgorithm,
    /// All keys that verify tokens here, those of the configured algorithm first.
    AllAlgorithms,
}

/// Minimum number of seconds between two reloads that tokens with unknown keys cause.
const RELOAD_FLOOR: i64 = 5;

/// The set of keys at one time.
#[derive(Debug, Default)]
pub struct Ring {
    /// Keys of the configured algorithm with the time from which each one signs, the earliest first.
    signing: Vec<(DateTime<Utc>, Arc<Key>)>,
    by_id: HashMap<String, Arc<Key>>,
    jwks: String,
}

/// A key as it is stored: its private half is encrypted.
pub struct SealedKey {
    /// Identifier, `kid` (RFC 7517 section 4.5).
    pub kid: String,
    /// Algorithm, `alg` (RFC 7518 section 3.1).
    pub algorithm: String,
    /// Encrypted private key.
    pub private_key: Vec<u8>,
    /// Time from which the key signs.
    pub active_from: DateTime<Utc>,
}

/// A decrypted key.
pub struct Key {
    /// Identifier of the key.
    pub kid: String,
    /// The only algorithm that the key is used with.
    pub algorithm: Algorithm,
    /// Private key, which signs.
    pub encoding: EncodingKey,
    signer: Signer,
    /// Public key, which verifies.
    pub decoding: DecodingKey,
}

impl Keyring {
    /// Creates a keyring without keys.
    #[must_use]
    pub fn new(secrets: &Secrets, algorithm: SigningAlgorithm, published: Published) -> Self {
        let sealing = Sealing::derive(secrets, "signing keys");
        let (ring, loading, has_opened_keys, next_reload) = Default::default();
        Self { algorithm, published, sealing, ring, loading, has_opened_keys, next_reload }
    }

    /// Locks the loading of keys. Hold the guard from reading the stored keys to [`Self::replace`]: otherwise an
    /// earlier read could replace a later one and restore a withdrawn key.
    pub async fn begin_loading(&self) -> MutexGuard<'_, ()> {
        self.loading.lock().await
    }

    /// Returns the current keys.
    #[must_use]
    pub fn current(&self) -> Arc<Ring> {
        self.ring.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns whether the keys may be reloaded because a token names an unknown key. It is true for one caller every
    /// five seconds.
    #[must_use]
    pub fn may_reload(&self, now: DateTime<Utc>) -> bool {
        let now = now.timestamp();
        let next = self.next_reload.load(Ordering::Relaxed);
        let floor = now + RELOAD_FLOOR;
        now >= next && self.next_reload.compare_exchange(next, floor, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    /// Generates a key of the configured algorithm, encrypted for storage.
    ///
    /// # Errors
    /// [`Error::Internal`] when the random number generator fails.
    pub fn generate(&self, now: DateTime<Utc>) -> Result<SealedKey> {
        let mut random = [0; 12];
        rand::fill(&mut random).map_err(|_| Error::internal("no randomness"))?;
        let kid = BASE64_URL_SAFE_NO_PAD.encode(random);
        let private_key = generate_private_key(self.algorithm)?;
        Ok(SealedKey {
            algorithm: self.algorithm.as_str().to_owned(),
            private_key: self.sealing.seal(&kid, &private_key)?,
            kid,
            active_from: now,
        })
    }

    /// Replaces the keys by the stored ones.
    ///
    /// All of them verify tokens. The newest active key of the configured algorithm signs. A key that the ring already
    /// holds is not decrypted again, so that a process continues when the stored keys are encrypted under a secret that
    /// it does not know yet. For the same reason, a process that has decrypted keys skips a key that it cannot decrypt,
    /// and still learns about withdrawn keys.
    ///
    /// # Errors
    /// [`Error::Internal`] when a key cannot be decrypted and no other key has been: it was stored under another master
    /// secret.
    pub fn replace(&self, stored: &[SealedKey]) -> Result<()> {
        let before = self.current();
        let mut ring = Ring::default();
        let (mut published, mut others) = (Vec::new(), Vec::new());
        for row in stored {
            let key = match before.by_id.get(&row.kid) {
                Some(key) => key.clone(),
                None => match self.open(row) {
                    Ok(key) => Arc::new(key),
                    Err(error) if self.has_opened_keys.load(Ordering::Relaxed) => {
                        let error = errors::explain(&error);
                        tracing::error!(
                            kid = row.kid,
                            error,
                            "a signing key cannot be decrypted and is skipped; was the master secret replaced?"
                        );
                        continue;
                    }
                    Err(error) => return Err(error),
                },
            };
            let configured = key.algorithm == jwt_algorithm(self.algorithm);
            if configured {
                ring.signing.push((row.active_from, key.clone()));
            }
            // An HS256 key is secret and is not published.
            if key.algorithm != Algorithm::HS256 {
                let set = if configured { &mut published } else { &mut others };
                set.push(public_jwk(&key)?);
            }
            ring.by_id.insert(row.kid.clone(), key);
        }
        // The sort is stable: of two keys with the same time, the one that was created later signs.
        ring.signing.sort_by_key(|(active_from, _)| *active_from);
        if self.published == Published::AllAlgorithms {
            published.append(&mut others);
        }
        self.has_opened_keys.fetch_or(!ring.by_id.is_empty(), Ordering::Relaxed);
        ring.jwks = serde_json::to_string(&JwkSet { keys: published }).map_err(Error::internal)?;
        *self.ring.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(ring);
        Ok(())
    }

    /// Encrypts a stored key under the current secret, or returns `None` when it already is.
    ///
    /// # Errors
    /// [`Error::Internal`] when the key cannot be decrypted.
    pub fn reseal(&self, kid: &str, private_key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.sealing.reseal(kid, private_key)
    }

    fn open(&self, row: &SealedKey) -> Result<Key> {
        let private_key = self.sealing.open(&row.kid, &row.private_key)?;
        let algorithm: Algorithm = row.algorithm.parse().map_err(Error::internal)?;
        let encoding = match algorithm {
            Algorithm::HS256 => EncodingKey::from_secret(&private_key).map_err(Error::internal)?,
            Algorithm::ES256 => EncodingKey::from_ec_der(&private_key),
            Algorithm::EdDSA => EncodingKey::from_ed_der(&private_key),
            // jsonwebtoken expects the inner key of the PKCS #8 structure, and unwraps the structure only from PEM.
            _ => EncodingKey::from_rsa_pem(to_pem(&private_key).as_bytes()).map_err(Error::internal)?,
        };
        let decoding = match algorithm {
            Algorithm::HS256 => DecodingKey::from_secret(&private_key).map_err(Error::internal)?,
            _ => {
                let jwk = Jwk::from_encoding_key(&encoding, algorithm).map_err(Error::internal)?;
                DecodingKey::from_jwk(&jwk).map_err(Error::internal)?
            }
        };
        let signer = Signer::open(algorithm, &private_key)?;
        Ok(Key { kid: row.kid.clone(), algorithm, encoding, signer, decoding })
    }
}

impl Key {
    /// Signs a token of this type.
    ///
    /// # Errors
    /// [`Error::Internal`] when signing fails.
    pub fn sign(&self, typ: &str, claims: &impl Serialize) -> Result<SecretString> {
        let header = Header { typ: Some(typ.to_owned()), kid: Some(self.kid.clone()), ..Header::new(self.algorithm) };
        self.signer.sign(&header, claims).map(SecretString::from)
    }
}

impl Ring {
    /// Returns the key that signs at this time.
    #[must_use]
    pub fn signing(&self, now: DateTime<Utc>) -> Option<&Key> {
        self.signing.iter().rev().find(|(active_from, _)| *active_from <= now).map(|(_, key)| key.as_ref())
    }

    /// Returns the key with this identifier.
    #[must_use]
    pub fn find(&self, kid: &str) -> Option<&Key> {
        self.by_id.get(kid).map(Arc::as_ref)
    }

    /// Returns the public keys as a JWK Set (RFC 7517 section 5).
    #[must_use]
    pub fn jwks(&self) -> &str {
        &self.jwks
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Key").field("kid", &self.kid).finish_non_exhaustive()
    }
}

fn jwt_algorithm(algorithm: SigningAlgorithm) -> Algorithm {
    match algorithm {
        SigningAlgorithm::ES256 => Algorithm::ES256,
        SigningAlgorithm::EdDSA => Algorithm::EdDSA,
        SigningAlgorithm::RS256 => Algorithm::RS256,
        SigningAlgorithm::HS256 => Algorithm::HS256,
    }
}

/// Generates PKCS #8 in DER for key pairs, and 32 random bytes for HMAC.
fn generate_private_key(algorithm: SigningAlgorithm) -> Result<Zeroizing<Vec<u8>>> {
    let failed = |_| Error::internal("a key could not be generated");
    Ok(Zeroizing::new(match algorithm {
        SigningAlgorithm::ES256 => {
            let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(failed)?;
            pair.to_pkcs8v1().map_err(failed)?.as_ref().to_vec()
        }
        SigningAlgorithm::EdDSA => {
            let pair = Ed25519KeyPair::generate().map_err(failed)?;
            pair.to_pkcs8v1().map_err(failed)?.as_ref().to_vec()
        }
        SigningAlgorithm::RS256 => {
            let pair = rsa::KeyPair::generate(KeySize::Rsa2048).map_err(failed)?;
            pair.as_der().map_err(failed)?.as_ref().to_vec()
        }
        SigningAlgorithm::HS256 => {
            let mut secret = vec![0; 32];
            rand::fill(&mut secret).map_err(failed)?;
            secret
        }
    }))
}

fn public_jwk(key: &Key) -> Result<Jwk> {
    let mut jwk = Jwk::from_encoding_key(&key.encoding, key.algorithm).map_err(Error::internal)?;
    jwk.common.key_id = Some(key.kid.clone());
    jwk.common.public_key_use = Some(PublicKeyUse::Signature);
    jwk.common.key_operations = Some(vec![KeyOperations::Verify]);
    Ok(jwk)
}

fn to_pem(der: &[u8]) -> Zeroizing<String> {
    let lines = Zeroizing::new(BASE64_STANDARD.encode(der));
    Zeroizing::new(format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", *lines))
}
