//! Lists of users, page by page, in the order in which they were made.

use crate::app::App;
use crate::error::{Error, Result};
use crate::store::users::{self, Direction, Filter};
use crate::values::UserId;

/// Names the list in its cursors.
const LIST: &str = "users";
const DEFAULT: i32 = 20;
const MOST: i32 = 100;

/// Which page: the arguments of a Relay connection.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// So many from the start.
    pub first: Option<i32>,
    /// Only what follows this cursor.
    pub after: Option<String>,
    /// So many from the end.
    pub last: Option<i32>,
    /// Only what stands before this cursor.
    pub before: Option<String>,
}

/// One page of users.
#[derive(Clone, Debug)]
pub struct Listing {
    /// Each with its cursor.
    pub users: Vec<(String, users::Model)>,
    /// Whether there are more before.
    pub has_previous_page: bool,
    /// Whether there are more behind.
    pub has_next_page: bool,
}

/// One page of the users that a filter lets through.
///
/// # Errors
/// [`Error::ValidationFailed`] for a cursor that is not ours, a length outside 0 to 100, and `first` with `last`.
pub async fn list(app: &App, filter: &Filter, page: &Page) -> Result<Listing> {
    let read = |argument: &'static str, cursor: &Option<String>| {
        let read = |cursor: &String| app.cursors.decode(LIST, argument, cursor).map(UserId);
        cursor.as_ref().map(read).transpose()
    };
    let (after, before) = (read("after", &page.after)?, read("before", &page.before)?);
    let (direction, length) = match (page.first, page.last) {
        (Some(_), Some(_)) => return Err(Error::invalid("last", "can not be used with first")),
        (None, Some(last)) => (Direction::Backward, length("last", last)?),
        (first, None) => (Direction::Forward, length("first", first.unwrap_or(DEFAULT))?),
    };
    // One more than is shown tells whether there are more.
    let mut found = users::page(&app.db, filter, after, before, direction, length + 1).await?;
    let more = found.len() as u64 > length;
    if more && direction == Direction::Forward {
        found.pop();
    } else if more {
        found.remove(0);
    }
    let (has_previous_page, has_next_page) = match direction {
        Direction::Forward => (after.is_some(), more),
        Direction::Backward => (more, before.is_some()),
    };
    let users = found.into_iter().map(|user| (app.cursors.encode(LIST, user.id.0), user)).collect();
    Ok(Listing { users, has_previous_page, has_next_page })
}

/// How many users a filter lets through.
///
/// # Errors
/// When the database fails.
pub async fn count(app: &App, filter: &Filter) -> Result<u64> {
    Ok(users::count(&app.db, filter).await?)
}

fn length(argument: &'static str, asked: i32) -> Result<u64> {
    match u64::try_from(asked) {
        Ok(length) if asked <= MOST => Ok(length),
        _ => Err(Error::invalid(argument, format!("must be from 0 to {MOST}"))),
    }
}
