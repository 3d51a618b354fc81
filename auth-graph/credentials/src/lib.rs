//! Keys, tokens, hashes and one-time tokens: all code that handles secrets.
//!
//! This crate does not know HTTP, tables or use cases; `engine` combines its parts.

pub mod access_tokens;
mod claims;
pub mod client_secrets;
pub mod csrf_tokens;
pub mod cursors;
mod derived;
mod faults;
pub mod foreign_hashes;
pub mod keyring;
mod mac_keys;
pub mod one_time_tokens;
pub mod passwords;
pub mod refresh_tokens;
pub mod revocations;
mod signer;
pub mod webhook_secrets;
pub mod webhook_signatures;

pub use access_tokens::AccessTokens;
pub use claims::Claims;
pub use csrf_tokens::CsrfTokens;
pub use cursors::Cursors;
pub use keyring::Keyring;
pub use passwords::{PasswordPool, Place};
pub use refresh_tokens::{Generation, RefreshTokens};
pub use revocations::Revocations;
pub use webhook_secrets::WebhookSecrets;
