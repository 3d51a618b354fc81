//! The three users, as in the example that this project descends from.

use auth_graph::app::App;
use auth_graph::auth::Actor;
use auth_graph::auth::accounts::Rank;
use auth_graph::auth::administration::{self, NewAccount};
use auth_graph::error::{Code, Error};
use auth_graph::values::NewPassword;

/// Addresses, passwords and what each may do.
pub(crate) const USERS: [(&str, &str, Rank); 3] = [
    ("admin@test.com", "admin-pass", Rank::Superuser),
    ("staff@test.com", "staff-pass", Rank::Staff),
    ("user@test.com", "user-pass", Rank::User),
];

/// Makes those that are not there yet.
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
