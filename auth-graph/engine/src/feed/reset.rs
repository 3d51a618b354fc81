//! After the database was restored from a backup: others know of changes that it does not, and would take what happens
//! from now on for old. Sessions and passwords are as they were at the time of the backup, which is for the operator to
//! mend.

use serde_json::Value;

use crate::app::App;
use crate::audit::{self, Entry};
use crate::callers::Actor;
use model::error::Result;
use store::{change_head, changes, one_time_tokens, users, webhooks};

/// More changes than are made between two backups.
const CHANGES: i64 = 1_000_000_000;
/// More than are made to one user. Clients in JavaScript take no version beyond 31 bits.
const VERSIONS: i64 = 1_000_000;

/// Sends every reader of the feed back to the snapshots, and makes what these say newer than what copies hold. Links of
/// mails that were used since the backup do nothing any more, as do those that were not. The endpoints of webhooks are
/// told of what happens from now on.
pub async fn announce(app: &App) -> Result<()> {
    let txn = store::begin(&app.db).await?;
    users::raise_versions(&txn, VERSIONS).await?;
    one_time_tokens::delete_all(&txn).await?;
    let (action, target_kind, target_id) = ("database.restored", "database", String::new());
    let entry = Entry { action, target_kind, target_id, before: Value::Null, after: Value::Null, reason: None };
    audit::record(app, &txn, &Actor::operator(), entry).await?;
    // A gap in the middle would send those who read from the oldest change on in a circle.
    changes::delete_all(&txn).await?;
    let head = change_head::take(&txn, CHANGES).await?;
    webhooks::move_to(&txn, head).await?;
    Ok(txn.commit().await?)
}
