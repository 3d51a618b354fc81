//! Password hashes of other systems: parsed, limited in cost, and compared in their own format.
//!
//! This module creates no such hashes. The import brings them in, and each one is replaced by a hash of our own when
//! its user next signs in. The formats are in `read`.

mod cost;
mod hash;
mod read;

pub use hash::ForeignHash;

/// Minimum length of a digest. A shorter one would match too many passwords.
const SHORTEST_DIGEST: usize = 16;
const LONGEST: usize = 1024;

/// Reason for which a hash cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unusable {
    /// The format is unknown, or the hash is malformed.
    Unknown,
    /// A single comparison would take too long, or too much memory.
    TooCostly,
}

impl ForeignHash {
    /// Parses a hash of another system, and rejects one whose comparison would be too costly.
    ///
    /// # Errors
    /// [`Unusable`].
    pub fn parse(text: &str) -> Result<Self, Unusable> {
        let hash = read(text)?;
        if hash.is_affordable() { Ok(hash) } else { Err(Unusable::TooCostly) }
    }

    /// Parses a stored hash. It may also be one of our own that has any cost that can be configured.
    ///
    /// # Errors
    /// [`Unusable`].
    pub(crate) fn parse_stored(text: &str) -> Result<Self, Unusable> {
        let hash = read(text)?;
        if hash.is_affordable() || hash.is_configurable() { Ok(hash) } else { Err(Unusable::TooCostly) }
    }
}

fn read(text: &str) -> Result<ForeignHash, Unusable> {
    if text.len() > LONGEST {
        return Err(Unusable::Unknown);
    }
    let hash = read::read(text).ok_or(Unusable::Unknown)?;
    if hash.digest_length() < SHORTEST_DIGEST { Err(Unusable::Unknown) } else { Ok(hash) }
}
