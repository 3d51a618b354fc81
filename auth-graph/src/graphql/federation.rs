//! Entities: how a gateway asks for users by their key, all of a request by one query. What holds for `user(id)` holds
//! here.

use async_graphql::{Any, Context, Object, Union};
use subgraph::Representation;

use super::account::User;
use super::caller::{app, caller};
use super::error::Result;
use engine::accounts;
use model::error::Error;
use model::values::UserId;

/// What a gateway can ask for by a key.
#[derive(Union)]
#[graphql(name = "_Entity")]
pub enum Entity {
    /// A user.
    User(User),
}

#[derive(Default)]
pub(super) struct Entities;

#[Object]
impl Entities {
    /// The users of representations, in their order; null where the caller may not see one, or there is none. At most
    /// 1,000 at once.
    #[graphql(name = "_entities")]
    async fn entities(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Each a `__typename` and an `id`.")] representations: Vec<Any>,
    ) -> Result<Vec<Option<Entity>>> {
        if representations.len() > Representation::MOST {
            return Err(Error::invalid("representations", "are more than 1,000").into());
        }
        let ids = representations.iter().map(user_id).collect::<Result<Vec<Option<UserId>>>>()?;
        let wanted: Vec<UserId> = ids.iter().copied().flatten().collect();
        let users = accounts::visible_among(app(ctx), caller(ctx)?, &wanted).await?;
        let entity = |id: UserId| users.get(&id).map(|user| Entity::User(User::seen(app(ctx), user.clone())));
        Ok(ids.into_iter().map(|id| id.and_then(entity)).collect())
    }
}

/// Whom a representation names. Whatever is not an identifier names nobody.
fn user_id(any: &Any) -> Result<Option<UserId>> {
    let wrong = || Error::invalid("representations", "must each have a `__typename` of `User`, and an `id`");
    let representation = Representation::of(any).filter(|user| user.typename() == "User").ok_or_else(wrong)?;
    Ok(representation.key("id").ok_or_else(wrong)?.parse().ok())
}
