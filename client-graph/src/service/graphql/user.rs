//! The entity `User`, which a gateway requests by its key.

use std::sync::Arc;

use async_graphql::{Any, Context, Object, Union};

use super::request::Result;
use super::types::User;
use super::users::Users;
use crate::error::{ApiError, Code, Error};
use crate::guard::{Open, Representation, access, guarded};
use crate::ids::UserId;

/// An object that a gateway can request by its key.
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
    /// Users of representations, in the same order. An entry is null when its key is not an identifier of auth-graph.
    /// The existence of the users is not checked. At most 1,000 representations.
    #[graphql(name = "_entities", access(Open))]
    async fn entities(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Objects with a `__typename` and an `id`.")] representations: Vec<Any>,
    ) -> Result<Vec<Option<Entity>>> {
        if representations.len() > Representation::MOST {
            return Err(refusal("There are more than 1,000 representations."));
        }
        let keys = Representation::keys(ctx, &representations, "User", "id");
        let ids: Vec<Option<UserId>> = keys.into_iter().map(|key| key?.parse().ok()).collect();
        let among = Users::of(ids.iter().copied().flatten());
        let entity = |id| Entity::User(User { id, among: Arc::clone(&among) });
        Ok(ids.into_iter().map(|id| id.map(entity)).collect())
    }
}

fn refusal(detail: &'static str) -> ApiError {
    Error::new(Code::ValidationFailed).with_detail(detail).into()
}
