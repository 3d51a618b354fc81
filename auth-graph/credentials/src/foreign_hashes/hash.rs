//! A hash with the function that made it, and its comparison.

use std::num::NonZeroU32;

use argon2::{Algorithm, Argon2, Params, Version};
use aws_lc_rs::cipher::{AES_256, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::{hmac, pbkdf2};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;

use model::error::{Error, Result};

/// Position of the digest in a bcrypt hash.
pub(super) const BCRYPT_DIGEST_AT: usize = 29;

/// A hash that can be compared with a password. It does not implement `Debug`, so that no log shows it.
pub struct ForeignHash {
    pub(super) preparation: Preparation,
    pub(super) function: Function,
    pub(super) expected: Vec<u8>,
}

/// A transformation of a password before it is hashed.
pub(super) enum Preparation {
    None,
    /// SHA-256 in hexadecimal. Django uses it to avoid bcrypt's limit of 72 bytes.
    Sha256Hex,
    /// HMAC-SHA-256 under the salt, in base64. passlib uses it for the same reason.
    HmacBase64(String),
}

pub(super) enum Function {
    Argon2 {
        algorithm: Algorithm,
        version: Version,
        params: Params,
        salt: Vec<u8>,
    },
    /// The digest is compared in bcrypt's own base64 alphabet.
    Bcrypt {
        cost: u32,
        salt: [u8; 16],
    },
    Pbkdf2 {
        digest: pbkdf2::Algorithm,
        rounds: NonZeroU32,
        salt: Vec<u8>,
    },
    Scrypt {
        params: scrypt::Params,
        salt: Vec<u8>,
    },
    /// The hash is the signer key of the project, encrypted under the scrypt hash of the password.
    Firebase {
        params: scrypt::Params,
        salt: Vec<u8>,
        signer_key: Vec<u8>,
    },
}

impl ForeignHash {
    pub(super) fn digest_length(&self) -> usize {
        self.expected.len()
    }

    /// Returns whether this is the hash of the password.
    ///
    /// # Errors
    /// [`Error::Internal`] when the hash function rejects its parameters.
    pub(crate) fn matches(&self, password: &SecretString) -> Result<bool> {
        let password = password.expose_secret().as_bytes();
        let computed = match &self.preparation {
            Preparation::None => self.compute(password)?,
            Preparation::Sha256Hex => self.compute(to_hex(digest(&SHA256, password).as_ref()).as_bytes())?,
            Preparation::HmacBase64(salt) => {
                let key = hmac::Key::new(hmac::HMAC_SHA256, salt.as_bytes());
                self.compute(BASE64_STANDARD.encode(hmac::sign(&key, password)).as_bytes())?
            }
        };
        Ok(computed.ct_eq(&self.expected).into())
    }

    fn compute(&self, password: &[u8]) -> Result<Vec<u8>> {
        let mut output = vec![0; self.expected.len()];
        match &self.function {
            Function::Argon2 { algorithm, version, params, salt } => {
                Argon2::new(*algorithm, *version, params.clone())
                    .hash_password_into(password, salt, &mut output)
                    .map_err(Error::internal)?;
            }
            Function::Bcrypt { cost, salt } => {
                let hash = bcrypt::hash_with_salt(password, *cost, *salt);
                let hash = hash.map_err(|error| Error::internal(error.to_string()))?;
                output = hash.to_string().split_off(BCRYPT_DIGEST_AT).into_bytes();
            }
            Function::Pbkdf2 { digest, rounds, salt } => pbkdf2::derive(*digest, *rounds, salt, password, &mut output),
            Function::Scrypt { params, salt } => {
                scrypt::scrypt(password, salt, params, &mut output).map_err(Error::internal)?;
            }
            Function::Firebase { params, salt, signer_key } => {
                let mut key = [0; 32];
                scrypt::scrypt(password, salt, params, &mut key).map_err(Error::internal)?;
                output = encrypt(&key, signer_key)?;
            }
        }
        Ok(output)
    }
}

/// Encrypts with AES-256-CTR and a counter that starts at zero, as Firebase does.
fn encrypt(key: &[u8], text: &[u8]) -> Result<Vec<u8>> {
    let failed = |_| Error::internal("AES rejected a key");
    let key = EncryptingKey::ctr(UnboundCipherKey::new(&AES_256, key).map_err(failed)?).map_err(failed)?;
    let mut output = text.to_vec();
    let start = EncryptionContext::Iv128(FixedLength::from([0; 16]));
    key.less_safe_encrypt(&mut output, start).map_err(failed)?;
    Ok(output)
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
