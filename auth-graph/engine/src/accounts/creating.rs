//! Inserting a new user, for every function that creates an account.

use chrono::{DateTime, Utc};
use sea_orm::ConnectionTrait;

use super::account::Account;
use super::taken;
use crate::app::App;
use crate::audit;
use crate::callers::Actor;
use model::error::Result;
use store::changes::{self, Kind};
use store::{user_credentials, users};

/// Inserts a user with their credentials, the audit record, and the outbox change that announces them. The caller
/// notifies `app.feed.written` after the commit.
///
/// # Errors
/// [`Error::Conflict`](model::error::Error::Conflict) when the address is taken.
pub(crate) async fn insert(
    app: &App,
    txn: &impl ConnectionTrait,
    actor: &Actor,
    action: &'static str,
    account: &Account,
    now: DateTime<Utc>,
) -> Result<()> {
    let user = &account.user;
    users::insert(txn, user).await.map_err(taken)?;
    user_credentials::insert_many(txn, account.credentials().to_vec()).await?;
    audit::record(app, txn, actor, audit::of_account(action, None, account, None)).await?;
    changes::append_user(txn, Kind::UserCreated, user.id, user.version, now).await?;
    Ok(())
}
