//! What this service adds to auth-graph's `User`.

use std::sync::Arc;

use async_graphql::{Any, Context, ID, Object, Union};

use super::note::{NoteConnection, connection, page_complexity};
use super::users::Users;
use super::{Result, app};
use crate::error::{ApiError, Code, Error};
use crate::guard::{Authenticated, Open, Representation, guarded, key, requires};
use crate::ids::UserId;

/// A user, by the key that auth-graph gave; everything else about them is there.
pub struct User {
    pub(super) id: UserId,
    /// Those who are asked with them.
    pub(super) among: Arc<Users>,
}

/// A user, by the key that auth-graph gave; everything else about them is there.
#[guarded]
#[Object(directive = key::apply("id"))]
impl User {
    /// Names the user, for ever.
    async fn id(&self) -> ID {
        self.id.0.into()
    }

    /// The user's notes, the newest first. Needs a signed-in caller.
    #[graphql(requires(Authenticated), complexity = "page_complexity(first, child_complexity)")]
    async fn notes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, from 1 to 100; 20 when left out.")] first: Option<i32>,
        #[graphql(desc = "The `endCursor` of the page before.")] after: Option<String>,
    ) -> Result<NoteConnection> {
        let page = self.among.notes(app(ctx), self.id, first, after.as_deref()).await?;
        Ok(connection(page, &self.among))
    }
}

/// What a gateway can ask for by a key.
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
    /// The users of representations, in their order; null where a key is none of auth-graph's. Whether there is such a
    /// user is auth-graph's to say. At most 1,000 at once.
    #[graphql(name = "_entities", requires(Open))]
    async fn entities(
        &self,
        #[graphql(desc = "Each a `__typename` and an `id`.")] representations: Vec<Any>,
    ) -> Result<Vec<Option<Entity>>> {
        if representations.len() > Representation::MOST {
            return Err(refusal("There are more than 1,000 representations."));
        }
        let ids = representations.iter().map(user_id).collect::<Result<Vec<Option<UserId>>>>()?;
        let among = Users::of(ids.iter().copied().flatten());
        let entity = |id| Entity::User(User { id, among: Arc::clone(&among) });
        Ok(ids.into_iter().map(|id| id.map(entity)).collect())
    }
}

fn user_id(any: &Any) -> Result<Option<UserId>> {
    let wrong = || refusal("A representation has a `__typename` of `User`, and an `id`.");
    let representation = Representation::of(any).filter(|user| user.typename() == "User").ok_or_else(wrong)?;
    Ok(representation.key("id").ok_or_else(wrong)?.parse().ok())
}

fn refusal(detail: &'static str) -> ApiError {
    Error::new(Code::ValidationFailed).with_detail(detail).into()
}
