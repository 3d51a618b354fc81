//! Notes: `notes`, `addNote`.

use std::sync::Arc;

use async_graphql::connection::{Connection, Edge, EmptyFields};
use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};

use super::user::User;
use super::users::Users;
use super::{Result, app};
use crate::guard::{Authenticated, caller, guarded, requires};
use crate::service::notes::{self, Page, Paging, Whose};

/// Something that a user wrote down.
pub struct Note {
    note: notes::Note,
    authors: Arc<Users>,
}

/// What a note consists of.
#[derive(InputObject)]
pub struct AddNoteInput {
    /// The text, 1 to 2000 characters without the white space around it.
    text: String,
}

/// What adding a note did.
#[derive(SimpleObject)]
pub struct AddNotePayload {
    /// The note.
    note: Note,
}

/// A page of notes.
pub(super) type NoteConnection = Connection<String, Note, EmptyFields, EmptyFields>;

#[derive(Default)]
pub(super) struct NoteQuery;

#[guarded]
#[Object]
impl NoteQuery {
    /// Everybody's notes, the newest first. Needs a signed-in caller.
    #[graphql(requires(Authenticated), complexity = "page_complexity(first, child_complexity)")]
    async fn notes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, from 1 to 100; 20 when left out.")] first: Option<i32>,
        #[graphql(desc = "The `endCursor` of the page before.")] after: Option<String>,
    ) -> Result<NoteConnection> {
        let paging = Paging::parse(app(ctx), Whose::Everybodys, first, after.as_deref())?;
        let page = notes::page(app(ctx), Whose::Everybodys, paging).await?;
        let authors = Users::of(page.notes.iter().map(|(_, note)| note.author));
        Ok(connection(page, &authors))
    }
}

#[derive(Default)]
pub(super) struct NoteMutation;

#[guarded]
#[Object]
impl NoteMutation {
    /// Adds a note of the caller. Needs a signed-in caller.
    #[graphql(requires(Authenticated))]
    async fn add_note(&self, ctx: &Context<'_>, input: AddNoteInput) -> Result<AddNotePayload> {
        let note = notes::add(app(ctx), caller(ctx)?, &input.text).await?;
        let authors = Users::of([note.author]);
        Ok(AddNotePayload { note: Note { note, authors } })
    }
}

/// Something that a user wrote down.
#[Object]
impl Note {
    /// Names the note.
    async fn id(&self) -> ID {
        self.note.id.into()
    }

    /// The text.
    async fn text(&self) -> &str {
        &self.note.text
    }

    /// When it was added.
    async fn created_at(&self) -> DateTime<Utc> {
        self.note.created_at
    }

    /// Who wrote it.
    async fn author(&self) -> User {
        User { id: self.note.author, among: Arc::clone(&self.authors) }
    }
}

/// A page of a list of notes, by some of these authors.
pub(super) fn connection(page: Page, authors: &Arc<Users>) -> NoteConnection {
    let mut connection = Connection::new(page.has_previous, page.has_next);
    let edge = |(cursor, note)| Edge::new(cursor, Note { note, authors: Arc::clone(authors) });
    connection.edges.extend(page.notes.into_iter().map(edge));
    connection
}

/// A page costs what its rows cost, one for each ten: so that pages within pages are bounded and a plain one is not.
pub(super) fn page_complexity(first: Option<i32>, child_complexity: usize) -> usize {
    let rows = usize::try_from(first.unwrap_or(20)).unwrap_or(0).min(100);
    1 + child_complexity * rows.div_ceil(10)
}
