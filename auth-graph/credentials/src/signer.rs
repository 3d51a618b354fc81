//! A private key that signs tokens. It is parsed and checked once. jsonwebtoken would do that for each token, which
//! takes as long as signing, and much longer with RSA.

use aws_lc_rs::hmac::{self, HMAC_SHA256};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RSA_PKCS1_SHA256};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use serde::Serialize;

use model::error::{Error, Result};

/// A key of one algorithm (RFC 7518 section 3.1, RFC 8037 section 3.1).
pub(super) enum Signer {
    Es256(EcdsaKeyPair),
    EdDsa(Ed25519KeyPair),
    Rs256(rsa::KeyPair),
    Hs256(Box<hmac::Key>),
}

impl Signer {
    /// Parses a key: PKCS #8 in DER for key pairs, the secret itself for HMAC.
    ///
    /// # Errors
    /// [`Error::Internal`] when it is not a key of the algorithm.
    pub(super) fn open(algorithm: Algorithm, private_key: &[u8]) -> Result<Self> {
        let unusable = |_| Error::internal("a private key cannot be read");
        Ok(match algorithm {
            Algorithm::ES256 => {
                Self::Es256(EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, private_key).map_err(unusable)?)
            }
            Algorithm::EdDSA => Self::EdDsa(Ed25519KeyPair::from_pkcs8(private_key).map_err(unusable)?),
            Algorithm::RS256 => Self::Rs256(rsa::KeyPair::from_pkcs8(private_key).map_err(unusable)?),
            Algorithm::HS256 => Self::Hs256(Box::new(hmac::Key::new(HMAC_SHA256, private_key))),
            _ => return Err(Error::internal("this algorithm is not supported for signing")),
        })
    }

    /// Signs a token and returns it in the compact form (RFC 7515 section 7.1).
    ///
    /// # Errors
    /// [`Error::Internal`] when signing fails.
    pub(super) fn sign(&self, header: &impl Serialize, claims: &impl Serialize) -> Result<String> {
        let mut token = encoded(&serde_json::to_vec(header).map_err(Error::internal)?);
        token.push('.');
        token += &encoded(&serde_json::to_vec(claims).map_err(Error::internal)?);
        let signature = self.signature(token.as_bytes())?;
        token.push('.');
        token += &encoded(&signature);
        Ok(token)
    }

    fn signature(&self, message: &[u8]) -> Result<Vec<u8>> {
        let failed = |_| Error::internal("signing with a key failed");
        Ok(match self {
            Self::Es256(pair) => pair.sign(&SystemRandom::new(), message).map_err(failed)?.as_ref().to_vec(),
            Self::EdDsa(pair) => pair.sign(message).as_ref().to_vec(),
            Self::Rs256(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature).map_err(failed)?;
                signature
            }
            Self::Hs256(key) => hmac::sign(key, message).as_ref().to_vec(),
        })
    }
}

fn encoded(bytes: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}
