//! The scopes that a user holds.

use model::values::Scopes;
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
