//! Pages of lists: the arguments of a Relay connection, read once for every list.

use uuid::Uuid;

use crate::app::App;
use model::error::{Error, Result};
use store::window::{Direction, Window};

const DEFAULT: i32 = 20;
const MOST: i32 = 100;

/// Which page: the arguments of a Relay connection.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// Number of rows from the start.
    pub first: Option<i32>,
    /// Only what follows this cursor.
    pub after: Option<String>,
    /// Number of rows from the end.
    pub last: Option<i32>,
    /// Only what stands before this cursor.
    pub before: Option<String>,
}

/// A page of a list.
#[derive(Clone, Debug)]
pub struct Listing<T> {
    /// Each with its cursor.
    pub rows: Vec<(String, T)>,
    /// True if there are rows before the page.
    pub has_previous_page: bool,
    /// True if there are rows after the page.
    pub has_next_page: bool,
}

/// A page whose arguments are good.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    after: Option<Uuid>,
    before: Option<Uuid>,
    direction: Direction,
    length: u64,
}

impl Page {
    /// Reads the arguments for one list, which its cursors name.
    ///
    /// # Errors
    /// [`Error::ValidationFailed`] for a cursor that is not ours, a length outside 0 to 100, and `first` with `last`.
    pub(crate) fn bounds(&self, app: &App, list: &'static str) -> Result<Bounds> {
        let read = |argument: &'static str, cursor: &Option<String>| {
            cursor.as_ref().map(|cursor| app.cursors.decode(list, argument, cursor)).transpose()
        };
        let (after, before) = (read("after", &self.after)?, read("before", &self.before)?);
        let (direction, length) = match (self.first, self.last) {
            (Some(_), Some(_)) => return Err(Error::invalid("last", "can not be used with first")),
            (None, Some(last)) => (Direction::Backward, length("last", last)?),
            (first, None) => (Direction::Forward, length("first", first.unwrap_or(DEFAULT))?),
        };
        Ok(Bounds { after, before, direction, length })
    }
}

impl Bounds {
    /// Which rows to look for: one more than is shown, which tells whether there are more.
    pub(crate) fn window(self) -> Window {
        let Self { after, before, direction, length } = self;
        Window { after, before, direction, limit: length + 1 }
    }

    /// The page of what was found in the window.
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

/// A text to which a list is narrowed, to the letter. What no row can hold is refused, as PostgreSQL can not even look
/// for it.
///
/// # Errors
/// [`Error::ValidationFailed`] for the argument, when the text is longer than 255 characters or holds a control
/// character.
pub fn narrowed(argument: &'static str, text: String) -> Result<String> {
    if text.chars().count() <= 255 && !text.contains(char::is_control) {
        Ok(text)
    } else {
        Err(Error::invalid(argument, "must have at most 255 characters, and none that controls"))
    }
}

fn length(argument: &'static str, asked: i32) -> Result<u64> {
    match u64::try_from(asked) {
        Ok(length) if asked <= MOST => Ok(length),
        _ => Err(Error::invalid(argument, format!("must be from 0 to {MOST}"))),
    }
}
