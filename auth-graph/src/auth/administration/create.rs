//! Making an account for somebody else.

use sea_orm::Set;
use serde_json::json;

use super::{known_roles, metadata, short, taken};
use crate::app::App;
use crate::auth::accounts::{Rank, password_rules};
use crate::auth::actor::Actor;
use crate::auth::audit::{self, Entry, facts};
use crate::auth::principal::scopes_of;
use crate::error::{Error, Result};
use crate::store::changes::{self, Kind};
use crate::store::{self, users};
use crate::values::{Email, NewPassword, Scopes, UserId};

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
        }
    }
}

/// Makes an account.
///
/// # Errors
/// [`Error::Conflict`] when the address is taken; [`Error::Forbidden`] when it would get more than the actor holds;
/// [`Error::ValidationFailed`] for a bad value; [`Error::Unavailable`] when too many passwords are being hashed.
pub async fn create(app: &App, actor: &Actor, new: NewAccount) -> Result<users::Model> {
    let (first_name, last_name) = (short("firstName", &new.first_name, 150)?, short("lastName", &new.last_name, 150)?);
    let (roles, metadata) = (known_roles(app, new.roles)?, metadata(new.metadata)?);
    let password_hash = match &new.password {
        Some(password) => {
            password_rules::check(app, password, &new.email, [&first_name, &last_name]).await?;
            Some(app.passwords.hash(password.as_secret()).await?)
        }
        None => None,
    };
    let now = app.clock.now();
    let row = users::ActiveModel {
        id: Set(UserId::generate(now)),
        email: Set(new.email),
        password_hash: Set(password_hash),
        first_name: Set(first_name),
        last_name: Set(last_name),
        is_active: Set(true),
        is_staff: Set(new.rank != Rank::User),
        is_superuser: Set(new.rank == Rank::Superuser),
        email_verified: Set(false),
        roles: Set(roles),
        scopes: Set(new.scopes),
        metadata: Set(metadata),
        date_joined: Set(now),
        updated_at: Set(now),
        version: Set(1),
        ..Default::default()
    };
    let txn = store::begin(&app.db).await?;
    let powers = actor.powers(app, &txn).await?;
    if new.rank != Rank::User && !powers.are_complete() {
        return Err(Error::Forbidden);
    }
    let user = users::insert(&txn, row).await.map_err(taken)?;
    powers.cover(&scopes_of(app, &user))?;
    let (target_id, after) = (user.id.to_string(), facts(&user));
    let entry =
        Entry { action: "user.create", target_kind: "user", target_id, before: json!(null), after, reason: None };
    audit::record(app, &txn, actor, entry).await?;
    changes::append(&txn, Kind::UserCreated, user.id, None, user.version, now).await?;
    txn.commit().await?;
    app.changed.notify_one();
    Ok(user)
}
