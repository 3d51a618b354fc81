//! The paths of django-easyjwt's authentication service, with its bodies, so that its client services can be pointed
//! here. Where its answer is a fault, ours is given: `docs/guides/from-django.md` lists those. The section `[rest]` of
//! the configuration switches them on. What only these clients need of the product is in `engine::easyjwt`.

pub(super) mod account;
pub(super) mod answer;
pub(super) mod fields;
pub(super) mod refusal;

use axum::body::Body;
use axum::extract::State;
use axum::http::header::CACHE_CONTROL;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::IntoResponse;
use axum::routing::{MethodRouter, get, post};
use axum::{Json, Router};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::identity::device;
use super::site::Site;
use answer::{Answer, answer};
use engine::app::App;
use engine::easyjwt::{self, NewUnconfirmed};
use engine::sessions::{self, LogoutTarget};
use engine::signing_in;
use engine::signing_in::{Identifier, Login};
use engine::verification::{Verified, verify as check};
use fields::Fields;
use model::config::{OldNames, Rest};
use model::error::Error;
use model::values::NewPassword;
use refusal::Refusal;

/// The routes.
pub(super) fn router(rest: &Rest) -> Router<Site> {
    let router = Router::new()
        .route("/auth/token/", only(post(token), "POST"))
        .route("/auth/token/refresh/", only(post(refresh), "POST"))
        .route("/auth/token/verify/", only(post(verify), "POST"))
        .route("/auth/token/blacklist/", only(post(blacklist), "POST"))
        .route("/auth/user/", only(get(account::own), "GET"))
        .route("/auth/users/{id}/", only(get(account::by_id), "GET"))
        .route("/auth/create-user/", only(post(create_user), "POST"))
        .route("/auth/password-change/", only(post(change_password), "POST"));
    let mut hinted = vec!["/auth/token/", "/auth/token/refresh/", "/auth/token/verify/"];
    if !rest.serves(OldNames::DjangoAuthService) {
        // That service has the path without the slash.
        hinted.push("/auth/user/");
    }
    serving::hint_at(router, &hinted)
}

/// Refuses other methods in the words of Django REST framework.
pub(super) fn only(routes: MethodRouter<Site>, allowed: &'static str) -> MethodRouter<Site> {
    routes.fallback(move |method: Method| async move { Refusal::Method { method, allowed } })
}

async fn token(State(app): State<App>, parts: Parts, body: Body) -> Answer {
    let mut fields = Fields::read_named(&app, &parts.headers, body, &["password"]).await?;
    let identifier = identifier(&mut fields).ok_or(Error::InvalidCredentials)?;
    let login = Login { identifier, password: fields.take("password").into(), scope: None, audience: None };
    let pair = signing_in::login(&app, login, &device(&app, &parts)).await?;
    Ok(answer(tokens(&pair)))
}

/// Returns the account that the fields name, or `None` for what is no address and no user name: it belongs to no user,
/// so the answer is that of a wrong password.
pub(super) fn identifier(fields: &mut Fields) -> Option<Identifier> {
    let (email, name) = (fields.take("email"), fields.take("username"));
    match name.expose_secret() {
        "" => email.expose_secret().parse().map(Identifier::Email).ok(),
        name => name.parse().map(Identifier::Username).ok(),
    }
}

async fn refresh(State(app): State<App>, parts: Parts, body: Body) -> Answer {
    let token = Fields::read(&parts.headers, body, &["refresh"]).await?.take("refresh");
    match sessions::refresh(&app, &token, &device(&app, &parts)).await {
        Ok(pair) => Ok(answer(tokens(&pair))),
        Err(error) => Err(explain(&app, &token, error).await),
    }
}

/// Any kind of token, as theirs.
pub(super) async fn verify(State(app): State<App>, headers: HeaderMap, body: Body) -> Answer {
    let token = Fields::read(&headers, body, &["token"]).await?.take("token");
    match check(&app, &token).await? {
        Ok(_) => Ok(answer(json!({}))),
        Err(refusal) => Err(Error::from(refusal).into()),
    }
}

