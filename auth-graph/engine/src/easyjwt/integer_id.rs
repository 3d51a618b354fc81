//! The number that identifies a user in systems with integer identifiers.

use crate::accounts;
use crate::app::App;
use crate::callers::Principal;
use crate::callers::view::UserView;
use model::error::{Error, Result};
use model::values::UserId;
use store::{user_numbers, users};

/// Maximum number of attempts: it is assumed that fewer other users get a number at the same moment.
const TRIES: usize = 20;

/// Returns the number of a user: the one that they were imported with, or the next free one, which they keep from then
/// on.
pub async fn number_of(app: &App, user: UserId) -> Result<i64> {
    for _ in 0..TRIES {
        if let Some(number) = user_numbers::of_user(&app.db, user).await? {
            return Ok(number);
        }
        if let Some(number) = user_numbers::give_next(&app.db, user).await? {
            return Ok(number);
        }
    }
    Err(Error::internal("no number could be given to a user"))
}

/// Returns the user with this number or UUID, if the caller may see the whole user: the caller themselves, or any user
/// with the scope `users:read`.
///
/// # Errors
/// [`Error::NotFound`] when there is no such user or the caller may not see them: the cases cannot be told apart.
/// [`Error::Denied`] for a service client that is limited to some users or fields.
pub async fn visible(app: &App, caller: &Principal, id: &str) -> Result<users::Model> {
    UserView::require_everything(app, caller).await?;
    let id = match id.parse::<i64>() {
        Ok(number) => user_numbers::given(&app.db, &[number]).await?.first().map(|row| row.user_id),
        Err(_) => id.parse().ok(),
    };
    let seen = accounts::visible(app, Some(caller), id.ok_or(Error::NotFound)?).await?;
    Ok(seen.ok_or(Error::NotFound)?.user)
}
