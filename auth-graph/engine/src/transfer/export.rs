//! Exports users page by page, in a form that the import accepts.

use std::collections::{BTreeMap, HashMap};

use super::Record;
use crate::app::App;
use model::error::Result;
use model::values::UserId;
use store::users::{self, Filter};
use store::window::{Direction, Window};
use store::{user_credentials, user_numbers};

/// Number of users in a page.
pub const PAGE: u64 = 1000;

/// Treatment of password hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hashes {
    /// The export contains them. A reader of the export can then guess passwords.
    Include,
    /// The export does not contain them.
    Omit,
}

/// Returns the users after one identifier, in the order of the identifiers; an empty page at the end.
pub async fn export(app: &App, after: Option<UserId>, hashes: Hashes) -> Result<Vec<(UserId, Record)>> {
    let window = Window { after: after.map(|user| user.0), before: None, direction: Direction::Forward, limit: PAGE };
    let page = users::page(&app.db, &Filter::default(), window).await?;
    let ids: Vec<UserId> = page.iter().map(|user| user.id).collect();
    let numbers = user_numbers::of_users(&app.db, &ids).await?;
    let numbers: HashMap<UserId, i64> = numbers.into_iter().map(|row| (row.user_id, row.number)).collect();
    let mut passwords: HashMap<UserId, String> = match hashes {
        Hashes::Include => user_credentials::passwords_of(&app.db, &ids).await?.into_iter().map(hash_of).collect(),
        Hashes::Omit => HashMap::new(),
    };
    let record = |user: users::Model| {
        let (number, password) = (numbers.get(&user.id).copied(), passwords.remove(&user.id));
        (user.id, record(user, number, password))
    };
    Ok(page.into_iter().map(record).collect())
}

fn hash_of(password: user_credentials::Model) -> (UserId, String) {
    (password.user_id, password.secret)
}

fn record(user: users::Model, number: Option<i64>, password_hash: Option<String>) -> Record {
    let texts = |json: &serde_json::Value| -> Vec<String> {
        json.as_array().into_iter().flatten().filter_map(|text| text.as_str().map(str::to_owned)).collect()
    };
    let members = |json: &serde_json::Value| -> BTreeMap<String, serde_json::Value> {
        json.as_object().into_iter().flatten().map(|(name, value)| (name.clone(), value.clone())).collect()
    };
    Record {
        id: Some(user.id.to_string()),
        number,
        email: user.email.shown().to_owned(),
        username: user.username.map(|name| name.to_string()),
        password_hash,
        first_name: user.first_name,
        last_name: user.last_name,
        phone_number: user.phone_number,
        locale: user.locale.map(|locale| locale.to_string()),
        is_active: user.is_active,
        is_staff: user.is_staff,
        is_superuser: user.is_superuser,
        email_verified: user.email_verified,
        roles: texts(&user.roles),
        scopes: user.scopes.to_strings(),
        metadata: members(&user.metadata),
        private_metadata: members(&user.private_metadata),
        date_joined: Some(user.date_joined),
        last_login: user.last_login,
    }
}
