//! What only clients of django-easyjwt need: the accounts behind its paths, the integer by which they know a user, and
//! the names that they read in access tokens. Its paths are in the door `http/easyjwt`, and call sign-in, refresh and
//! sign-out like every other door.

mod account_fields;
mod accounts;
pub(crate) mod claims;
mod integer_id;

pub use account_fields::further_fields;
pub use accounts::{NewUnconfirmed, change_password_by_credentials, create_unconfirmed, is_disabled, require_creating};
pub use integer_id::{number_of, visible};
