//! Password hashes that other systems have made: read, bounded in cost, and compared as they are.
//!
//! None is ever made here. They come in by the import, and each is replaced by a hash of ours when its user next signs
//! in. The formats are in `read`.

mod hash;
mod read;

pub use hash::ForeignHash;

/// A shorter digest would let too many passwords pass.
const SHORTEST_DIGEST: usize = 16;
const LONGEST: usize = 1024;

/// The reason for which a hash cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unusable {
    /// It is of no format that is known here, or malformed.
    Unknown,
    /// A single comparison would occupy the service for seconds.
    TooCostly,
}

impl ForeignHash {
    /// Reads a hash, and refuses what would cost too much to compare.
    ///
    /// # Errors
    /// [`Unusable`].
    pub fn parse(text: &str) -> Result<Self, Unusable> {
        if text.len() > LONGEST {
            return Err(Unusable::Unknown);
        }
        let hash = read::read(text).ok_or(Unusable::Unknown)?;
        if hash.digest_length() < SHORTEST_DIGEST {
            return Err(Unusable::Unknown);
        }
        if hash.is_too_costly() { Err(Unusable::TooCostly) } else { Ok(hash) }
    }
}
