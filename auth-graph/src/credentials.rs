//! The parts of App that know secrets: keys, tokens, passwords, and which sessions were ended.
//!
//! None of them reads the database or knows what a use case is; `auth` puts them together.

pub mod access_tokens;
mod answers;
pub mod breached_passwords;
pub mod claims_hook;
pub mod claims_policy;
pub mod client_secrets;
pub mod csrf_tokens;
pub mod cursors;
mod derived;
pub mod foreign_hashes;
pub mod keyring;
pub mod known_clients;
mod mac_keys;
pub mod one_time_tokens;
pub mod passwords;
pub mod refresh_tokens;
pub mod revocations;
mod signer;
pub mod webhook_secrets;
pub mod webhook_signatures;
pub mod written_answers;

pub use access_tokens::{AccessTokens, Claims};
pub use claims_hook::ClaimsHook;
pub use claims_policy::ClaimsPolicy;
pub use csrf_tokens::CsrfTokens;
pub use cursors::Cursors;
pub use keyring::Keyring;
pub use known_clients::KnownClients;
pub use passwords::PasswordPool;
pub use refresh_tokens::{Generation, RefreshTokens};
pub use revocations::Revocations;
pub use webhook_secrets::WebhookSecrets;
pub use written_answers::WrittenAnswers;
