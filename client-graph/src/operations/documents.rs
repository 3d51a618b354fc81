//! The operations of `schema/operations`, and the types of their answers, generated from the schema.

use graphql_client::GraphQLQuery;
use serde_json::Value as JSON;
use uuid::Uuid;

use super::User as PlainUser;
use crate::error::Error;
use crate::ids::UserId;

type DateTime = chrono::DateTime<chrono::Utc>;

macro_rules! operations {
    ($($name:ident $module:ident $fragment:ident $path:tt)*) => {$(
        #[derive(GraphQLQuery)]
        #[graphql(schema_path = "schema/auth.graphql", query_path = $path, skip_serializing_none)]
        pub(crate) struct $name;

        impl TryFrom<$module::$fragment> for PlainUser {
            type Error = Error;

            fn try_from(user: $module::$fragment) -> Result<Self, Error> {
                Ok(Self {
                    id: user_id(&user.id)?,
                    email: shown(user.email)?,
                    first_name: shown(user.first_name)?,
                    last_name: shown(user.last_name)?,
                    phone_number: user.phone_number,
                    date_joined: shown(user.date_joined)?,
                    is_active: shown(user.is_active)?,
                    is_staff: shown(user.is_staff)?,
                    is_superuser: shown(user.is_superuser)?,
                    email_verified: shown(user.email_verified)?,
                    roles: shown(user.roles)?,
                    scopes: shown(user.scopes)?,
                    metadata: shown(user.metadata)?,
                    updated_at: shown(user.updated_at)?,
                    version: shown(user.version)?,
                })
            }
        }
    )*};
}

#[derive(GraphQLQuery)]
#[graphql(schema_path = "schema/auth.graphql", query_path = "schema/operations/verify.graphql", skip_serializing_none)]
pub(crate) struct Verify;

#[derive(GraphQLQuery)]
#[graphql(schema_path = "schema/auth.graphql", query_path = "schema/operations/logout.graphql", skip_serializing_none)]
pub(crate) struct Logout;

#[cfg(feature = "proxy")]
#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "schema/auth.graphql",
    query_path = "schema/operations/change_password.graphql",
    skip_serializing_none
)]
pub(crate) struct ChangePassword;

operations! {
    Login login LoginFields "schema/operations/login.graphql"
    Refresh refresh RefreshFields "schema/operations/refresh.graphql"
    Me me MeFields "schema/operations/me.graphql"
    Profile profile ProfileFields "schema/operations/profile.graphql"
    User user UserFields "schema/operations/user.graphql"
    Users users UsersFields "schema/operations/users.graphql"
}

#[cfg(feature = "proxy")]
operations! {
    UserProfile user_profile UserProfileFields "schema/operations/user_profile.graphql"
}

/// Returns a field of a user that is null only together with an error.
fn shown<T>(field: Option<T>) -> Result<T, Error> {
    field.ok_or_else(|| Error::unavailable("a field of the user is missing in the answer"))
}

/// Parses an identifier in an answer. An answer with an identifier that is not a UUID is rejected as a whole.
pub(crate) fn user_id(id: &str) -> Result<UserId, Error> {
    Uuid::try_parse(id).map(UserId).map_err(|_| Error::unavailable("an identifier in the answer is not a UUID"))
}

/// Returns the schema's name of a challenge method.
pub(crate) fn challenge_method(method: login::SignInChallengeMethod) -> String {
    match method {
        login::SignInChallengeMethod::TOTP => "TOTP".to_owned(),
        login::SignInChallengeMethod::Other(name) => name,
    }
}
