//! Inputs of the administrators' mutations.

use async_graphql::types::Json;
use async_graphql::{ID, InputObject};
use serde_json::{Value, json};

use crate::graphql::error::Result;
use engine::accounts::Rank;
use engine::administration::{NewAccount, Update};
use model::values::{Email, Locale, NewPassword, Scope, Scopes, UserId};

/// Details of the account to create.
#[derive(InputObject)]
pub struct CreateUserInput {
    /// E-mail address. No other user can have it. It can be left out for a user with a user name.
    email: Option<String>,
    /// Name to sign in with, up to 150 characters, if the service accepts user names. No other user can have it. Upper
    /// and lower case are different.
    username: Option<String>,
    /// Password: 8 to 256 characters. Without one, the user cannot sign in until they have set a password with the link
    /// that `requestPasswordReset` sends.
    #[graphql(secret)]
    password: Option<String>,
    /// Given name, up to 150 characters.
    #[graphql(default)]
    first_name: String,
    /// Family name, up to 150 characters.
    #[graphql(default)]
    last_name: String,
    /// True to give the role `staff`. Only superusers can give it.
    #[graphql(default)]
    is_staff: bool,
    /// True to give the role `superuser`, which includes `staff`. Only superusers can give it.
    #[graphql(default)]
    is_superuser: bool,
    /// Roles of the user, other than `staff` and `superuser`.
    #[graphql(default)]
    roles: Vec<String>,
    /// Scopes of the user, in addition to those of the roles.
    #[graphql(default)]
    scopes: Vec<String>,
    /// Object with custom data that services and the user store with the account, up to 16 KiB.
    metadata: Option<Json<Value>>,
    /// Object with custom data that only administrators see, up to 16 KiB.
    private_metadata: Option<Json<Value>>,
}

/// Details of an invitation.
#[derive(InputObject)]
pub struct InviteUserInput {
    /// E-mail address to invite. The invitation is valid for this address only.
    email: String,
    /// Language of the mail, such as `de` or `de-AT`.
    locale: Option<String>,
}

/// Two accounts to merge.
#[derive(InputObject)]
pub struct MergeUsersInput {
    /// Identifier of the account to delete.
    pub(super) id: ID,
    /// Identifier of the account to keep.
    pub(super) into: ID,
    /// Reason for the audit log: 1 to 500 characters.
    pub(super) reason: String,
}

/// Changes to a user account. Fields that are left out stay unchanged.
#[derive(InputObject)]
pub struct UpdateUserInput {
    /// Identifier of the user.
    id: ID,
    /// E-mail address. A new address is unverified unless `emailVerified` is true as well.
    email: Option<String>,
    /// True when the e-mail address is known to belong to the user.
    email_verified: Option<bool>,
    /// Name to sign in with. An empty string removes it.
    username: Option<String>,
    /// Given name, up to 150 characters.
    first_name: Option<String>,
    /// Family name, up to 150 characters.
    last_name: Option<String>,
    /// Phone number. An empty string removes it.
    phone_number: Option<String>,
    /// True to give the role `staff`, false to remove it. Only superusers can change it.
    is_staff: Option<bool>,
    /// True to give the role `superuser`, false to remove it. Only superusers can change it.
    is_superuser: Option<bool>,
    /// Object that replaces the whole `metadata`, up to 16 KiB.
    metadata: Option<Json<Value>>,
    /// Object that replaces the whole private metadata, up to 16 KiB.
    private_metadata: Option<Json<Value>>,
}

/// New roles and scopes of a user. They replace the existing ones.
#[derive(InputObject)]
pub struct SetUserRolesInput {
    /// Identifier of the user.
    id: ID,
    /// Roles that the configuration defines. The roles `staff` and `superuser` are not accepted here: `updateUser`
    /// changes them with `isStaff` and `isSuperuser`.
    roles: Vec<String>,
    /// Scopes in addition to those of the roles.
    scopes: Vec<String>,
}

/// New password of a user.
#[derive(InputObject)]
pub struct SetUserPasswordInput {
    /// Identifier of the user.
    pub(super) id: ID,
    /// New password: 8 to 256 characters.
    #[graphql(secret)]
    pub(super) password: String,
}

/// User to act as.
#[derive(InputObject)]
pub struct ImpersonateInput {
    /// Identifier of the user.
    pub(super) id: ID,
    /// Reason for the audit log: 1 to 500 characters.
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
            email: self.email.map(|email| email.parse()).transpose()?,
            username: self.username.map(|name| name.parse()).transpose()?,
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
            username: self.username,
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
