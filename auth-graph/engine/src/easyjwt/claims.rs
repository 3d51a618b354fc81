//! The claims by which django-easyjwt and djangorestframework-simplejwt know the kind of a token and its user. No
//! policy and no hook can set them.

use serde_json::Value;

use model::config::{self, UserIdClaim};
use model::values::{AdditionalClaims, UserId};

const TOKEN_TYPE: &str = "token_type";
const USER_ID: &str = "user_id";

/// Returns the names of the claims that tokens have by this configuration.
pub(crate) fn names(config: &config::Claims) -> &'static [&'static str] {
    if config.django { &[USER_ID, TOKEN_TYPE] } else { &[] }
}

/// Returns whether tokens identify users by their numbers.
pub(crate) fn tells_numbers(config: &config::Claims) -> bool {
    config.django && config.user_id == UserIdClaim::Number
}

/// Adds the claims of a user's token, if they are switched on. Without a number, users are identified by their UUID.
pub(crate) fn add_of_user(config: &config::Claims, claims: &mut AdditionalClaims, user: UserId, number: Option<i64>) {
    add_of_service(config, claims);
    if config.django {
        claims.insert_reserved(USER_ID, number.map_or_else(|| user.to_string().into(), Value::from));
    }
}

/// Adds the claims of a service client's token, if they are switched on. A service client is no user's account.
pub(crate) fn add_of_service(config: &config::Claims, claims: &mut AdditionalClaims) {
    if config.django {
        claims.insert_reserved(TOKEN_TYPE, "access".into());
    }
}
