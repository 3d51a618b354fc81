//! Cursors of the feed: positions of the outbox.

use uuid::Uuid;

use crate::app::App;
use model::error::{Error, Result};

/// Names positions of the outbox in their cursors.
const POSITION: &str = "feed";

/// Returns the cursor of a position.
pub(super) fn encode(app: &App, position: i64) -> String {
    app.cursors.encode(POSITION, Uuid::from_u128(u128::from(position.unsigned_abs())))
}

/// Returns the position of a cursor.
///
/// # Errors
/// When the cursor is not one of the feed.
pub(super) fn decode(app: &App, cursor: &str) -> Result<i64> {
    let position = app.cursors.decode(POSITION, "after", cursor)?.as_u128();
    i64::try_from(position).map_err(Error::internal)
}
