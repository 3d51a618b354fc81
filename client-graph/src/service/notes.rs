//! Notes: reading and adding them. Knows neither GraphQL nor HTTP.

mod entity;
mod migration;

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Expr, ExprTrait, Order, Query, WindowStatement};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, FromQueryResult, Iterable, QueryFilter,
    QueryOrder, QuerySelect,
};
use uuid::{NoContext, Timestamp, Uuid};

use super::app::App;
use crate::client::Context;
use crate::error::Error;
use crate::ids::UserId;
use crate::mirror::database_error;
use entity::{ActiveModel, Column, Entity, Model};
pub(super) use migration::Migration;

const MAX_LENGTH: usize = 2000;
const DEFAULT_PAGE: i32 = 20;
const MAX_PAGE: i32 = 100;

/// A note of a user.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Note {
    pub(super) id: Uuid,
    pub(super) author: UserId,
    pub(super) text: String,
    pub(super) created_at: DateTime<Utc>,
}

/// A list of notes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoteList {
    All,
    Of(UserId),
}

/// The size of a page, and the note before it; absent for the newest notes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Paging {
    first: usize,
    pub(super) after: Option<Uuid>,
}

/// A page of notes, newest first.
#[derive(Clone, Debug, Default)]
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
    // This creates the row that the note refers to.
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

/// Returns a page of notes.
///
/// # Errors
/// `UNAVAILABLE` without a database, `INTERNAL` when the query fails.
pub(super) async fn page(app: &App, list: NoteList, paging: Paging) -> Result<Page, Error> {
    let mut query = Entity::find().order_by_desc(Column::Id).limit(paging.first as u64 + 1);
    if let NoteList::Of(author) = list {
        query = query.filter(Column::AuthorId.eq(author.0));
    }
    if let Some(after) = paging.after {
        query = query.filter(Column::Id.lt(after));
    }
    Ok(Page::of(app, list, paging, query.all(&app.db).await.map_err(database_error)?))
}

/// Returns a page for each of these authors, with one query.
///
/// # Errors
/// As [`page`].
pub(super) async fn pages(app: &App, authors: &[UserId], paging: Paging) -> Result<HashMap<UserId, Page>, Error> {
    // For a single author the database reads only the notes of the page.
    if let [author] = *authors {
        return Ok(HashMap::from([(author, page(app, NoteList::Of(author), paging).await?)]));
    }
    let mut rows: HashMap<UserId, Vec<Model>> = authors.iter().map(|author| (*author, Vec::new())).collect();
    for row in newest_of_each(app, authors, paging).await.map_err(database_error)? {
        rows.entry(UserId(row.author_id)).or_default().push(row);
    }
    Ok(rows.into_iter().map(|(author, rows)| (author, Page::of(app, NoteList::Of(author), paging, rows))).collect())
}

/// Returns the rows of a page of each author, and one more row, newest first.
async fn newest_of_each(app: &App, authors: &[UserId], paging: Paging) -> Result<Vec<Model>, DbErr> {
    let newest_first = WindowStatement::partition_by(Column::AuthorId).order_by(Column::Id, Order::Desc).to_owned();
    let ranked = Query::select()
        .columns(Column::iter())
        .expr_window_as(Expr::cust("ROW_NUMBER()"), newest_first, "rank_of_note")
        .from(Entity)
        .and_where(Column::AuthorId.is_in(authors.iter().map(|author| author.0)))
        .and_where_option(paging.after.map(|after| Column::Id.lt(after)))
        .to_owned();
    let select = Query::select()
        .columns(Column::iter())
        .from_subquery(ranked, "ranked")
        .and_where(Expr::col("rank_of_note").lte(paging.first as u64 + 1))
        .order_by(Column::Id, Order::Desc)
        .to_owned();
    app.db.query_all(&select).await?.iter().map(|row| Model::from_query_result(row, "")).collect()
}

impl Paging {
    /// # Errors
    /// `VALIDATION_FAILED` when `first` is not from 1 to 100 or the cursor is not one of this list.
    pub(super) fn parse(app: &App, list: NoteList, first: Option<i32>, after: Option<&str>) -> Result<Self, Error> {
        let first = first.unwrap_or(DEFAULT_PAGE);
        if !(1..=MAX_PAGE).contains(&first) {
            return Err(Error::invalid("first", "must be from 1 to 100"));
        }
        let after = after.map(|cursor| app.cursors.decode(&list.name(), cursor)).transpose()?;
        Ok(Self { first: usize::try_from(first).expect("it is from 1 to 100"), after })
    }
}

impl Page {
    /// Builds a page from its rows and one more row, if there is one.
    fn of(app: &App, list: NoteList, paging: Paging, mut rows: Vec<Model>) -> Self {
        let list = list.name();
        let has_next = rows.len() > paging.first;
        rows.truncate(paging.first);
        let notes = rows.into_iter().map(|row| (app.cursors.encode(&list, row.id), row.into())).collect();
        Self { notes, has_previous: paging.after.is_some(), has_next }
    }
}

impl NoteList {
    /// Returns the name of the list in its cursors. A cursor of another list is refused.
    fn name(self) -> String {
        match self {
            Self::All => "notes".to_owned(),
            Self::Of(author) => format!("notes of {author}"),
        }
    }
}

/// Returns a UUIDv7 (RFC 9562 section 5.7), so that ids sort by creation time.
fn new_id(now: DateTime<Utc>) -> Uuid {
    let seconds = u64::try_from(now.timestamp()).unwrap_or(0);
    Uuid::new_v7(Timestamp::from_unix(NoContext, seconds, now.timestamp_subsec_nanos()))
}

impl From<Model> for Note {
    fn from(row: Model) -> Self {
        Self { id: row.id, author: UserId(row.author_id), text: row.text, created_at: row.created_at }
    }
}
