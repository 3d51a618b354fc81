//! Finds deleted users who can be restored, for the operator.

use crate::app::App;
use crate::pagination::{Listing, Page};
use model::error::{Error, Result};
use model::values::{Email, UserId};
use store::users;

/// Name of the list in its cursors.
const LIST: &str = "deleted_users";

/// Returns one page of the deleted users who can be restored, in the order of their creation.
///
/// # Errors
/// [`Error::ValidationFailed`] for a bad page.
pub async fn list_deleted(app: &App, page: &Page) -> Result<Listing<users::Model>> {
    let bounds = page.bounds(app, LIST)?;
    let found = users::deleted_page(&app.db, bounds.window()).await?;
    Ok(bounds.listing(app, LIST, found, |user| user.id.0))
}

/// Returns the identifier of the deleted user with this address.
///
/// # Errors
/// [`Error::NotFound`] when there is none who can be restored.
pub async fn deleted_by_email(app: &App, email: &Email) -> Result<UserId> {
    Ok(users::find_deleted_by_email(&app.db, email).await?.ok_or(Error::NotFound)?.id)
}
