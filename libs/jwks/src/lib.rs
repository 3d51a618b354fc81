//! The public keys of a token issuer, as its JSON Web Key Set (RFC 7517) publishes them.
//!
//! [`Keys`] finds a key by its `kid`. It fetches the set when a key is needed, keeps it while the issuer is away, and
//! fetches it again when keys rotate. Parallel lookups share one fetch, and made-up key ids cannot flood the issuer.
//!
//! A [`Key`] has one algorithm, which is a property of the key and never of a token. [`KeySet::read`] reads one answer
//! of an issuer, bounded in size. This crate does not read tokens, and does not know who sends the requests: the owner
//! of [`Keys`] passes a function that fetches a set.

#![warn(missing_docs)]

mod key_set;
mod keys;

pub use key_set::{Key, KeySet, ReadError};
pub use keys::{FindError, Keys};
