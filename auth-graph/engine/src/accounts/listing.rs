//! Lists of users, page by page, in the order in which they were made.

use crate::app::App;
use crate::pagination::{Listing, Page};
use model::error::Result;
use store::users::{self, Filter};

/// Names the list in its cursors.
const LIST: &str = "users";

/// One page of the users that a filter lets through.
///
/// # Errors
/// [`Error::ValidationFailed`](model::error::Error::ValidationFailed) for a cursor that is not ours, a length outside 0
/// to 100, and `first` with `last`.
pub async fn list(app: &App, filter: &Filter, page: &Page) -> Result<Listing<users::Model>> {
    let bounds = page.bounds(app, LIST)?;
    let found = users::page(&app.db, filter, bounds.window()).await?;
    Ok(bounds.listing(app, LIST, found, |user| user.id.0))
}

/// How many users a filter lets through.
///
/// # Errors
/// When the database fails.
pub async fn count(app: &App, filter: &Filter) -> Result<u64> {
    Ok(users::count(&app.db, filter).await?)
}
