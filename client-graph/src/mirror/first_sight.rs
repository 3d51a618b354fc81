//! The rows of users whom the feed has not brought: asked for once, when somebody comes or is to come.

use super::{Mirror, MirroredUser, Row};
use crate::client::AuthGraph;
use crate::context::Context;
use crate::error::{Code, Error};
use crate::ids::UserId;
use crate::principal::{Principal, PrincipalKind};

impl AuthGraph {
    /// Makes the row of a user who has not come yet, so that something can be given to them before they do; the row that
    /// is there otherwise. auth-graph is asked in the service's own name: its service client needs the scope
    /// `users:read`, and of what it is not shown the row has nothing. A service that follows the feed knows everybody
    /// already and need not ask.
    ///
    /// # Errors
    /// `NOT_FOUND` when there is no such user, or the service client may not see them; as
    /// [`service_token`](Self::service_token) and [`Mirror::apply`].
    pub async fn provision(&self, id: UserId) -> Result<MirroredUser, Error> {
        let mirror = self.mirror_or_error()?;
        if let Some(user) = mirror.user(id).await? {
            return Ok(user);
        }
        let user = self.user_snapshot(id).await?.ok_or(Code::NotFound)?;
        if user.id != id.0 {
            return Err(Error::unavailable("auth-graph answered with another user than was asked for"));
        }
        mirror.write(Row::of_snapshot(user, self.clock().now())).await?;
        mirror.user(id).await?.ok_or_else(|| Code::NotFound.into())
    }

    pub(super) fn mirror_or_error(&self) -> Result<&Mirror, Error> {
        self.mirror().ok_or_else(|| Error::internal("there is no mirror: pass one to AuthGraphBuilder::mirror"))
    }
}

impl Context {
    /// The caller's user. When this service sees the user for the first time, auth-graph is asked once, with the
    /// caller's own token, and the row is made.
    ///
    /// # Errors
    /// As [`principal`](Self::principal); `TOKEN_REVOKED` when the user can not sign in any more; `FORBIDDEN` for a
    /// service, which has no user, and for a user whom this service may not see; `UNAVAILABLE` when auth-graph must be
    /// asked and can not be.
    pub async fn user(&self) -> Result<MirroredUser, Error> {
        let principal = self.principal()?;
        if principal.kind == PrincipalKind::Service {
            return Err(Error::new(Code::Forbidden).with_detail("A service has no user."));
        }
        // Somebody who was disabled or deleted when we last heard of them may be back: auth-graph knows.
        match self.auth_graph().mirror_or_error()?.user(principal.subject).await? {
            Some(user) if user.is_active => Ok(user),
            _ => {
                let (context, principal) = (self.clone(), principal.clone());
                let flights = self.auth_graph().first_sights();
                flights.join(principal.subject, || async move { context.first_sight(&principal).await }).await
            }
        }
    }

    /// Another user, as far as this service knows them.
    ///
    /// # Errors
    /// As [`Mirror::user`].
    pub async fn user_by_id(&self, id: UserId) -> Result<Option<MirroredUser>, Error> {
        self.auth_graph().mirror_or_error()?.user(id).await
    }

    async fn first_sight(&self, principal: &Principal) -> Result<MirroredUser, Error> {
        let mirror = self.auth_graph().mirror_or_error()?;
        // Another request can have made the row between our look and this flight.
        if let Some(user) = mirror.user(principal.subject).await?
            && user.is_active
        {
            return Ok(user);
        }
        let user = self.auth_graph().me(principal.access_token()).await?.ok_or(Code::TokenRevoked)?;
        if user.id != principal.subject {
            return Err(Error::unavailable("auth-graph answered with another user than the token's"));
        }
        mirror.apply(&user).await?;
        match mirror.user(principal.subject).await? {
            Some(user) if user.is_active => Ok(user),
            // What the feed said is newer. Of a user who is kept from this service it says that they are deleted; of one
            // who is, it says that the session has ended, too.
            None if user.is_active => {
                self.principal()?;
                Err(Error::new(Code::Forbidden).with_detail("This service may not see the user."))
            }
            _ => Err(Code::TokenRevoked.into()),
        }
    }
}
