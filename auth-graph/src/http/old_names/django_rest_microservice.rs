//! django-rest-microservice: the refresh token is in the cookie of `[cookies]`, and the CSRF token of its session is in
//! the member `CSRF_token` of answers and requests, or in the header `X-CSRF-Token`.

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, SET_COOKIE};
use axum::http::request::Parts;
use axum::response::IntoResponse;
use axum::routing::post;
use secrecy::ExposeSecret;
use serde_json::json;

use crate::graphql::{Browser, admit, cookie_of, no_cookie, require_trusted_page};
use crate::http::browser::browser;
use crate::http::easyjwt::account::account;
use crate::http::easyjwt::answer::{Answer, answer};
use crate::http::easyjwt::fields::Fields;
use crate::http::easyjwt::refusal::Refusal;
use crate::http::easyjwt::{only, verify};
use crate::http::identity::device;
use crate::http::site::Site;
use engine::app::App;
use engine::sessions::{self, LogoutTarget, TokenPair};
use engine::signing_in::{self, Identifier, Login};
use model::error::Error;

pub(super) fn router() -> Router<Site> {
    Router::new()
        .route("/auth/sign-in/", only(post(sign_in), "POST"))
        .route("/auth/refresh/", only(post(refresh), "POST"))
        .route("/auth/verify/", only(post(verify), "POST"))
        .route("/auth/logoff/", only(post(log_off), "POST"))
}

async fn sign_in(State(app): State<App>, parts: Parts, body: Body) -> Answer {
    require_trusted_page(&browser(&app, &parts.headers)).map_err(of_cookie)?;
    let mut fields = Fields::read_with(&parts.headers, body, &["password"], &["username", "email"]).await?;
    let identifier = identifier(&app, &mut fields)?.ok_or(Error::InvalidCredentials)?;
    let login = Login { identifier, password: fields.take("password").into(), scope: None, audience: None };
    let pair = signing_in::login(&app, login, &device(&app, &parts)).await?;
    signed_in(&app, &pair).await
}

async fn refresh(State(app): State<App>, parts: Parts, body: Body) -> Answer {
    let browser = browser_with_csrf_token(&app, &parts, body).await?;
    if browser.cookies.is_empty() {
        return Err(Error::TokenInvalid.into());
    }
    let token = admit(&app, &browser).map_err(of_cookie)?;
    let pair = sessions::refresh(&app, token, &device(&app, &parts)).await?;
    signed_in(&app, &pair).await
}

/// Ends the session of the cookie. It may be repeated.
async fn log_off(State(app): State<App>, parts: Parts, body: Body) -> Answer {
    let browser = browser_with_csrf_token(&app, &parts, body).await?;
    if !browser.cookies.is_empty() {
        let token = admit(&app, &browser).map_err(of_cookie)?;
        sessions::logout(&app, Some(token), None, LogoutTarget::ThisSession, &device(&app, &parts)).await?;
    }
    let headers = [(SET_COOKIE, no_cookie(&app)), (CACHE_CONTROL, "no-store".to_owned())];
    Ok((StatusCode::OK, headers).into_response())
}

/// Returns the account that the fields name: an address in either field, or a user name in `username` where the
/// configuration accepts user names. `None` stands for what is neither.
fn identifier(app: &App, fields: &mut Fields) -> Result<Option<Identifier>, Refusal> {
    let (email, username) = (fields.take("email"), fields.take("username"));
    match (email.expose_secret(), username.expose_secret()) {
        ("", "") => Err(Refusal::Fields(json!({ "username": ["This field is required."] }))),
        ("", name) if app.config.accounts.usernames => Ok(name.parse().map(Identifier::Username).ok()),
        ("", email) | (email, _) => Ok(email.parse().map(Identifier::Email).ok()),
    }
}

async fn browser_with_csrf_token(app: &App, parts: &Parts, body: Body) -> Result<Browser, Refusal> {
    let sent = Fields::read_with(&parts.headers, body, &[], &["CSRF_token"]).await?.take("CSRF_token");
    let browser = browser(app, &parts.headers);
    let in_body = Some(sent.expose_secret()).filter(|token| !token.is_empty()).map(str::to_owned);
    Ok(Browser { csrf_token: browser.csrf_token.or(in_body), ..browser })
}

async fn signed_in(app: &App, pair: &TokenPair) -> Answer {
    let body = json!({
        "access_token": pair.access_token.expose_secret(),
        "expires": pair.expires_at.timestamp(),
        "CSRF_token": app.tokens.csrf.encode(pair.session),
        "user": account(app, &pair.user).await?,
    });
    let cookie = cookie_of(app, &pair.refresh_token, pair.refresh_expires_in);
    Ok(([(SET_COOKIE, cookie)], answer(body)).into_response())
}

/// A page that may not use the cookie learns which check has failed.
fn of_cookie(error: Error) -> Refusal {
    match error {
        Error::Denied(reason) => Refusal::Cookie(reason),
        other => other.into(),
    }
}
