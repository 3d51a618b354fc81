//! Notes: `notes`, `addNote`.

use async_graphql::connection::{Connection, Edge, EmptyFields};
use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};

use super::user::User;
use super::{Result, app};
use crate::guard::{Authenticated, caller, guarded, requires};
use crate::service::notes::{self, Whose};

/// Something that a user wrote down.
pub struct Note(notes::Note);

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
        list(ctx, Whose::Everybodys, first, after).await
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
        Ok(AddNotePayload { note: Note(note) })
    }
}

/// Something that a user wrote down.
#[Object]
impl Note {
    /// Names the note.
    async fn id(&self) -> ID {
        self.0.id.into()
    }

    /// The text.
    async fn text(&self) -> &str {
        &self.0.text
    }

    /// When it was added.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// Who wrote it.
    async fn author(&self) -> User {
        User(self.0.author)
    }
}

/// A page of a list of notes.
pub(super) async fn list(
    ctx: &Context<'_>,
    whose: Whose,
    first: Option<i32>,
    after: Option<String>,
) -> Result<NoteConnection> {
    let page = notes::page(app(ctx), whose, first, after.as_deref()).await?;
    let mut connection = Connection::new(page.has_previous, page.has_next);
    connection.edges.extend(page.notes.into_iter().map(|(cursor, note)| Edge::new(cursor, Note(note))));
    Ok(connection)
}

/// A page costs what its rows cost, one for each ten: so that pages within pages are bounded and a plain one is not.
pub(super) fn page_complexity(first: Option<i32>, child_complexity: usize) -> usize {
    let rows = usize::try_from(first.unwrap_or(20)).unwrap_or(0).min(100);
    1 + child_complexity * rows.div_ceil(10)
}
