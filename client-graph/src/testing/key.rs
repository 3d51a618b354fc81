//! Signing keys.

use std::fmt;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RsaKeyPair};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};
use uuid::Uuid;

/// The type of a signing key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyType {
    /// ECDSA over P-256.
    Es256,
    /// Ed25519.
    EdDsa,
    /// RSA of 2048 bits, PKCS #1 v1.5.
    Rs256,
}

#[derive(Clone)]
pub(super) struct SigningKey {
    pub(super) id: String,
    pub(super) algorithm: Algorithm,
    encoding_key: EncodingKey,
}

impl SigningKey {
    pub(super) fn generate(kind: KeyType) -> Self {
        const WHY: &str = "the system has randomness";
        let random = SystemRandom::new();
        let (algorithm, encoding_key) = match kind {
            KeyType::Es256 => {
                let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).expect(WHY);
                (Algorithm::ES256, EncodingKey::from_ec_der(document.as_ref()))
            }
            KeyType::EdDsa => {
                let document = Ed25519KeyPair::generate_pkcs8v1(&random).expect(WHY);
                (Algorithm::EdDSA, EncodingKey::from_ed_der(document.as_ref()))
            }
            KeyType::Rs256 => {
                let pair = RsaKeyPair::generate(KeySize::Rsa2048).expect(WHY);
                let document: Pkcs8V1Der<'_> = pair.as_der().expect("a generated key can be written");
                // The wrapping of a PKCS #1 key of this size in PKCS #8 is 26 bytes long.
                (Algorithm::RS256, EncodingKey::from_rsa_der(&document.as_ref()[26..]))
            }
        };
        Self { id: Uuid::new_v4().to_string(), algorithm, encoding_key }
    }

    pub(super) fn sign(&self, message: &str) -> String {
        jsonwebtoken::crypto::sign(message.as_bytes(), &self.encoding_key, self.algorithm)
            .expect("the key fits its algorithm")
    }

    pub(super) fn to_jwk(&self) -> Value {
        let mut jwk = Jwk::from_encoding_key(&self.encoding_key, self.algorithm).expect("the key fits its algorithm");
        jwk.common.key_id = Some(self.id.clone());
        let mut value = serde_json::to_value(jwk).expect("a key is JSON");
        value["use"] = json!("sig");
        value
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SigningKey").field("id", &self.id).finish_non_exhaustive()
    }
}
