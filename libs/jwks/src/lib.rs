//! The public keys of a token issuer, as its JSON Web Key Set (RFC 7517) publishes them.
//!
//! [`Keys`] finds a key by its `kid`. It fetches the set when a key is needed, keeps it while the issuer cannot be
//! reached, and fetches it again when keys rotate. Parallel lookups share one fetch, and invented key identifiers
//! cannot flood the issuer.
//!
//! A [`Key`] has one algorithm, which is a property of the key and never of a token. [`KeySet::read`] reads one
//! response of an issuer, bounded in size. This crate does not parse tokens and sends no requests: the owner of
//! [`Keys`] passes a function that fetches a set.

#![warn(missing_docs)]

mod key_set;
mod keys;

pub use key_set::{Key, KeySet, ReadError};
pub use keys::{FindError, Keys};
