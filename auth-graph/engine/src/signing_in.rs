//! Signing in: from a proof of who somebody is to a session.

pub(crate) mod compare;
mod login;

pub use login::{Login, login};
