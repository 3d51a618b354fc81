//! The roles and scopes that a user holds.

use model::values::{RolesAndScopes, Scopes};
use store::users;

use crate::app::App;

/// Returns all scopes that a user may ask for: their own scopes and those of their roles.
#[must_use]
pub fn scopes_of(app: &App, user: &users::Model) -> Scopes {
    let mut scopes = user.scopes.clone();
    for role in user.roles() {
        scopes.extend(app.config.roles.get(&role).into_iter().flat_map(Scopes::iter).cloned());
    }
    scopes
}

/// Returns the roles and scopes that a user holds. The flags of the user are among the roles.
pub(crate) fn roles_and_scopes_of(app: &App, user: &users::Model) -> RolesAndScopes {
    RolesAndScopes { roles: user.roles().into_iter().collect(), scopes: scopes_of(app, user) }
}
