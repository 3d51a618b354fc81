//! After a restore from a backup: readers know changes that the database does not, and would take new changes for old
//! ones. Sessions and passwords are those of the backup; the operator decides about them.

use serde_json::Value;

use super::history;
use crate::app::App;
use crate::audit::{self, Entry};
use crate::callers::Actor;
use model::error::Result;
use store::{change_head, changes, one_time_tokens, users, webhooks};

/// Larger than the number of changes between two backups. A replica that runs notices the gap, and the numbers of
/// deliveries to webhooks do not repeat.
const CHANGES: i64 = 1_000_000_000;
/// Larger than the number of changes to one user.
const VERSIONS: i64 = 1_000_000;
/// Midnight of 2026-01-01 (UTC) in seconds since 1970. Versions are raised at least to the seconds since then, so that
/// those of another restore of the same backup are higher. JavaScript clients accept no version beyond 31 bits, which
/// lasts until 2094.
const START: i64 = 1_767_225_600;

/// Expires every cursor of the feed and raises the versions of all users above those of any copy, so that readers load
/// the snapshots. Deletes all one-time tokens, because some were used since the backup. Webhook endpoints receive the
/// changes from now on.
pub async fn announce(app: &App) -> Result<()> {
    let announced = store::transaction(&app.db, async |txn| {
        store::without_statement_timeout(txn).await?;
        users::raise_versions(txn, VERSIONS, app.clock.now().timestamp() - START).await?;
        one_time_tokens::delete_all(txn).await?;
        let (action, target_kind, target_id) = ("database.restored", "database", String::new());
        let entry = Entry { action, target_kind, target_id, before: Value::Null, after: Value::Null, reason: None };
        audit::record(app, txn, &Actor::operator(), entry).await?;
        // With a gap in the middle, readers that start at the oldest change would start over again and again.
        changes::delete_all(txn).await?;
        let head = change_head::take(txn, CHANGES).await?;
        webhooks::move_to(txn, head).await?;
        history::begin(txn).await
    });
    announced.await?;
    history::load(app).await
}
