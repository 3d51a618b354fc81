//! An account: a user and everything that they sign in with.
//!
//! The rules about accounts compare an [`Account`] before and after a change, so that a credential in another table
//! counts like a column of the user.

use chrono::{DateTime, Utc};
use model::error::Result;
use sea_orm::ConnectionTrait;
use store::{user_credentials, users};

/// A user and everything that they sign in with.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Account {
    /// The user.
    pub(crate) user: users::Model,
    credentials: Vec<user_credentials::Model>,
}

impl Account {
    /// An account that nobody can sign in to yet.
    pub(crate) fn new(user: users::Model) -> Self {
        Self { user, credentials: Vec::new() }
    }

    /// Loads the credentials of a user. Lock the user's row before, so that none of them changes meanwhile.
    pub(crate) async fn of(txn: &impl ConnectionTrait, user: users::Model) -> Result<Self> {
        let mut credentials = user_credentials::of_user(txn, user.id).await?;
        sort(&mut credentials);
        Ok(Self { user, credentials })
    }

    /// The password.
    pub(crate) fn password(&self) -> Option<&user_credentials::Model> {
        self.credentials.iter().find(|credential| is_password(credential))
    }

    /// Every credential but the password.
    pub(crate) fn factors(&self) -> impl Iterator<Item = &user_credentials::Model> {
        self.credentials.iter().filter(|credential| !is_password(credential))
    }

    /// Every credential.
    pub(crate) fn credentials(&self) -> &[user_credentials::Model] {
        &self.credentials
    }

    /// Gives the account another password, by its hash.
    pub(crate) fn set_password(&mut self, hash: String, now: DateTime<Utc>) {
        self.set(user_credentials::Model::password(self.user.id, hash, now));
    }

    /// Takes the password away.
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
    /// Whether the user is deleted by the change.
    pub(crate) fn deletes(&self) -> bool {
        self.before.user.deleted_at.is_none() && self.after.user.deleted_at.is_some()
    }

    /// Whether the user is disabled by the change.
    pub(crate) fn disables(&self) -> bool {
        self.before.user.is_active && !self.after.user.is_active
    }

    /// Whether the address changes.
    pub(crate) fn address(&self) -> bool {
        self.before.user.email != self.after.user.email
    }

    /// Whether the password changes, is set or is taken away.
    pub(crate) fn password(&self) -> bool {
        self.before.password() != self.after.password()
    }

    /// Whether any other credential changes, is added or is removed.
    pub(crate) fn factors(&self) -> bool {
        !self.before.factors().eq(self.after.factors())
    }

    /// Whether the user signs in by something else afterwards: whoever decides that can sign in as them.
    pub(crate) fn sign_in(&self) -> bool {
        self.address() || self.password() || self.factors()
    }
}
