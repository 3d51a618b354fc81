//! Keys derived from the master secret (HKDF with SHA-256, RFC 5869). Each purpose has its own key.

use aws_lc_rs::aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use aws_lc_rs::hmac;
use zeroize::Zeroizing;

use model::config::{MasterSecret, Secrets};
use model::error::{Error, Result};

const SALT: &[u8] = b"auth-graph 1";
const NONCE_LENGTH: usize = 12;

fn derive(secret: &MasterSecret, purpose: &str) -> Zeroizing<[u8; 32]> {
    let mut key = Zeroizing::new([0; 32]);
    Salt::new(HKDF_SHA256, SALT)
        .extract(secret.as_bytes())
        .expand(&[purpose.as_bytes()], HKDF_SHA256)
        .and_then(|material| material.fill(key.as_mut()))
        .expect("32 bytes are the length of one block of HKDF-SHA256");
    key
}

/// Authenticates short messages (HMAC-SHA256, RFC 2104).
#[derive(Debug)]
pub(super) struct MacKey(hmac::Key);

impl MacKey {
    /// Length of a tag in bytes.
    pub(super) const TAG_LENGTH: usize = 32;

    pub(super) fn derive(secret: &MasterSecret, purpose: &str) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, derive(secret, purpose).as_ref()))
    }

    pub(super) fn sign(&self, message: &[u8]) -> [u8; Self::TAG_LENGTH] {
        let tag = hmac::sign(&self.0, message);
        tag.as_ref().try_into().expect("a tag of HMAC-SHA256 has 32 bytes")
    }

    /// Verifies a tag in constant time.
    pub(super) fn verify(&self, message: &[u8], tag: &[u8]) -> bool {
        hmac::verify(&self.0, message, tag).is_ok()
    }
}

/// Encrypts stored data, and decrypts data that was encrypted under this master secret or a previous one. Stored data
/// must stay readable no matter when its secret was replaced.
#[derive(Debug)]
pub(super) struct Sealing {
    current: SealingKey,
    before: Vec<SealingKey>,
}

impl Sealing {
    pub(super) fn derive(secrets: &Secrets, purpose: &str) -> Self {
        let before = secrets.previous.iter().map(|old| SealingKey::derive(&old.secret, purpose)).collect();
        Self { current: SealingKey::derive(&secrets.current, purpose), before }
    }

    /// Encrypts a message and binds it to a name, which is needed to decrypt it.
    pub(super) fn seal(&self, name: &str, message: &[u8]) -> Result<Vec<u8>> {
        self.current.seal(name, message)
    }

    /// Decrypts a message that [`Self::seal`] encrypted under the same name.
    pub(super) fn open(&self, name: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        let opened = self.current.open(name, sealed);
        self.before.iter().fold(opened, |opened, key| opened.or_else(|_| key.open(name, sealed)))
    }

    /// Encrypts a message under the current secret, or returns `None` when it already is.
    pub(super) fn reseal(&self, name: &str, sealed: &[u8]) -> Result<Option<Vec<u8>>> {
        if self.current.open(name, sealed).is_ok() {
            return Ok(None);
        }
        self.seal(name, &self.open(name, sealed)?).map(Some)
    }
}

/// AES-256-GCM with a random nonce (NIST SP 800-38D).
#[derive(Debug)]
struct SealingKey {
    key: RandomizedNonceKey,
    /// Name of what the key encrypts, for messages.
    purpose: String,
}

impl SealingKey {
    fn derive(secret: &MasterSecret, purpose: &str) -> Self {
        let key = derive(secret, purpose);
        let key = RandomizedNonceKey::new(&AES_256_GCM, key.as_ref()).expect("a key of AES-256 has 32 bytes");
        Self { key, purpose: purpose.to_owned() }
    }

    fn seal(&self, name: &str, message: &[u8]) -> Result<Vec<u8>> {
        let mut sealed = message.to_vec();
        let nonce = self
            .key
            .seal_in_place_append_tag(Aad::from(name.as_bytes()), &mut sealed)
            .map_err(|_| Error::internal("encryption failed"))?;
        sealed.splice(..0, *nonce.as_ref());
        Ok(sealed)
    }

    fn open(&self, name: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        let wrong = || {
            let purpose = &self.purpose;
            Error::internal(format!(
                "of the {purpose} in the database, {name} cannot be decrypted with this master secret: configure the \
                 secret that it was encrypted under (`secret`, or the file `secret` in data_dir)"
            ))
        };
        let (nonce, sealed) = sealed.split_at_checked(NONCE_LENGTH).ok_or_else(wrong)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| wrong())?;
        let mut message = Zeroizing::new(sealed.to_vec());
        let length =
            self.key.open_in_place(nonce, Aad::from(name.as_bytes()), &mut message).map_err(|_| wrong())?.len();
        message.truncate(length);
        Ok(message)
    }
}
