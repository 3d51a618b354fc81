//! Notes: what can be done with them. Knows neither GraphQL nor HTTP.

mod entity;
mod migration;

use chrono::{DateTime, Utc};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::{NoContext, Timestamp, Uuid};

use super::app::App;
use crate::context::Context;
use crate::error::Error;
use crate::ids::UserId;
use crate::mirror::database_error;
use entity::{ActiveModel, Column, Entity, Model};
pub(super) use migration::Migration;

const MAX_LENGTH: usize = 2000;
const DEFAULT_PAGE: i32 = 20;
const MAX_PAGE: i32 = 100;

/// Something that a user wrote down.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Note {
    pub(super) id: Uuid,
    pub(super) author: UserId,
    pub(super) text: String,
    pub(super) created_at: DateTime<Utc>,
}

/// Whose notes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    Everybodys,
    Of(UserId),
}

/// Some notes, the newest first.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) notes: Vec<(String, Note)>,
    pub(super) has_previous: bool,
    pub(super) has_next: bool,
}

/// Adds a note of the caller.
///
/// # Errors
/// `VALIDATION_FAILED` when the text is empty or longer than 2000 characters; as [`Context::user`].
pub(super) async fn add(app: &App, context: &Context, text: &str) -> Result<Note, Error> {
    // The row that the note refers to is there from here on.
    let author = context.user().await?.id;
    let text = text.trim();
    if !(1..=MAX_LENGTH).contains(&text.chars().count()) {
        return Err(Error::invalid("text", "must have 1 to 2000 characters"));
    }
    let now = app.clock.now();
    let note = Note { id: new_id(now), author, text: text.to_owned(), created_at: now };
    let row = ActiveModel {
        id: Set(note.id),
        author_id: Set(note.author.0),
        text: Set(note.text.clone()),
        created_at: Set(note.created_at),
    };
    Entity::insert(row).exec_without_returning(&app.db).await.map_err(database_error)?;
    app.metrics.notes_added.increment(1);
    Ok(note)
}

/// A page of notes, from the newest or after a cursor.
///
/// # Errors
/// `VALIDATION_FAILED` when `first` is not from 1 to 100 or the cursor is not one of this list.
pub(super) async fn page(app: &App, whose: Whose, first: Option<i32>, after: Option<&str>) -> Result<Page, Error> {
    let first = first.unwrap_or(DEFAULT_PAGE);
    if !(1..=MAX_PAGE).contains(&first) {
        return Err(Error::invalid("first", "must be from 1 to 100"));
    }
    let first = usize::try_from(first).expect("it is from 1 to 100");
    let list = whose.list();
    let mut query = Entity::find().order_by_desc(Column::Id).limit(first as u64 + 1);
    if let Whose::Of(author) = whose {
        query = query.filter(Column::AuthorId.eq(author.0));
    }
    if let Some(cursor) = after {
        query = query.filter(Column::Id.lt(app.cursors.decode(&list, cursor)?));
    }
    let mut rows = query.all(&app.db).await.map_err(database_error)?;
    let has_next = rows.len() > first;
    rows.truncate(first);
    let notes = rows.into_iter().map(|row| (app.cursors.encode(&list, row.id), row.into())).collect();
    Ok(Page { notes, has_previous: after.is_some(), has_next })
}

impl Whose {
    /// The name under which cursors are made: one of another list is refused.
    fn list(self) -> String {
        match self {
            Self::Everybodys => "notes".to_owned(),
            Self::Of(author) => format!("notes of {author}"),
        }
    }
}

/// A UUIDv7 (RFC 9562 section 5.7), so that notes sort by the time of their making.
fn new_id(now: DateTime<Utc>) -> Uuid {
    let seconds = u64::try_from(now.timestamp()).unwrap_or(0);
    Uuid::new_v7(Timestamp::from_unix(NoContext, seconds, now.timestamp_subsec_nanos()))
}

impl From<Model> for Note {
    fn from(row: Model) -> Self {
        Self { id: row.id, author: UserId(row.author_id), text: row.text, created_at: row.created_at }
    }
}
