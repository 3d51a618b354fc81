//! The types `User` and `Note`. Each has a field of the other, so they share a file.

use std::sync::Arc;

use async_graphql::connection::{Connection, Edge, EmptyFields};
use async_graphql::{Context, ID, Object};
use chrono::{DateTime, Utc};

use super::profile;
use super::request::{Result, app};
use super::users::Users;
use crate::guard::{Authenticated, Open, access, guarded, key};
use crate::ids::UserId;
use crate::mirror::MirroredUser;
use crate::service::config::PublicField;
use crate::service::notes::{self, Page};

/// A note of a user.
pub struct Note {
    pub(super) note: notes::Note,
    pub(super) authors: Arc<Users>,
}

/// A user, by the key of auth-graph, which owns all other fields.
pub struct User {
    pub(super) id: UserId,
    /// The users of the same list, for which one query is enough.
    pub(super) among: Arc<Users>,
}

pub(super) type NoteConnection = Connection<String, Note, EmptyFields, EmptyFields>;

/// A note of a user.
#[Object]
impl Note {
    /// Identifier of the note.
    async fn id(&self) -> ID {
        self.note.id.into()
    }

    /// Text of the note.
    async fn text(&self) -> &str {
        &self.note.text
    }

    /// Time when the note was added.
    async fn created_at(&self) -> DateTime<Utc> {
        self.note.created_at
    }

    /// Author of the note. A reference to a user of auth-graph can be null: where it does not show the user, a gateway
    /// has null in this place. The public profile comes from the mirror of this service.
    #[graphql(provides = "displayName pictureUrl")]
    async fn author(&self) -> Option<User> {
        Some(User { id: self.note.author, among: Arc::clone(&self.authors) })
    }
}

/// A user. This subgraph adds fields to the `User` of auth-graph.
#[guarded]
#[Object(directive = key::apply("id"))]
impl User {
    /// Permanent identifier of the user.
    async fn id(&self) -> ID {
        self.id.0.into()
    }

    /// Name under which the user is shown to others. Requires a signed-in caller, and the scope `users:read` if names
    /// are not public. auth-graph answers it, too; this service does where a field `@provides` it.
    // A composer accepts no directive about access at an external field, so that the resolver checks.
    #[graphql(external, access(Open))]
    async fn display_name(&self, ctx: &Context<'_>) -> Result<Option<String>> {
        profile::field(ctx, &self.among, self.id, PublicField::DisplayName, MirroredUser::display_name).await
    }

    /// Address of the user's picture (`https://`), with the same access as `displayName`.
    #[graphql(external, access(Open))]
    async fn picture_url(&self, ctx: &Context<'_>) -> Result<Option<String>> {
        profile::field(ctx, &self.among, self.id, PublicField::PictureUrl, MirroredUser::picture_url).await
    }

    /// Notes of the user, newest first. Requires a signed-in caller.
    #[graphql(access(Authenticated), complexity = "page_complexity(first, child_complexity)")]
    async fn notes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Size of the page, from 1 to 100. Default: 20.")] first: Option<i32>,
        #[graphql(desc = "The `endCursor` of the page before.")] after: Option<String>,
    ) -> Result<NoteConnection> {
        let page = self.among.notes(app(ctx), self.id, first, after.as_deref()).await?;
        Ok(connection(page, &self.among))
    }
}

/// Returns a page of notes by some of these authors.
pub(super) fn connection(page: Page, authors: &Arc<Users>) -> NoteConnection {
    let mut connection = Connection::new(page.has_previous, page.has_next);
    let edge = |(cursor, note)| Edge::new(cursor, Note { note, authors: Arc::clone(authors) });
    connection.edges.extend(page.notes.into_iter().map(edge));
    connection
}

/// Returns the complexity of a page: that of a row for every ten rows. Pages within pages are bounded by it, and a
/// plain page is not.
pub(super) fn page_complexity(first: Option<i32>, child_complexity: usize) -> usize {
    let rows = usize::try_from(first.unwrap_or(20)).unwrap_or(0).min(100);
    1 + child_complexity * rows.div_ceil(10)
}
