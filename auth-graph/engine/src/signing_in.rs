//! Signing in: a first proof, the decision whether it is sufficient, and the session that begins with it.
//!
//! `login` (or another first proof) → `challenge` → `begin`. No other path begins a session for a user who signs in.

mod begin;
mod challenge;
mod events;
mod identifier;
mod login;
mod proof;

pub use identifier::{Identifier, require_usernames};
pub use login::{Login, login};
