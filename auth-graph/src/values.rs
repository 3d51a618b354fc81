//! The values that carry a rule: parse them at the edge, then trust them.

mod claims;
mod email;
mod ids;
mod password;
mod scope;
mod search_text;
mod webhook_secret;

pub use claims::{AdditionalClaims, ClaimName, ClaimSource};
pub use email::Email;
pub use ids::{ClientId, SessionId, TokenId, UserId};
pub use password::{NewPassword, is_sample_password};
pub use scope::{Scope, Scopes};
pub use search_text::SearchText;
pub use webhook_secret::WebhookSecret;
