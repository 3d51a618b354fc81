//! The number by which systems with integer identifiers know a user.

use sea_orm::SqlErr;

use crate::app::App;
use model::error::{Error, Result};
use model::values::UserId;
use store::user_numbers;

/// More than this many others get a number in the same moment never.
const TRIES: usize = 20;

/// The number of a user: the one that they came with, or the next one, which is theirs from now on.
///
/// # Errors
/// When the database fails.
pub async fn number_of(app: &App, user: UserId) -> Result<i64> {
    for _ in 0..TRIES {
        if let Some(number) = user_numbers::of_user(&app.db, user).await? {
            return Ok(number);
        }
        let txn = store::begin(&app.db).await?;
        match user_numbers::give_next(&txn, user).await {
            Ok(number) => {
                txn.commit().await?;
                return Ok(number);
            }
            // Another has got it: they take turns.
            Err(error) if matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_))) => {
                txn.rollback().await?;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Err(Error::internal("no number could be given to a user"))
}
