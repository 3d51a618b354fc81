//! An account: a user and all credentials that they sign in with.
//!
//! The rules about accounts compare an [`Account`] before and after a change. A credential in another table therefore
//! counts like a column of the user.

use chrono::{DateTime, Utc};
use model::error::Result;
use sea_orm::ConnectionTrait;
use store::{user_credentials, users};

/// A user and all credentials that they sign in with.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Account {
    /// The row of the user.
    pub(crate) user: users::Model,
    credentials: Vec<user_credentials::Model>,
}

impl Account {
    /// Builds an account without credentials. No user can sign in to it yet.
    pub(crate) fn new(user: users::Model) -> Self {
        Self { user, credentials: Vec::new() }
    }

    /// Loads the credentials of a user. The caller locks the user's row first, so that no credential changes meanwhile.
    pub(crate) async fn of(txn: &impl ConnectionTrait, user: users::Model) -> Result<Self> {
        let mut credentials = user_credentials::of_user(txn, user.id).await?;
        sort(&mut credentials);
        Ok(Self { user, credentials })
    }

    /// Returns the password credential.
    pub(crate) fn password(&self) -> Option<&user_credentials::Model> {
        self.credentials.iter().find(|credential| is_password(credential))
    }

    /// Returns every credential except the password.
    pub(crate) fn factors(&self) -> impl Iterator<Item = &user_credentials::Model> {
        self.credentials.iter().filter(|credential| !is_password(credential))
    }

    /// Returns every credential.
    pub(crate) fn credentials(&self) -> &[user_credentials::Model] {
        &self.credentials
    }

    /// Replaces the password of the account by one with this hash.
    pub(crate) fn set_password(&mut self, hash: String, now: DateTime<Utc>) {
        self.set(user_credentials::Model::password(self.user.id, hash, now));
    }

    /// Removes every credential.
    pub(crate) fn remove_credentials(&mut self) {
        self.credentials.clear();
    }

    /// Removes the password.
    pub(crate) fn remove_password(&mut self) {
        self.credentials.retain(|credential| !is_password(credential));
    }

    /// Adds a credential, or replaces the one with the same kind and identifier.
    pub(crate) fn set(&mut self, credential: user_credentials::Model) {
        self.credentials.retain(|other| !other.is(&credential));
        self.credentials.push(credential);
        sort(&mut self.credentials);
    }
}

fn is_password(credential: &user_credentials::Model) -> bool {
    credential.kind == user_credentials::Kind::password()
}

fn sort(credentials: &mut [user_credentials::Model]) {
    credentials.sort_by(|one, other| (&one.kind, one.id).cmp(&(&other.kind, other.id)));
}

/// The difference that a change makes to an account.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Difference<'a> {
    /// The account before the change.
    pub(crate) before: &'a Account,
    /// The account after the change.
    pub(crate) after: &'a Account,
}

impl Difference<'_> {
    /// Returns whether the change deletes the user.
    pub(crate) fn deletes(&self) -> bool {
        self.before.user.deleted_at.is_none() && self.after.user.deleted_at.is_some()
    }

    /// Returns whether the change disables the user.
    pub(crate) fn disables(&self) -> bool {
        self.before.user.is_active && !self.after.user.is_active
    }

    /// Returns whether the address changes.
    pub(crate) fn address(&self) -> bool {
        self.before.user.email != self.after.user.email
    }

    /// Returns whether the password changes, is set or is removed.
    pub(crate) fn password(&self) -> bool {
        self.before.password() != self.after.password()
    }

    /// Returns whether any other credential changes, is added or is removed.
    pub(crate) fn factors(&self) -> bool {
        !self.before.factors().eq(self.after.factors())
    }

    /// Returns whether the change concerns more than the profile and the metadata of the user, such as signing in.
    pub(crate) fn beyond_profile(&self) -> bool {
        fn state(account: &Account) -> impl PartialEq {
            let user = &account.user;
            (&user.username, user.email_verified, user.is_active, user.deleted_at, user.erased_at)
        }
        self.sign_in() || state(self.before) != state(self.after)
    }

    /// Returns whether the address, the password or another credential changes. An actor who controls one of them can
    /// sign in as the user.
    pub(crate) fn sign_in(&self) -> bool {
        self.address() || self.password() || self.factors()
    }
}
