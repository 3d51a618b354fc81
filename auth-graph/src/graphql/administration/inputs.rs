//! What the mutations of administrators take.

use async_graphql::types::Json;
use async_graphql::{ID, InputObject};
use serde_json::{Value, json};

use crate::graphql::error::Result;
use engine::accounts::Rank;
use engine::administration::{NewAccount, Update};
use model::values::{Email, Locale, NewPassword, Scope, Scopes, UserId};

/// An account to be made.
#[derive(InputObject)]
pub struct CreateUserInput {
    /// The e-mail address, which nobody else may have.
    email: String,
    /// The password; left out: they can not sign in until they have set one.
    #[graphql(secret)]
    password: Option<String>,
    /// The given name.
    #[graphql(default)]
    first_name: String,
    /// The family name.
    #[graphql(default)]
    last_name: String,
    /// Whether they are staff; for superusers to give.
    #[graphql(default)]
    is_staff: bool,
    /// Whether they are a superuser, and staff with it; for superusers to give.
    #[graphql(default)]
    is_superuser: bool,
    /// Their roles.
    #[graphql(default)]
    roles: Vec<String>,
    /// Their scopes beside those of the roles.
    #[graphql(default)]
    scopes: Vec<String>,
    /// What services keep with the user, an object of at most 16 KiB.
    metadata: Option<Json<Value>>,
    /// What only administrators see, an object of at most 16 KiB.
    private_metadata: Option<Json<Value>>,
}

/// Somebody who shall make an account.
#[derive(InputObject)]
pub struct InviteUserInput {
    /// Their e-mail address: the invitation is for this one only.
    email: String,
    /// The language of the mail, such as `de` or `de-AT`.
    locale: Option<String>,
}

/// Two accounts of which one shall be made.
#[derive(InputObject)]
pub struct MergeUsersInput {
    /// The `id` of the account that ends.
    pub(super) id: ID,
    /// The `id` of the account that stays.
    pub(super) into: ID,
    /// Why, for the audit log: 1 to 500 characters.
    pub(super) reason: String,
}

/// What shall be different about an account; what is left out stays as it is.
#[derive(InputObject)]
pub struct UpdateUserInput {
    /// The user's `id`.
    id: ID,
    /// The e-mail address. A new one counts as not verified unless `emailVerified` is given too.
    email: Option<String>,
    /// Whether the address was shown to be the user's.
    email_verified: Option<bool>,
    /// The given name.
    first_name: Option<String>,
    /// The family name.
    last_name: Option<String>,
    /// The phone number; empty: none.
    phone_number: Option<String>,
    /// Whether they are staff; for superusers to change.
    is_staff: Option<bool>,
    /// Whether they are a superuser; for superusers to change.
    is_superuser: Option<bool>,
    /// What services keep with the user, as a whole: an object of at most 16 KiB.
    metadata: Option<Json<Value>>,
    /// What only administrators see, as a whole: an object of at most 16 KiB.
    private_metadata: Option<Json<Value>>,
}

/// Roles and scopes, in place of those before.
#[derive(InputObject)]
pub struct SetUserRolesInput {
    /// The user's `id`.
    id: ID,
    /// Roles of the configuration, other than `staff` and `superuser`, which are flags.
    roles: Vec<String>,
    /// Scopes beside those of the roles.
    scopes: Vec<String>,
}

/// A password for somebody.
#[derive(InputObject)]
pub struct SetUserPasswordInput {
    /// The user's `id`.
    pub(super) id: ID,
    /// The password, 8 to 256 characters.
    #[graphql(secret)]
    pub(super) password: String,
}

/// Whom to act as.
#[derive(InputObject)]
pub struct ImpersonateInput {
    /// The user's `id`.
    pub(super) id: ID,
    /// Why, for the audit log: 1 to 500 characters.
    pub(super) reason: String,
}

impl CreateUserInput {
    pub(super) fn parse(self) -> Result<NewAccount> {
        let rank = match (self.is_superuser, self.is_staff) {
            (true, _) => Rank::Superuser,
            (false, true) => Rank::Staff,
            (false, false) => Rank::User,
        };
        Ok(NewAccount {
            email: self.email.parse()?,
            password: self.password.map(|password| NewPassword::parse(password.into())).transpose()?,
            first_name: self.first_name,
            last_name: self.last_name,
            rank,
            roles: self.roles,
            scopes: scopes(&self.scopes)?,
            metadata: self.metadata.map_or_else(|| json!({}), |metadata| metadata.0),
            private_metadata: self.private_metadata.map_or_else(|| json!({}), |metadata| metadata.0),
        })
    }
}

impl InviteUserInput {
    pub(super) fn parse(self) -> Result<(Email, Option<Locale>)> {
        Ok((self.email.parse()?, self.locale.map(|locale| locale.parse()).transpose()?))
    }
}

impl UpdateUserInput {
    pub(super) fn parse(self) -> Result<(UserId, Update)> {
        let update = Update {
            email: self.email.map(|email| email.parse()).transpose()?,
            email_verified: self.email_verified,
            first_name: self.first_name,
            last_name: self.last_name,
            phone_number: self.phone_number,
            is_staff: self.is_staff,
            is_superuser: self.is_superuser,
            metadata: self.metadata.map(|metadata| metadata.0),
            private_metadata: self.private_metadata.map(|metadata| metadata.0),
        };
        Ok((self.id.parse()?, update))
    }
}

impl SetUserRolesInput {
    pub(super) fn parse(self) -> Result<(UserId, Vec<String>, Scopes)> {
        Ok((self.id.parse()?, self.roles, scopes(&self.scopes)?))
    }
}

fn scopes(texts: &[String]) -> Result<Scopes> {
    Ok(texts.iter().map(|scope| scope.parse::<Scope>()).collect::<std::result::Result<_, _>>()?)
}
