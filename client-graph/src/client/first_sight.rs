//! Mirrored users that the feed has not brought: requested from auth-graph when they are first needed.

use super::{AuthGraph, Context};
use crate::error::{Code, Error, Reason};
use crate::ids::UserId;
use crate::mirror::{Mirror, MirroredUser, Row};
use crate::operations::User;
use crate::principal::{Principal, PrincipalKind};

impl AuthGraph {
    /// Returns the row of a user, and creates it for a user who has never visited this service. Other rows can refer to
    /// the user then.
    ///
    /// auth-graph is asked with the service's own token: its service client needs the scope `users:read` or
    /// `feed:read`, and fields that it may not see are empty. A service that follows the feed has every user already.
    /// For an account that was merged into another one, this returns the row of that other account, with its id.
    ///
    /// # Errors
    /// `NOT_FOUND` when the user does not exist, or the service client may not see them; as
    /// [`service_token`](Self::service_token) and [`Mirror::apply`].
    pub async fn provision(&self, id: UserId) -> Result<MirroredUser, Error> {
        let mirror = self.mirror_or_error()?;
        if let Some(user) = mirror.user(id).await? {
            return Ok(user);
        }
        let user = self.inner.remote.user_snapshot(id).await?.ok_or(Code::NotFound)?;
        let id = UserId(user.id);
        mirror.write(Row::of_snapshot(user, self.inner.clock.now())).await?;
        mirror.user(id).await?.ok_or_else(|| Code::NotFound.into())
    }

    /// Mirrors a user who was read with their own token, if there is a mirror. If this service reads users with its own
    /// token, that token is used instead: it may show fewer fields, and the feed would never update the others.
    ///
    /// # Errors
    /// As [`Mirror::apply`]; `UNAVAILABLE` when auth-graph must be asked and cannot be, or does not know this service.
    pub(crate) async fn mirror_user(&self, user: &User) -> Result<(), Error> {
        let Some(mirror) = self.mirror() else { return Ok(()) };
        let shown = match self.inner.remote.reads_users().await {
            Ok(false) => return mirror.apply(user).await,
            Ok(true) => self.inner.remote.user_snapshot(user.id).await,
            Err(error) => Err(error),
        };
        match shown {
            Ok(Some(shown)) if shown.id == user.id.0 => {
                mirror.write(Row::of_snapshot(shown, self.inner.clock.now())).await
            }
            Ok(_) => Ok(()),
            // The next call gets another service token. The user's own token is good, whatever is wrong with ours.
            Err(error) => {
                self.inner.remote.forget_service_token().await;
                Err(Error::unavailable(error))
            }
        }
    }

    fn mirror_or_error(&self) -> Result<&Mirror, Error> {
        self.mirror().ok_or_else(|| Error::misused("there is no mirror: pass one to AuthGraphBuilder::mirror"))
    }
}

impl Context {
    /// Returns the caller's user. On the first visit of the user, auth-graph is asked with the caller's own token, and
    /// the row is created. With a service client that may read users or the feed, the row holds the fields that this
    /// client may see, which takes a second request.
    ///
    /// # Errors
    /// As [`principal`](Self::principal); `TOKEN_REVOKED` when the user can no longer sign in; `FORBIDDEN` for a
    /// service, which has no user, and for a user whom this service may not see; `UNAVAILABLE` when auth-graph must be
    /// asked and cannot be.
    pub async fn user(&self) -> Result<MirroredUser, Error> {
        let principal = self.principal()?;
        if principal.kind == PrincipalKind::Service {
            return Err(Error::forbidden(Reason::UserRequired));
        }
        // A user who is disabled or deleted in the mirror may have been restored since: auth-graph knows.
        match self.auth_graph().mirror_or_error()?.user(principal.subject).await? {
            Some(user) if user.is_active => Ok(user),
            _ => {
                let (context, caller) = (self.clone(), principal.clone());
                let flights = &self.auth_graph().inner.first_sights;
                let flight = flights.join(principal.subject, || async move { context.first_sight(&caller).await });
                match flight.await.unwrap_or_else(|interrupted| Err(Error::internal(interrupted))) {
                    // The shared request may have failed because of another token of the same user.
                    Err(error) if error.code() == Code::TokenRevoked => self.first_sight(principal).await,
                    outcome => outcome,
                }
            }
        }
    }

    /// Returns another user from the mirror; none when unknown or deleted.
    ///
    /// # Errors
    /// As [`Mirror::user`].
    pub async fn user_by_id(&self, id: UserId) -> Result<Option<MirroredUser>, Error> {
        self.auth_graph().mirror_or_error()?.user(id).await
    }

    async fn first_sight(&self, principal: &Principal) -> Result<MirroredUser, Error> {
        let mirror = self.auth_graph().mirror_or_error()?;
        // Another request can have created the row in between.
        if let Some(user) = mirror.user(principal.subject).await?
            && user.is_active
        {
            return Ok(user);
        }
        let user = self.auth_graph().me(principal.access_token()).await?.ok_or(Code::TokenRevoked)?;
        if user.id != principal.subject {
            return Err(Error::unavailable("auth-graph answered with another user than the token's"));
        }
        self.auth_graph().mirror_user(&user).await?;
        match mirror.user(principal.subject).await? {
            Some(user) if user.is_active => Ok(user),
            // This service may not see the user, or the feed was faster. The feed reports a hidden user as deleted. If
            // the user was really deleted, it has ended the session as well.
            None if user.is_active => {
                self.principal()?;
                Err(Error::forbidden(Reason::LimitedClient).with_detail("This service may not see the user."))
            }
            _ => Err(Code::TokenRevoked.into()),
        }
    }
}
