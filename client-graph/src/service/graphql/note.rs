//! The query `notes` and the mutation `addNote`.

use async_graphql::{Context, InputObject, Object, SimpleObject};

use super::request::{Result, app};
use super::types::{Note, NoteConnection, connection, page_complexity};
use super::users::Users;
use crate::guard::{Authenticated, access, caller, guarded};
use crate::service::notes::{self, NoteList, Paging};

/// A new note.
#[derive(InputObject)]
pub struct AddNoteInput {
    /// Text of the note: 1 to 2000 characters without the white space around it.
    text: String,
}

/// Result of adding a note.
#[derive(SimpleObject)]
pub struct AddNotePayload {
    /// The added note.
    note: Note,
}

#[derive(Default)]
pub(super) struct NoteQuery;

#[guarded]
#[Object]
impl NoteQuery {
    /// Notes of all users, newest first. Requires a signed-in caller.
    #[graphql(access(Authenticated), complexity = "page_complexity(first, child_complexity)")]
    async fn notes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Size of the page, from 1 to 100. Default: 20.")] first: Option<i32>,
        #[graphql(desc = "The `endCursor` of the page before.")] after: Option<String>,
    ) -> Result<NoteConnection> {
        let paging = Paging::parse(app(ctx), NoteList::All, first, after.as_deref())?;
        let page = notes::page(app(ctx), NoteList::All, paging).await?;
        let authors = Users::of(page.notes.iter().map(|(_, note)| note.author));
        Ok(connection(page, &authors))
    }
}

#[derive(Default)]
pub(super) struct NoteMutation;

#[guarded]
#[Object]
impl NoteMutation {
    /// Adds a note of the caller. Requires a signed-in caller.
    #[graphql(access(Authenticated))]
    async fn add_note(&self, ctx: &Context<'_>, input: AddNoteInput) -> Result<AddNotePayload> {
        let note = notes::add(app(ctx), caller(ctx)?, &input.text).await?;
        let authors = Users::of([note.author]);
        Ok(AddNotePayload { note: Note { note, authors } })
    }
}
