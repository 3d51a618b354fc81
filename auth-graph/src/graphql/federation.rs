//! Entities: how a gateway asks for users by their key. What holds for `user(id)` holds here.

use async_graphql::{Context, ID, Object};

use super::account::{User, find};
use super::error::Result;

#[derive(Default)]
pub(super) struct Entities;

#[Object]
impl Entities {
    /// The user of a representation; null when the caller may not see it, or there is none.
    #[graphql(entity)]
    async fn find_user_by_id(&self, ctx: &Context<'_>, id: ID) -> Result<Option<User>> {
        find(ctx, &id).await
    }
}
