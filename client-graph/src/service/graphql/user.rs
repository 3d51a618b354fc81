//! What this service adds to auth-graph's `User`.

use async_graphql::{Context, ID, Object};

use super::Result;
use super::note::{NoteConnection, list, page_complexity};
use crate::guard::Authenticated;
use crate::ids::UserId;
use crate::service::notes::Whose;

/// A user, by the key that auth-graph gave; everything else about them is there.
pub struct User(pub(super) UserId);

/// A user, by the key that auth-graph gave; everything else about them is there.
#[Object]
impl User {
    /// Names the user, for ever.
    async fn id(&self) -> ID {
        self.0.0.into()
    }

    /// The user's notes, the newest first. Needs a signed-in caller.
    #[graphql(guard = "Authenticated", complexity = "page_complexity(first, child_complexity)")]
    async fn notes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, from 1 to 100; 20 when left out.")] first: Option<i32>,
        #[graphql(desc = "The `endCursor` of the page before.")] after: Option<String>,
    ) -> Result<NoteConnection> {
        list(ctx, Whose::Of(self.0), first, after).await
    }
}

#[derive(Default)]
pub(super) struct Entities;

#[Object]
impl Entities {
    /// The user of a representation; null when the key is none of auth-graph's. Whether there is such a user is
    /// auth-graph's to say.
    #[graphql(entity)]
    async fn find_user_by_id(&self, id: ID) -> Option<User> {
        id.parse().ok().map(User)
    }
}
