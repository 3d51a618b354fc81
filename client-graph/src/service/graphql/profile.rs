//! The public profile of users, answered from the mirror. auth-graph owns these fields, and answers them for everybody
//! else: whoever answers, the same callers see the same.

use async_graphql::Context;

use super::request::{Result, app};
use super::users::Users;
use crate::error::Error;
use crate::guard::{caller, refuse};
use crate::ids::UserId;
use crate::mirror::MirroredUser;
use crate::service::config::PublicField;

/// Scope that shows other users.
const USERS_READ: &str = "users:read";

/// Returns a field of a user among those of a list, or null with an error at the field if the caller may not see it.
pub(super) async fn field<T>(
    ctx: &Context<'_>,
    among: &Users,
    user: UserId,
    field: PublicField,
    of: impl Fn(&MirroredUser) -> Option<T>,
) -> Result<Option<T>> {
    if let Err(refusal) = require_shown(ctx, user, field)? {
        return Ok(refuse(ctx, refusal));
    }
    Ok(among.mirrored(app(ctx), user).await?.as_ref().and_then(of))
}

/// Checks that the caller may see a field of a user: it is public, or the caller is the user or may read all users.
fn require_shown(ctx: &Context<'_>, user: UserId, field: PublicField) -> Result<std::result::Result<(), Error>> {
    let principal = match caller(ctx)?.principal() {
        Ok(principal) => principal,
        Err(error) => return Ok(Err(error)),
    };
    let is_public = app(ctx).config.users.public_fields.contains(&field);
    Ok(if is_public || principal.subject == user { Ok(()) } else { principal.require_scope(USERS_READ) })
}
