//! Keys that authenticate refresh tokens, cursors and CSRF tokens. The current secret signs; previous secrets verify
//! until their configured time is over.

use chrono::{DateTime, Utc};
use settings::Secrets;

use super::derived::MacKey;
use model::clock::Clock;

/// The key that signs, and all keys that verify.
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

    /// Verifies a tag in constant time. The duration may reveal which key matched, which is not a secret.
    pub(super) fn verify(&self, message: &[u8], tag: &[u8]) -> bool {
        let now = self.clock.now();
        let accepted = self.previous.iter().filter(|(_, until)| until.is_none_or(|until| now < until));
        std::iter::once(&self.current).chain(accepted.map(|(key, _)| key)).any(|key| key.verify(message, tag))
    }
}
