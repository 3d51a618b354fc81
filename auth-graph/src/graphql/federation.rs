//! Entities: a gateway requests users by their key, all users of a request with one query. The access rules are the
//! same as for `user(id)`.

use async_graphql::{Any, Context, Object, Union};
use subgraph::{Representation, access, guarded};

use super::account::User;
use super::caller::{app, principal};
use super::error::Result;
use super::guard::Authenticated;
use engine::accounts;
use model::error::Error;
use model::values::UserId;

/// Object that a gateway can request by its key.
#[derive(Union)]
#[graphql(name = "_Entity")]
pub enum Entity {
    /// A user.
    User(User),
}

#[derive(Default)]
pub(super) struct Entities;

#[guarded]
#[Object]
impl Entities {
    /// Returns the users of the given representations, in the same order, with the fields that `user` shows you. An
    /// item is null when the user does not exist or you may see nothing of them. Up to 1,000 representations are
    /// accepted. Requires a signed-in caller.
    #[graphql(name = "_entities", access(Authenticated))]
    async fn entities(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Representations of users, each with a `__typename` and an `id`.")] representations: Vec<Any>,
    ) -> Result<Vec<Option<Entity>>> {
        if representations.len() > Representation::MOST {
            return Err(Error::invalid("representations", "are more than 1,000").into());
        }
        let keys = Representation::keys(ctx, &representations, "User", "id");
        let ids: Vec<Option<UserId>> = keys.into_iter().map(|key| key?.parse().ok()).collect();
        let wanted: Vec<UserId> = ids.iter().copied().flatten().collect();
        let users = accounts::profiles(app(ctx), principal(ctx)?, &wanted).await?;
        let entity = |id: UserId| users.get(&id).map(|user| Entity::User(User::from_visible(app(ctx), user.clone())));
        Ok(ids.into_iter().map(|id| id.and_then(entity)).collect())
    }
}
