//! Signing in: a first proof, the decision whether it is enough, and the session that begins with it.
//!
//! `password` (and whatever else proves a user) → `challenge` → `begin`. No other path begins the session of a user
//! who signs in.

mod begin;
mod challenge;
mod events;
mod login;
pub(crate) mod password;
mod proof;

pub use login::{Login, login};
