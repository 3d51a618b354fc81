//! The powers of an actor over users and clients: scopes and roles.
//!
//! No actor gives more than they hold, takes what they do not hold, or acts on an account that holds more. A role is a
//! power by itself, also without scopes: other services decide by it.

use super::roles_and_scopes_of;
use crate::app::App;
use model::error::{Error, Result};
use model::values::{RolesAndScopes, Scopes};
use store::users;

/// Role that may do everything.
const SUPERUSER: &str = "superuser";

/// All scopes that this service checks. A superuser whose token lacks one of them has limited powers, also if the
/// configuration gives the role `superuser` fewer scopes.
const ADMINISTRATION: [&str; 9] = [
    "audit:read",
    "clients:read",
    "clients:write",
    "feed:read",
    "users:impersonate",
    "users:read",
    "users:write",
    "webhooks:read",
    "webhooks:write",
];

/// The powers of an actor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Powers {
    /// All powers: those of the operator, of the service itself and of a superuser.
    Everything,
    /// Only these roles and scopes.
    Limited(RolesAndScopes),
}

impl Powers {
    /// Returns no powers.
    pub(crate) fn none() -> Self {
        Self::Limited(RolesAndScopes::default())
    }

    /// Returns the powers of a service client, which has no roles.
    pub(crate) fn of_client(scopes: Scopes) -> Self {
        Self::Limited(RolesAndScopes { scopes, ..RolesAndScopes::default() })
    }

    /// Returns the powers of a user with a token that allows these scopes. A role is held only with all of its scopes.
    pub(crate) fn of_user(app: &App, user: &users::Model, token: &Scopes) -> Self {
        let mut held = roles_and_scopes_of(app, user);
        held.scopes = held.scopes.intersection(token);
        let covered = |role: &String| app.config.roles.get(role).is_none_or(|scopes| contains(&held.scopes, scopes));
        held.roles.retain(covered);
        let complete = held.roles.contains(SUPERUSER) && ADMINISTRATION.iter().all(|scope| held.scopes.contains(scope));
        if user.is_superuser && complete { Self::Everything } else { Self::Limited(held) }
    }

    /// Returns whether these are [`Powers::Everything`].
    pub(crate) fn is_everything(&self) -> bool {
        *self == Self::Everything
    }

    /// Checks that the actor holds these scopes.
    ///
    /// # Errors
    /// [`Error::Forbidden`] when they do not.
    pub(crate) fn require_scopes(&self, scopes: &Scopes) -> Result<()> {
        match self {
            Self::Everything => Ok(()),
            Self::Limited(held) if contains(&held.scopes, scopes) => Ok(()),
            Self::Limited(_) => Err(Error::Forbidden),
        }
    }

    /// Checks that the actor holds everything that a user holds, before they act on the account.
    ///
    /// # Errors
    /// [`Error::Forbidden`] when they do not. Only [`Powers::Everything`] covers a superuser.
    pub(crate) fn require_all_of(&self, app: &App, user: &users::Model) -> Result<()> {
        match self {
            Self::Everything => Ok(()),
            Self::Limited(_) if user.is_superuser => Err(Error::Forbidden),
            Self::Limited(held) => {
                let RolesAndScopes { roles, scopes } = roles_and_scopes_of(app, user);
                if roles.is_subset(&held.roles) { self.require_scopes(&scopes) } else { Err(Error::Forbidden) }
            }
        }
    }

    /// Checks that the actor holds the roles and scopes that a change gives to a user or takes from them.
    ///
    /// # Errors
    /// [`Error::Forbidden`] when they do not. Only [`Powers::Everything`] covers a flag.
    pub(crate) fn require_difference(&self, app: &App, before: &users::Model, after: &users::Model) -> Result<()> {
        let Self::Limited(held) = self else { return Ok(()) };
        if (before.is_staff, before.is_superuser) != (after.is_staff, after.is_superuser) {
            return Err(Error::Forbidden);
        }
        let (before, after) = (roles_and_scopes_of(app, before), roles_and_scopes_of(app, after));
        let mut roles = before.roles.symmetric_difference(&after.roles);
        if !roles.all(|role| held.roles.contains(role)) {
            return Err(Error::Forbidden);
        }
        let is_kept = |scope: &str| before.scopes.contains(scope) && after.scopes.contains(scope);
        let all = before.scopes.iter().chain(after.scopes.iter());
        self.require_scopes(&all.filter(|scope| !is_kept(scope.as_str())).cloned().collect())
    }
}

fn contains(held: &Scopes, scopes: &Scopes) -> bool {
    held.intersection(scopes) == *scopes
}

#[cfg(test)]
mod tests {
    use model::config::{Config, Sources};

    use super::*;

    #[test]
    fn a_superuser_holds_every_scope_of_administration_by_default() {
        let config = Config::load(&Sources::default()).unwrap();
        assert_eq!(config.roles[SUPERUSER].to_strings(), ADMINISTRATION);
    }
}
