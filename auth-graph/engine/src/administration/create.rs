//! Creating an account for another person.

use serde_json::json;

use super::{known_roles, person_name};
use crate::accounts::{Account, Rank, creating, metadata, passwords};
use crate::app::App;
use crate::callers::Actor;
use crate::signing_in::require_usernames;
use model::error::{Error, Result};
use model::values::{Email, NewPassword, Scopes, UserId, Username};
use store::users;

/// An account that an administrator creates.
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// E-mail address, which no other user may have. A user with a user name may have none.
    pub email: Option<Email>,
    /// Name to sign in with, which no other user may have.
    pub username: Option<Username>,
    /// Password; without one, the user cannot sign in until they have set one.
    pub password: Option<NewPassword>,
    /// Given name; may be empty.
    pub first_name: String,
    /// Family name; may be empty.
    pub last_name: String,
    /// Rank, which sets the flags.
    pub rank: Rank,
    /// Roles in addition to the rank.
    pub roles: Vec<String>,
    /// Scopes in addition to those of the roles.
    pub scopes: Scopes,
    /// Metadata that services store with the user.
    pub metadata: serde_json::Value,
    /// Metadata that only administrators see.
    pub private_metadata: serde_json::Value,
}

impl NewAccount {
    /// Builds an account with an address and a password and nothing else.
    #[must_use]
    pub fn plain(email: Email, password: Option<NewPassword>) -> Self {
        Self::of(Some(email), None, password)
    }

    /// Builds an account with what a person signs in with, and nothing else.
    #[must_use]
    pub fn of(email: Option<Email>, username: Option<Username>, password: Option<NewPassword>) -> Self {
        Self {
            email,
            username,
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

/// Creates an account.
///
/// # Errors
/// [`Error::Conflict`] when the address or the user name is taken; [`Error::Forbidden`] when the account would get
/// more than the actor holds; [`Error::ValidationFailed`] for a bad value; [`Error::Unavailable`] when too many
/// passwords are being hashed.
pub async fn create(app: &App, actor: &Actor, new: NewAccount) -> Result<users::Model> {
    let now = app.clock.now();
    let id = UserId::generate(now);
    if new.username.is_some() {
        require_usernames(app)?;
    }
    let email = match (new.email, &new.username) {
        (Some(email), _) => email,
        (None, Some(_)) => Email::missing(id),
        (None, None) => return Err(Error::invalid("email", "is required, unless the user has a user name")),
    };
    let user = users::Model {
        username: new.username,
        first_name: person_name("firstName", &new.first_name)?,
        last_name: person_name("lastName", &new.last_name)?,
        is_staff: new.rank != Rank::User,
        is_superuser: new.rank == Rank::Superuser,
        roles: known_roles(app, new.roles)?,
        scopes: new.scopes,
        metadata: metadata::checked(app, new.metadata)?,
        private_metadata: metadata::checked_private(app, new.private_metadata)?,
        ..users::Model::new(id, email, now)
    };
    let mut account = Account::new(user);
    if let Some(password) = &new.password {
        account.set_password(passwords::hash(app, &account.user, password).await?, now);
    }
    let created = store::transaction(&app.db, async |txn| {
        let powers = actor.powers(app, txn).await?;
        if new.rank != Rank::User && !powers.is_everything() {
            return Err(Error::Forbidden);
        }
        powers.require_all_of(app, &account.user)?;
        creating::insert(app, txn, actor, "user.create", &account, now).await
    });
    created.await?;
    app.feed.written.notify_one();
    Ok(account.user)
}
