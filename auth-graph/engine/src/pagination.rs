//! Pagination of lists with the arguments of a Relay connection.

use uuid::Uuid;

use crate::app::App;
use model::error::{Error, Result};
use store::window::{Direction, Window};

const DEFAULT: i32 = 20;
const MOST: i32 = 100;

/// The requested page: the arguments of a Relay connection.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// Number of rows from the start.
    pub first: Option<i32>,
    /// Cursor after which the page starts.
    pub after: Option<String>,
    /// Number of rows from the end.
    pub last: Option<i32>,
    /// Cursor before which the page ends.
    pub before: Option<String>,
}

/// A page of a list.
#[derive(Clone, Debug)]
pub struct Listing<T> {
    /// The rows, each with its cursor.
    pub rows: Vec<(String, T)>,
    /// True if there are rows before the page.
    pub has_previous_page: bool,
    /// True if there are rows after the page.
    pub has_next_page: bool,
}

/// A page whose arguments are valid.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    after: Option<Uuid>,
    before: Option<Uuid>,
    direction: Direction,
    length: u64,
}

impl Page {
    /// Validates the arguments for a list, which its cursors name.
    ///
    /// # Errors
    /// [`Error::ValidationFailed`] for a cursor that this service did not make, a length outside 0 to 100, and `first`
    /// with `last`.
    pub(crate) fn bounds(&self, app: &App, list: &'static str) -> Result<Bounds> {
        let read = |argument: &'static str, cursor: &Option<String>| {
            cursor.as_ref().map(|cursor| app.cursors.decode(list, argument, cursor)).transpose()
        };
        let (after, before) = (read("after", &self.after)?, read("before", &self.before)?);
        let (direction, length) = match (self.first, self.last) {
            (Some(_), Some(_)) => return Err(Error::invalid("last", "cannot be used with first")),
            (None, Some(last)) => (Direction::Backward, length("last", last)?),
            (first, None) => (Direction::Forward, length("first", first.unwrap_or(DEFAULT))?),
        };
        Ok(Bounds { after, before, direction, length })
    }
}

impl Bounds {
    /// Returns the window of rows to read. It has one more row than the page, which shows whether another page follows.
    pub(crate) fn window(self) -> Window {
        let Self { after, before, direction, length } = self;
        Window { after, before, direction, limit: length + 1 }
    }

    /// Builds the page from the rows of the window.
    pub(crate) fn listing<T>(
        self,
        app: &App,
        list: &'static str,
        mut found: Vec<T>,
        id: impl Fn(&T) -> Uuid,
    ) -> Listing<T> {
        let more = found.len() as u64 > self.length;
        if more && self.direction == Direction::Forward {
            found.pop();
        } else if more {
            found.remove(0);
        }
        let (has_previous_page, has_next_page) = match self.direction {
            Direction::Forward => (self.after.is_some(), more),
            Direction::Backward => (more, self.before.is_some()),
        };
        let rows = found.into_iter().map(|row| (app.cursors.encode(list, id(&row)), row)).collect();
        Listing { rows, has_previous_page, has_next_page }
    }
}

/// Validates the text of an exact filter. Text that no row can contain is rejected, because PostgreSQL cannot search
/// for it.
///
/// # Errors
/// [`Error::ValidationFailed`] for the argument, when the text is longer than 255 characters or contains a control
/// character.
pub fn narrowed(argument: &'static str, text: String) -> Result<String> {
    if text.chars().count() <= 255 && !text.contains(char::is_control) {
        Ok(text)
    } else {
        Err(Error::invalid(argument, "must have at most 255 characters and no control character"))
    }
}

fn length(argument: &'static str, asked: i32) -> Result<u64> {
    match u64::try_from(asked) {
        Ok(length) if asked <= MOST => Ok(length),
        _ => Err(Error::invalid(argument, format!("must be from 0 to {MOST}"))),
    }
}
