//! Cursors of lists. They are opaque and authenticated: a forged cursor is rejected before it reaches a query.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use settings::Secrets;
use uuid::Uuid;

use super::derived::MacKey;
use super::mac_keys::MacKeys;
use model::clock::Clock;
use model::error::{Error, Result};

const ID_LENGTH: usize = 16;
const LENGTH: usize = ID_LENGTH + MacKey::TAG_LENGTH;

/// Encodes and decodes cursors.
#[derive(Debug)]
pub struct Cursors(MacKeys);

impl Cursors {
    /// Derives the keys from the secrets.
    #[must_use]
    pub fn new(secrets: &Secrets, clock: Clock) -> Self {
        Self(MacKeys::derive(secrets, "cursor", clock))
    }

    /// Returns the cursor of a row of a list.
    #[must_use]
    pub fn encode(&self, list: &'static str, id: Uuid) -> String {
        let mut bytes = [0; LENGTH];
        bytes[..ID_LENGTH].copy_from_slice(id.as_bytes());
        bytes[ID_LENGTH..].copy_from_slice(&self.0.sign(&message(list, id)));
        BASE64_URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Returns the identifier of the row that a cursor of this list refers to.
    ///
    /// # Errors
    /// [`Error::ValidationFailed`] for the argument, when it is not a cursor of this list.
    pub fn decode(&self, list: &'static str, argument: &'static str, cursor: &str) -> Result<Uuid> {
        let mut bytes = [0; LENGTH];
        let read = BASE64_URL_SAFE_NO_PAD.decode_slice(cursor, &mut bytes);
        let id = Uuid::from_bytes(bytes[..ID_LENGTH].try_into().expect("it is sliced to 16 bytes"));
        if read == Ok(LENGTH) && self.0.verify(&message(list, id), &bytes[ID_LENGTH..]) {
            Ok(id)
        } else {
            Err(Error::invalid(argument, "is not a cursor of this list"))
        }
    }
}

fn message(list: &str, id: Uuid) -> Vec<u8> {
    [list.as_bytes(), id.as_bytes()].concat()
}
