//! Making an account for somebody else.

use serde_json::json;

use super::{known_roles, person_name};
use crate::accounts::{Account, Rank, creating, metadata, passwords};
use crate::app::App;
use crate::callers::Actor;
use crate::callers::scopes_of;
use model::error::{Error, Result};
use model::values::{Email, NewPassword, Scopes, UserId};
use store::users;

/// An account to be made.
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// The address, which nobody else may have.
    pub email: Email,
    /// The password; none: they can not sign in until they have set one.
    pub password: Option<NewPassword>,
    /// Given name, may be empty.
    pub first_name: String,
    /// Family name, may be empty.
    pub last_name: String,
    /// What the flags say.
    pub rank: Rank,
    /// Further roles.
    pub roles: Vec<String>,
    /// Scopes beside those of the roles.
    pub scopes: Scopes,
    /// What services keep with the user.
    pub metadata: serde_json::Value,
    /// What only administrators see.
    pub private_metadata: serde_json::Value,
}

impl NewAccount {
    /// An account of somebody who has an address and a password and nothing else.
    #[must_use]
    pub fn plain(email: Email, password: Option<NewPassword>) -> Self {
        Self {
            email,
            password,
            first_name: String::new(),
            last_name: String::new(),
            rank: Rank::User,
            roles: Vec::new(),
            scopes: Scopes::default(),
            metadata: json!({}),
            private_metadata: json!({}),
        }
    }
}

/// Makes an account.
///
/// # Errors
/// [`Error::Conflict`] when the address is taken; [`Error::Forbidden`] when it would get more than the actor holds;
/// [`Error::ValidationFailed`] for a bad value; [`Error::Unavailable`] when too many passwords are being hashed.
pub async fn create(app: &App, actor: &Actor, new: NewAccount) -> Result<users::Model> {
    let now = app.clock.now();
    let user = users::Model {
        first_name: person_name("firstName", &new.first_name)?,
        last_name: person_name("lastName", &new.last_name)?,
        is_staff: new.rank != Rank::User,
        is_superuser: new.rank == Rank::Superuser,
        roles: known_roles(app, new.roles)?,
        scopes: new.scopes,
        metadata: metadata::checked(app, new.metadata)?,
        private_metadata: metadata::checked_private(app, new.private_metadata)?,
        ..users::Model::new(UserId::generate(now), new.email, now)
    };
    let mut account = Account::new(user);
    if let Some(password) = &new.password {
        account.set_password(passwords::hash(app, &account.user, password).await?, now);
    }
    let txn = store::begin(&app.db).await?;
    let powers = actor.powers(app, &txn).await?;
    if new.rank != Rank::User && !powers.are_complete() {
        return Err(Error::Forbidden);
    }
    powers.cover(&scopes_of(app, &account.user))?;
    creating::insert(app, &txn, actor, "user.create", &account, now).await?;
    txn.commit().await?;
    app.changed.notify_one();
    Ok(account.user)
}
