//! The keys that authenticate what we gave away: new ones are made with the key of the secret in use, and those made
//! with the secrets before are accepted until their time is over.

use chrono::{DateTime, Utc};
use settings::Secrets;

use super::derived::MacKey;
use model::clock::Clock;

/// A key that signs, and all keys that verify.
#[derive(Debug)]
pub(super) struct MacKeys {
    current: MacKey,
    previous: Vec<(MacKey, Option<DateTime<Utc>>)>,
    clock: Clock,
}

impl MacKeys {
    pub(super) fn derive(secrets: &Secrets, purpose: &str, clock: Clock) -> Self {
        let former = secrets.previous.iter();
        Self {
            current: MacKey::derive(&secrets.current, purpose),
            previous: former.map(|old| (MacKey::derive(&old.secret, purpose), old.accepted_until)).collect(),
            clock,
        }
    }

    pub(super) fn sign(&self, message: &[u8]) -> [u8; MacKey::TAG_LENGTH] {
        self.current.sign(message)
    }

    /// Compares in constant time. Which of the keys it was is no secret.
    pub(super) fn verify(&self, message: &[u8], tag: &[u8]) -> bool {
        let now = self.clock.now();
        let accepted = self.previous.iter().filter(|(_, until)| until.is_none_or(|until| now < until));
        std::iter::once(&self.current).chain(accepted.map(|(key, _)| key)).any(|key| key.verify(message, tag))
    }
}
