//! django-auth-service (Tibiritabara): bodies with one `token`, and a `status_code` in each error.
//!
//! Its clients know one token, which they also refresh. Here, `refresh_token` is beside it, and is what they refresh
//! with: ADR 71 says why an access token is not enough.

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use crate::http::easyjwt::account::{account, own_user};
use crate::http::easyjwt::answer::answer;
use crate::http::easyjwt::fields::Fields;
use crate::http::easyjwt::identifier;
use crate::http::easyjwt::refusal::Refusal;
use crate::http::identity::device;
use crate::http::site::Site;
use engine::app::App;
use engine::sessions::{self, TokenPair};
use engine::signing_in::{self, Login};
use engine::verification::{self, Verified};
use model::error::Error;

type Answer = Result<Response, Worded>;

pub(super) fn router() -> Router<Site> {
    let only = |allowed: &'static str| move |method: Method| async move { Worded(Refusal::Method { method, allowed }) };
    Router::new()
        .route("/auth/login", post(login).fallback(only("POST")))
        .route("/auth/verify", post(verify).fallback(only("POST")))
        .route("/auth/refresh", post(refresh).fallback(only("POST")))
        .route("/auth/user", get(user).fallback(only("GET")))
}

async fn login(State(app): State<App>, parts: Parts, body: Body) -> Answer {
    let mut fields = Fields::read_named(&app, &parts.headers, body, &["password"]).await?;
    let identifier = identifier(&mut fields).ok_or(Error::InvalidCredentials)?;
    let login = Login { identifier, password: fields.take("password").into(), scope: None, audience: None };
    Ok(tokens(&signing_in::login(&app, login, &device(&app, &parts)).await?))
}

/// Answers with the token itself if it is a valid access token.
async fn verify(State(app): State<App>, headers: HeaderMap, body: Body) -> Answer {
    let token = Fields::read(&headers, body, &["token"]).await?.take("token");
    match verification::verify(&app, &token).await?.map_err(Error::from)? {
        Verified::Access(_) => Ok(answer(json!({ "token": token.expose_secret() }))),
        Verified::Refresh(_) => Err(Error::TokenInvalid.into()),
    }
}

async fn refresh(State(app): State<App>, parts: Parts, body: Body) -> Answer {
    let token: SecretString = Fields::read(&parts.headers, body, &["token"]).await?.take("token");
    if !sessions::is_refresh_token(&token) {
        return Err(Refusal::WrongType.into());
    }
    Ok(tokens(&sessions::refresh(&app, &token, &device(&app, &parts)).await?))
}

/// Returns the account of the caller, with the fields that this service has in addition to those of django-easyjwt.
async fn user(State(app): State<App>, headers: HeaderMap) -> Answer {
    let user = own_user(&app, &headers).await?;
    let mut fields = account(&app, &user).await?;
    fields.insert("phone_number".to_owned(), json!(user.phone_number));
    fields.insert("groups".to_owned(), json!(user.roles()));
    fields.insert("user_permissions".to_owned(), json!(engine::callers::scopes_of(&app, &user).to_strings()));
    Ok(answer(fields.into()))
}

fn tokens(pair: &TokenPair) -> Response {
    let (access, refresh) = (pair.access_token.expose_secret(), pair.refresh_token.expose_secret());
    answer(json!({ "token": access, "refresh_token": refresh }))
}

/// A refusal in the words of djangorestframework-jwt.
struct Worded(Refusal);

impl<E: Into<Refusal>> From<E> for Worded {
    fn from(refusal: E) -> Self {
        Self(refusal.into())
    }
}

impl Worded {
    fn parts(&self) -> (StatusCode, Value) {
        let bad = |problem: &str| (StatusCode::BAD_REQUEST, json!({ "non_field_errors": [problem] }));
        let unauthorized = |detail: &str| (StatusCode::UNAUTHORIZED, json!({ "detail": detail }));
        match &self.0 {
            Refusal::Failed(Error::InvalidCredentials) => bad("Unable to log in with provided credentials."),
            Refusal::Failed(Error::TokenExpired) => bad("Signature has expired."),
            Refusal::Failed(Error::TokenInvalid | Error::TokenRevoked | Error::TokenReused) => {
                bad("Error decoding signature.")
            }
            Refusal::WrongType => {
                let problem = "This is no refresh token. Send the refresh_token of the last answer.";
                (StatusCode::BAD_REQUEST, json!({ "token": [problem], "code": "token_not_valid" }))
            }
            Refusal::BadBearer => unauthorized("Error decoding signature."),
            Refusal::UserInactive => unauthorized("User account is disabled."),
            Refusal::UserNotFound => unauthorized("Invalid signature."),
            other => other.parts(),
        }
    }
}

impl IntoResponse for Worded {
    fn into_response(self) -> Response {
        let (status, mut body) = self.parts();
        if let Value::Object(members) = &mut body {
            members.insert("status_code".to_owned(), status.as_u16().into());
        }
        self.0.respond(status, body)
    }
}
