//! Values with rules. They are parsed at the edge, and trusted afterwards.

mod amr;
mod claims;
mod email;
mod event_types;
mod ids;
mod json_schema;
mod locale;
mod password;
mod person_name;
mod phone_number;
mod projection;
mod scope;
mod search_text;
mod subject;
mod username;
mod webhook_secret;
mod webhook_url;

pub use amr::{Amr, Level, Method};
pub use claims::{AdditionalClaims, ClaimName, ClaimSource};
pub use email::Email;
pub use event_types::{EventType, EventTypes};
pub use ids::{ClientId, DeliveryId, EventId, MailId, SessionId, TokenId, UserId, WebhookId};
pub use json_schema::JsonSchema;
pub use locale::Locale;
pub use password::{NewPassword, Password, is_sample_password};
pub use person_name::PersonName;
pub use phone_number::PhoneNumber;
pub use projection::{Projection, RolesAndScopes, UserField};
pub use scope::{Scope, Scopes};
pub use search_text::{SearchText, folded};
pub use subject::{Holder, Revoked, Subject};
pub use username::Username;
pub use webhook_secret::WebhookSecret;
pub use webhook_url::WebhookUrl;