/// Ends the session of the token. It may be repeated.
async fn blacklist(State(app): State<App>, parts: Parts, body: Body) -> Answer {
    let token = Fields::read(&parts.headers, body, &["refresh"]).await?.take("refresh");
    match sessions::logout(&app, Some(&token), None, LogoutTarget::ThisSession, &device(&app, &parts)).await {
        Ok(_) => Ok(answer(json!({}))),
        Err(error) => Err(explain(&app, &token, error).await),
    }
}

async fn create_user(State(app): State<App>, parts: Parts, body: Body) -> Answer {
    easyjwt::require_creating(&app)?;
    let mut fields =
        Fields::read_with(&parts.headers, body, &["email", "password"], &["first_name", "last_name", "phone"]).await?;
    let device = device(&app, &parts);
    let new = unconfirmed(&mut fields).map_err(named)?;
    let user = easyjwt::create_unconfirmed(&app, new, &device).await.map_err(named)?;
    let body = json!({
        "id": easyjwt::number_of(&app, user.id).await?,
        "email": user.email.shown(),
        "first_name": user.first_name,
        "last_name": user.last_name,
        "phone": user.phone_number,
    });
    Ok((StatusCode::CREATED, [(CACHE_CONTROL, "no-store")], Json(body)).into_response())
}

fn unconfirmed(fields: &mut Fields) -> Result<NewUnconfirmed, Error> {
    let mut text = |name: &str| fields.take(name).expose_secret().to_owned();
    Ok(NewUnconfirmed {
        email: text("email").parse()?,
        first_name: text("first_name").parse().map_err(|error: Error| error.about("firstName"))?,
        last_name: text("last_name").parse().map_err(|error: Error| error.about("lastName"))?,
        phone_number: match text("phone").as_str() {
            "" => None,
            phone => Some(phone.parse()?),
        },
        password: NewPassword::parse(fields.take("password"))?,
    })
}

/// Returns the same refusal, with the name of the field that it is about.
fn named(error: Error) -> Refusal {
    let (field, problem) = match &error {
        Error::Conflict(_) => ("email", "This email already exists.".to_owned()),
        Error::ValidationFailed { field: "email", .. } => ("email", "Enter a valid email address.".to_owned()),
        Error::ValidationFailed { field, message, .. } => {
            let field = match *field {
                "firstName" => "first_name",
                "lastName" => "last_name",
                "phoneNumber" => "phone",
                other => other,
            };
            (field, format!("This value {message}."))
        }
        _ => return error.into(),
    };
    Refusal::Fields(json!({ field: [problem] }))
}

/// With an address and a password in place of a token.
async fn change_password(State(app): State<App>, parts: Parts, body: Body) -> Answer {
    let mut fields = Fields::read_named(&app, &parts.headers, body, &["password", "new_password"]).await?;
    let wrong = || Refusal::Fields(json!({ "non_field_errors": ["Invalid credentials."] }));
    let identifier = identifier(&mut fields).ok_or_else(wrong)?;
    let current = fields.take("password").into();
    let changed = match NewPassword::parse(fields.take("new_password")) {
        Ok(new) => {
            easyjwt::change_password_by_credentials(&app, &identifier, &current, &new, &device(&app, &parts)).await
        }
        Err(error) => Err(error),
    };
    match changed {
        Ok(()) => Ok(answer(json!({}))),
        Err(Error::InvalidCredentials) => Err(wrong()),
        Err(Error::ValidationFailed { message, .. }) => {
            Err(Refusal::Fields(json!({ "new_password": [format!("This value {message}.")] })))
        }
        Err(error) => Err(error.into()),
    }
}

/// An access token in the place of a refresh token has an answer of its own.
async fn explain(app: &App, token: &SecretString, error: Error) -> Refusal {
    match (&error, check(app, token).await) {
        (Error::TokenInvalid, Ok(Ok(Verified::Access(_)))) => Refusal::WrongType,
        _ => error.into(),
    }
}

fn tokens(pair: &sessions::TokenPair) -> Value {
    json!({ "refresh": pair.refresh_token.expose_secret(), "access": pair.access_token.expose_secret() })
}
