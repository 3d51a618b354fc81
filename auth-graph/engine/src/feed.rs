//! The outbox as other services read it: changes to users and sessions in the order of their commits, from any position
//! that is still kept; snapshots of all users; and recent revocations.
//!
//! A change carries the user at the time of reading, not at the time of the change. Copies keep the highest version, so
//! that neither repetition nor order matters.

mod cursor;
pub(crate) mod history;
mod listing;
pub mod outbox;
pub mod reset;
mod snapshot;
mod subscription;

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use sea_orm::ConnectionTrait;

use super::callers::view::UserView;
use crate::announcements::{Announced, Announcement};
use crate::app::App;
use model::error::{Error, Result};
use model::values::UserId;
use store::{changes, outbox as rows, users};

pub use listing::{Page, changes_after, revocations, snapshot, snapshots};
pub use snapshot::{Change, ChangeKind, Revocation, Snapshot};
pub use subscription::follow;

/// Scope for reading the feed.
pub const FEED_READ: &str = "feed:read";

/// Publishes changes that were read from the outbox to the subscribers in this process.
pub(super) async fn announce(app: &App, found: &[changes::Model]) -> Result<()> {
    if app.feed.announcements.subscribers() > 0 {
        for announced in with_users(&app.live_db, found).await? {
            app.feed.announcements.publish(Announcement::Change(Arc::new(announced)));
        }
    }
    Ok(())
}

/// Publishes to the subscribers in this process that they have all changes up to a time.
pub fn announce_current(app: &App, at: DateTime<Utc>) {
    app.feed.announcements.publish(Announcement::Current(app.tokens.revocations.followed_position(), at));
}

/// Deletes the changes that are older than the retention period.
pub async fn purge(app: &App, now: DateTime<Utc>) -> Result<()> {
    let retention = app.config.feed.retention;
    // Only changes with a position are deleted.
    rows::last(&app.db).await?;
    changes::purge(&app.db, now - retention).await?;
    Ok(())
}

/// Returns the changes after a position, or the oldest ones.
///
/// # Errors
/// [`Error::CursorExpired`] when the one that follows is not kept any more, or the outbox was set back.
async fn read(app: &App, after: Option<i64>, limit: u64) -> Result<Vec<changes::Model>> {
    let Some(position) = after else { return Ok(rows::after(&app.db, 0, limit).await?) };
    // The head is read first, so that a change that is committed between the two reads does not look deleted.
    let head = rows::last(&app.db).await?;
    history::check(app, "a reader of the feed", position, head);
    let found = changes::after(&app.db, position, limit).await?;
    let whole = match found.first() {
        Some(first) => first.position == position + 1,
        None => head == position,
    };
    if whole { Ok(found) } else { Err(Error::CursorExpired) }
}

/// Returns the changes with the users that they are about, read once for all of them.
async fn with_users(db: &impl ConnectionTrait, found: &[changes::Model]) -> Result<Vec<Announced>> {
    let mut ids: Vec<UserId> = found.iter().filter_map(changes::Model::changed_user).collect();
    ids.sort_unstable();
    ids.dedup();
    let users: HashMap<UserId, users::Model> =
        users::with_deleted(db, &ids).await?.into_iter().map(|user| (user.id, user)).collect();
    let announced = found.iter().map(|change| {
        let user = change.changed_user().and_then(|user| users.get(&user));
        Announced { change: change.clone(), user: user.cloned() }
    });
    Ok(announced.collect())
}

/// Returns a change as an unlimited reader sees it, or `None` for an internal change of auth-graph.
pub(super) async fn describe(app: &App, change: changes::Model) -> Result<Option<Change>> {
    let announced = with_users(&app.db, &[change]).await?;
    announced.first().map_or(Ok(None), |announced| Change::new(app, &UserView::everything(), announced))
}
