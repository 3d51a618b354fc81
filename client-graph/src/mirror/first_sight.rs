//! The rows of users whom the feed has not brought: asked for once, when somebody comes or is to come.

use super::{Mirror, MirroredUser, Row};
use crate::client::AuthGraph;
use crate::context::Context;
use crate::error::{Code, Error};
use crate::ids::UserId;
use crate::operations::User;
use crate::principal::{Principal, PrincipalKind};

impl AuthGraph {
    /// Makes the row of a user who has not come yet, so that something can be given to them before they do; the row
    /// that is there otherwise. auth-graph is asked in the service's own name: its service client needs the scope
    /// `users:read` or `feed:read`, and of what it is not shown the row has nothing. A service that follows the feed
    /// knows everybody already and need not ask. For an account that was merged into another one, it is the row of that
    /// other one, with its id.
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
        let id = UserId(user.id);
        mirror.write(Row::of_snapshot(user, self.clock().now())).await?;
        mirror.user(id).await?.ok_or_else(|| Code::NotFound.into())
    }

    /// Takes over what a user has shown of themselves, where there is a mirror. Where auth-graph decides what this
    /// service is shown of users, it is asked for that: of what goes beyond, nothing would ever tell that it has
    /// changed.
    ///
    /// # Errors
    /// As [`Mirror::apply`]; `UNAVAILABLE` when auth-graph must be asked and can not be, or does not know this service.
    pub(crate) async fn take_over(&self, user: &User) -> Result<(), Error> {
        let Some(mirror) = self.mirror() else { return Ok(()) };
        let shown = match self.is_shown_users().await {
            Ok(false) => return mirror.apply(user).await,
            Ok(true) => self.user_snapshot(user.id).await,
            Err(error) => Err(error),
        };
        match shown {
            Ok(Some(shown)) if shown.id == user.id.0 => mirror.write(Row::of_snapshot(shown, self.clock().now())).await,
            Ok(_) => Ok(()),
            // The next one gets another token. The user's own is good, whatever is wrong with ours.
            Err(error) => {
                self.forget_service_token().await;
                Err(Error::unavailable(error))
            }
        }
    }

    pub(super) fn mirror_or_error(&self) -> Result<&Mirror, Error> {
        self.mirror().ok_or_else(|| Error::internal("there is no mirror: pass one to AuthGraphBuilder::mirror"))
    }
}

impl Context {
    /// The caller's user. When this service sees the user for the first time, auth-graph is asked with the caller's own
    /// token, and the row is made. With a service client that may read users or the feed, the row holds what that
    /// client is shown, which takes a second question.
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
                let (context, caller) = (self.clone(), principal.clone());
                let flights = self.auth_graph().first_sights();
                match flights.join(principal.subject, || async move { context.first_sight(&caller).await }).await {
                    // It may have been another token of theirs that was no good.
                    Err(error) if error.code() == Code::TokenRevoked => self.first_sight(principal).await,
                    outcome => outcome,
                }
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
        self.auth_graph().take_over(&user).await?;
        match mirror.user(principal.subject).await? {
            Some(user) if user.is_active => Ok(user),
            // They are kept from this service, or what the feed said is newer: of a user who is kept from this service
            // that they are deleted, and of one who is, that the session has ended, too.
            None if user.is_active => {
                self.principal()?;
                Err(Error::new(Code::Forbidden).with_detail("This service may not see the user."))
            }
            _ => Err(Code::TokenRevoked.into()),
        }
    }
}
