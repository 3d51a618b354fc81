//! Cursors of the feed: positions of the outbox in its history.

use uuid::Uuid;

use crate::app::App;
use model::error::{Error, Result};

/// Names positions of the outbox in their cursors.
const POSITION: &str = "feed";

/// Returns the cursor of a position.
pub(super) fn encode(app: &App, position: i64) -> String {
    app.cursors.encode(POSITION, Uuid::from_u64_pair(app.feed.history.id(), position.unsigned_abs()))
}

/// Returns the position of a cursor.
///
/// # Errors
/// [`Error::ValidationFailed`] when the cursor is not one of the feed, [`Error::CursorExpired`] when it is one of
/// another history.
pub(super) fn decode(app: &App, cursor: &str) -> Result<i64> {
    let (history, position) = app.cursors.decode(POSITION, "after", cursor)?.as_u64_pair();
    if history != app.feed.history.id() {
        return Err(Error::CursorExpired);
    }
    i64::try_from(position).map_err(Error::internal)
}
