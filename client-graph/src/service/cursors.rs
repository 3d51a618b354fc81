//! Cursors of lists: opaque and authenticated, so that a foreign cursor is refused before it reaches a query.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

use crate::error::Error;

const ID_LENGTH: usize = 16;
const TAG_LENGTH: usize = 32;

/// Creates and reads cursors (HMAC with SHA-256).
#[derive(Debug)]
pub(super) struct Cursors {
    key: hmac::Key,
}

impl Cursors {
    pub(super) fn new(secret: &[u8]) -> Self {
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, secret) }
    }

    /// Returns the cursor of a row of a list.
    pub(super) fn encode(&self, list: &str, id: Uuid) -> String {
        let tag = hmac::sign(&self.key, &message(list, id));
        URL_SAFE_NO_PAD.encode([id.as_bytes(), tag.as_ref()].concat())
    }

    /// Returns the row of a cursor of this list.
    ///
    /// # Errors
    /// `VALIDATION_FAILED` when the text is not a cursor of this list.
    pub(super) fn decode(&self, list: &str, cursor: &str) -> Result<Uuid, Error> {
        let mut bytes = [0; ID_LENGTH + TAG_LENGTH];
        let read = URL_SAFE_NO_PAD.decode_slice(cursor, &mut bytes);
        let (id, tag) = bytes.split_at(ID_LENGTH);
        let id = Uuid::from_bytes(id.try_into().expect("it is split at 16 bytes"));
        // The tag is compared in constant time.
        let genuine = read == Ok(ID_LENGTH + TAG_LENGTH) && hmac::verify(&self.key, &message(list, id), tag).is_ok();
        if genuine { Ok(id) } else { Err(Error::invalid("after", "is not a cursor of this list")) }
    }
}

fn message(list: &str, id: Uuid) -> Vec<u8> {
    [list.as_bytes(), id.as_bytes()].concat()
}
