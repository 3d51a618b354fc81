//! Writing a user who was not there before, whoever makes the account.

use chrono::{DateTime, Utc};
use sea_orm::ConnectionTrait;

use super::taken;
use crate::app::App;
use crate::audit;
use crate::callers::Actor;
use model::error::Result;
use store::changes::{self, Kind};
use store::users;

/// Writes a user, the audit record, and the change that tells of them. Ring `app.changed` after the commit.
///
/// # Errors
/// [`Error::Conflict`](model::error::Error::Conflict) when the address is taken.
pub(crate) async fn insert(
    app: &App,
    txn: &impl ConnectionTrait,
    actor: &Actor,
    action: &'static str,
    user: &users::Model,
    now: DateTime<Utc>,
) -> Result<()> {
    users::insert(txn, user).await.map_err(taken)?;
    audit::record(app, txn, actor, audit::of_user(action, None, user, None)).await?;
    changes::append(txn, Kind::UserCreated, user.id, None, user.version, now).await?;
    Ok(())
}
