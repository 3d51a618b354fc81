//! Who changes something, and how far their powers reach over what is not their own.
//!
//! The rule is that nobody gives more than they hold: neither to themselves, nor to others, nor by taking an account
//! over that has more.

use sea_orm::ConnectionTrait;

use super::Device;
use super::Principal;
use super::scopes_of;
use crate::app::App;
use model::error::{Error, Result};
use model::values::{Scopes, UserId};
use store::audit_events::ActorKind;
use store::users;

/// The role that may do everything.
const SUPERUSER: &str = "superuser";

/// Who does something, and from where.
#[derive(Clone, Debug)]
pub struct Actor {
    who: Who,
    device: Device,
}

#[derive(Clone, Debug)]
enum Who {
    Operator,
    System,
    Caller(Principal),
    /// Whoever has the mail that was sent to this user.
    Reader(UserId),
}

impl Actor {
    /// Whoever runs the command line, and so has the database anyway.
    #[must_use]
    pub fn operator() -> Self {
        Self { who: Who::Operator, device: Device::default() }
    }

    /// The service itself, which does what it was configured to.
    #[must_use]
    pub(crate) fn system() -> Self {
        Self { who: Who::System, device: Device::default() }
    }

    /// The caller of a request that changes what is not their own.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for somebody who acts as another: what they may do must be done under their own name.
    pub fn caller(principal: &Principal, device: &Device) -> Result<Self> {
        match principal.impersonator() {
            Some(_) => Err(Error::Forbidden),
            None => Ok(Self::own(principal, device)),
        }
    }

    /// The caller of a request that changes what is their own, or somebody who acts as them.
    pub(crate) fn own(principal: &Principal, device: &Device) -> Self {
        Self { who: Who::Caller(principal.clone()), device: device.clone() }
    }

    /// Whoever shows the one-time token that was sent to a user.
    pub(crate) fn reader(user: UserId, device: &Device) -> Self {
        Self { who: Who::Reader(user), device: device.clone() }
    }

    /// Whose token it is; none where there is none.
    #[must_use]
    pub fn principal(&self) -> Option<&Principal> {
        match &self.who {
            Who::Caller(principal) => Some(principal),
            Who::Operator | Who::System | Who::Reader(_) => None,
        }
    }

    /// Who is to be recorded: of somebody who acts as another, themselves.
    pub(crate) fn identity(&self) -> (ActorKind, Option<UserId>) {
        match &self.who {
            Who::Operator => (ActorKind::Operator, None),
            Who::System => (ActorKind::System, None),
            Who::Reader(user) => (ActorKind::User, Some(*user)),
            Who::Caller(principal) if principal.is_service() => (ActorKind::Service, Some(principal.subject())),
            Who::Caller(principal) => {
                (ActorKind::User, Some(principal.impersonator().unwrap_or_else(|| principal.subject())))
            }
        }
    }

    /// Where the request came from.
    #[must_use]
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// How far the powers of the actor reach now.
    ///
    /// # Errors
    /// [`Error::TokenRevoked`] when the user was disabled meanwhile; when the database fails.
    pub(crate) async fn powers(&self, app: &App, db: &impl ConnectionTrait) -> Result<Powers> {
        let principal = match &self.who {
            Who::Operator | Who::System => return Ok(Powers::Everything),
            Who::Reader(_) => return Ok(Powers::Scopes(Scopes::default())),
            Who::Caller(principal) => principal,
        };
        if principal.is_service() {
            return Ok(Powers::Scopes(principal.scopes().clone()));
        }
        let user = users::find(db, principal.subject()).await?.filter(|user| user.is_active);
        let user = user.ok_or(Error::TokenRevoked)?;
        let held = scopes_of(app, &user).intersection(principal.scopes());
        // A superuser who has asked for a token with fewer scopes shall have no more than that.
        let all = app.config.roles.get(SUPERUSER).cloned().unwrap_or_default();
        Ok(match user.is_superuser && all.intersection(&held) == all {
            true => Powers::Everything,
            false => Powers::Scopes(held),
        })
    }
}

/// What an actor may pass on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Powers {
    /// Everything: the operator's, the service's own, and a superuser's.
    Everything,
    /// These scopes.
    Scopes(Scopes),
}

impl Powers {
    /// Refuses to give, or to take over, what is not held.
    ///
    /// # Errors
    /// [`Error::Forbidden`].
    pub(crate) fn cover(&self, scopes: &Scopes) -> Result<()> {
        match self {
            Self::Everything => Ok(()),
            Self::Scopes(held) if held.intersection(scopes) == *scopes => Ok(()),
            Self::Scopes(_) => Err(Error::Forbidden),
        }
    }

    /// Whether it is [`Powers::Everything`].
    pub(crate) fn are_complete(&self) -> bool {
        *self == Self::Everything
    }
}
