//! Lists of users, page by page, in the order of creation.

use crate::app::App;
use crate::pagination::{Listing, Page};
use model::error::Result;
use store::users::{self, Filter};

/// Name of the list in its cursors.
const LIST: &str = "users";

/// Returns one page of the users that match a filter.
///
/// # Errors
/// [`Error::ValidationFailed`](model::error::Error::ValidationFailed) for a cursor that this service did not make, a
/// length outside 0 to 100, and `first` with `last`.
pub async fn list(app: &App, filter: &Filter, page: &Page) -> Result<Listing<users::Model>> {
    let bounds = page.bounds(app, LIST)?;
    let found = users::page(&app.db, filter, bounds.window()).await?;
    Ok(bounds.listing(app, LIST, found, |user| user.id.0))
}

/// Writes the missing search texts of some users, and returns their number. A user without one is found by the spelling
/// that the database knows.
pub async fn fill_search_keys(app: &App) -> Result<u64> {
    Ok(users::fill_search_keys(&app.db).await?)
}

/// Returns the number of users that match a filter.
pub async fn count(app: &App, filter: &Filter) -> Result<u64> {
    Ok(users::count(&app.db, filter).await?)
}
