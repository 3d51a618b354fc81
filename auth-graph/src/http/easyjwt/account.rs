//! Accounts: that of the caller, and those of others for callers who may read users.

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use chrono::{DateTime, SecondsFormat, Utc};
use http_input::Bearer;
use serde_json::{Map, Value, json};

use super::answer::{Answer, answer};
use super::refusal::Refusal;
use engine::app::App;
use engine::callers::{self, Principal};
use engine::{accounts, easyjwt};
use model::error::Error;
use store::users;

/// Returns the account of the caller, and of no other user.
pub(super) async fn own(State(app): State<App>, headers: HeaderMap) -> Answer {
    let user = own_user(&app, &headers).await?;
    Ok(answer(account(&app, &user).await?.into()))
}

/// Returns the user of the access token.
pub(in crate::http) async fn own_user(app: &App, headers: &HeaderMap) -> Result<users::Model, Refusal> {
    let caller = caller(app, headers).await?;
    let id = caller.user().ok_or(Refusal::UserNotFound)?;
    let seen = accounts::visible(app, Some(&caller), id).await?.ok_or(Refusal::UserNotFound)?;
    if seen.user.is_active { Ok(seen.user) } else { Err(Refusal::UserInactive) }
}

/// Returns the account with this number or UUID: that of the caller, or of any user with the scope `users:read`.
pub(super) async fn by_id(State(app): State<App>, Path(id): Path<String>, headers: HeaderMap) -> Answer {
    let caller = caller(&app, &headers).await?;
    let user = easyjwt::visible(&app, &caller, &id).await?;
    Ok(answer(account(&app, &user).await?.into()))
}

async fn caller(app: &App, headers: &HeaderMap) -> Result<Principal, Refusal> {
    let token = match Bearer::of(headers) {
        Bearer::Absent => return Err(Refusal::Anonymous),
        Bearer::Malformed => return Err(Error::AuthorizationMalformed.into()),
        Bearer::Token(token) => token.into(),
    };
    match callers::authenticate(app, &token).await {
        Ok(caller) => Ok(caller),
        Err(callers::Refusal::Unknown) => Err(Error::from(callers::Refusal::Unknown).into()),
        Err(callers::Refusal::Revoked) => Err(match easyjwt::is_disabled(app, &token).await? {
            None => Refusal::UserNotFound,
            Some(true) => Refusal::UserInactive,
            Some(false) => Refusal::BadBearer,
        }),
        Err(_) => Err(Refusal::BadBearer),
    }
}

/// Returns the fields of an account, with those of the configuration.
pub(in crate::http) async fn account(app: &App, user: &users::Model) -> Result<Map<String, Value>, Error> {
    let time = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Micros, true);
    let mut fields: Map<String, Value> = easyjwt::further_fields(app, user);
    let fixed = json!({
        "id": easyjwt::number_of(app, user.id).await?,
        "first_name": user.first_name,
        "email": user.email.shown(),
        "last_name": user.last_name,
        "date_joined": time(user.date_joined),
        "last_login": user.last_login.map(time),
        "is_active": user.is_active,
        "is_staff": user.is_staff,
        "is_superuser": user.is_superuser,
    });
    fields.extend(fixed.as_object().cloned().unwrap_or_default());
    Ok(fields)
}
