//! The three users, the same as in the example of django-easyjwt, with names and pictures.

use engine::accounts::Rank;
use engine::administration::{self, NewAccount};
use engine::app::App;
use engine::callers::Actor;
use model::error::{Code, Error};
use model::values::NewPassword;
use serde_json::json;

/// A user of the demo.
pub(crate) struct DemoUser {
    pub(crate) email: &'static str,
    pub(crate) password: &'static str,
    rank: Rank,
    first_name: &'static str,
    last_name: &'static str,
}

/// The users.
pub(crate) const USERS: [DemoUser; 3] = [
    DemoUser {
        email: "admin@test.com",
        password: "admin-pass",
        rank: Rank::Superuser,
        first_name: "Grace",
        last_name: "Hopper",
    },
    DemoUser {
        email: "staff@test.com",
        password: "staff-pass",
        rank: Rank::Staff,
        first_name: "Alan",
        last_name: "Turing",
    },
    DemoUser {
        email: "user@test.com",
        password: "user-pass",
        rank: Rank::User,
        first_name: "Ada",
        last_name: "Lovelace",
    },
];

/// Creates the users that do not exist yet.
pub(crate) async fn create(app: &App) -> Result<(), Error> {
    for DemoUser { email, password, rank, first_name, last_name } in USERS {
        let plain = NewAccount::plain(email.parse()?, Some(NewPassword::parse(password.into())?));
        let picture = format!("https://example.com/pictures/{}.png", first_name.to_lowercase());
        let new = NewAccount {
            rank,
            first_name: first_name.to_owned(),
            last_name: last_name.to_owned(),
            metadata: json!({ "picture": picture }),
            ..plain
        };
        match administration::create(app, &Actor::operator(), new).await {
            Err(error) if error.code() == Code::Conflict => {}
            result => drop(result?),
        }
    }
    Ok(())
}
