//! The three users, the same as in the example of django-easyjwt.

use engine::accounts::Rank;
use engine::administration::{self, NewAccount};
use engine::app::App;
use engine::callers::Actor;
use model::error::{Code, Error};
use model::values::NewPassword;

/// Addresses, passwords and ranks of the users.
pub(crate) const USERS: [(&str, &str, Rank); 3] = [
    ("admin@test.com", "admin-pass", Rank::Superuser),
    ("staff@test.com", "staff-pass", Rank::Staff),
    ("user@test.com", "user-pass", Rank::User),
];

/// Creates the users that do not exist yet.
pub(crate) async fn create(app: &App) -> Result<(), Error> {
    for (email, password, rank) in USERS {
        let plain = NewAccount::plain(email.parse()?, Some(NewPassword::parse(password.into())?));
        match administration::create(app, &Actor::operator(), NewAccount { rank, ..plain }).await {
            Err(error) if error.code() == Code::Conflict => {}
            result => drop(result?),
        }
    }
    Ok(())
}
