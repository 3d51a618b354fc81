//! The actor of a change: who makes it, from which device, and with which powers.

use sea_orm::ConnectionTrait;

use super::Device;
use super::Principal;
use super::powers::Powers;
use crate::app::App;
use model::error::{Error, Reason, Result};
use model::values::{Subject, UserId};
use store::audit_events::ActorKind;
use store::users;
use uuid::Uuid;

/// The actor of a change, and the device of the request.
#[derive(Clone, Debug)]
pub struct Actor {
    identity: Identity,
    device: Device,
}

#[derive(Clone, Debug)]
enum Identity {
    Operator,
    System,
    Caller(Principal),
    /// The person who has the mail that was sent to this user.
    MailRecipient(UserId),
}

impl Actor {
    /// Builds the operator: the person who runs the command line, and therefore can access the database anyway.
    #[must_use]
    pub fn operator() -> Self {
        Self { identity: Identity::Operator, device: Device::default() }
    }

    /// Builds the actor for the service itself, which acts as configured.
    #[must_use]
    pub(crate) fn system() -> Self {
        Self { identity: Identity::System, device: Device::default() }
    }

    /// Builds the actor for a caller who changes an object of another owner.
    ///
    /// # Errors
    /// [`Error::Denied`] for a caller who acts as another user: such changes must be made under their own name.
    pub fn caller(principal: &Principal, device: &Device) -> Result<Self> {
        match principal.impersonator() {
            Some(_) => Err(Error::Denied(Reason::Impersonation)),
            None => Ok(Self::own(principal, device)),
        }
    }

    /// Builds the actor for a caller who changes their own data, or for a user who acts as them.
    pub(crate) fn own(principal: &Principal, device: &Device) -> Self {
        Self { identity: Identity::Caller(principal.clone()), device: device.clone() }
    }

    /// Builds the actor for a person who presents the one-time token that was sent to a user.
    pub(crate) fn mail_recipient(user: UserId, device: &Device) -> Self {
        Self { identity: Identity::MailRecipient(user), device: device.clone() }
    }

    /// Returns the principal of the caller, or `None` for an actor without a token.
    #[must_use]
    pub fn principal(&self) -> Option<&Principal> {
        match &self.identity {
            Identity::Caller(principal) => Some(principal),
            Identity::Operator | Identity::System | Identity::MailRecipient(_) => None,
        }
    }

    /// Returns the identity to be recorded. A user who acts as another is recorded as themselves.
    pub(crate) fn identity(&self) -> (ActorKind, Option<Uuid>) {
        match &self.identity {
            Identity::Operator => (ActorKind::Operator, None),
            Identity::System => (ActorKind::System, None),
            Identity::MailRecipient(user) => (ActorKind::User, Some(user.0)),
            Identity::Caller(principal) => match principal.subject() {
                Subject::Client(client) => (ActorKind::Service, Some(client.0)),
                Subject::User(user) => (ActorKind::User, Some(principal.impersonator().unwrap_or(user).0)),
            },
        }
    }

    /// Returns the device of the request.
    #[must_use]
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Returns the current powers of the actor.
    ///
    /// # Errors
    /// [`Error::TokenRevoked`] when the user was disabled meanwhile; when the database fails.
    pub(crate) async fn powers(&self, app: &App, db: &impl ConnectionTrait) -> Result<Powers> {
        let principal = match &self.identity {
            Identity::Operator | Identity::System => return Ok(Powers::Everything),
            Identity::MailRecipient(_) => return Ok(Powers::none()),
            Identity::Caller(principal) => principal,
        };
        let Some(user) = principal.user() else { return Ok(Powers::of_client(principal.scopes().clone())) };
        let user = users::find(db, user).await?.filter(|user| user.is_active);
        let user = user.ok_or(Error::TokenRevoked)?;
        Ok(Powers::of_user(app, &user, principal.scopes()))
    }
}
