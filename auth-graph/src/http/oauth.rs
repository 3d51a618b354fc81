//! The endpoints for OAuth libraries: tokens (RFC 6749), introspection (RFC 7662) and revocation (RFC 7009). There is
//! no authorization endpoint, because users sign in at `/graphql`.

mod credentials;
mod form;
mod refusal;

use std::collections::BTreeMap;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, PRAGMA};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, post};
use bytes::Bytes;
use secrecy::ExposeSecret;
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::identity::device;
use super::site::Site;
use ::credentials::access_tokens::{Act, Claims};
pub(super) use credentials::credentials;
use engine::app::App;
use engine::clients::{self, CallingClient, TokenRequest};
use engine::verification::Verified;
pub(super) use form::Form;
use model::error::Error;
use model::values::{Scopes, TokenId};
use refusal::{Kind, Refusal};
use store::sessions;

/// Values of `grant_type`.
pub(super) const GRANT_TYPES: [&str; 2] = ["client_credentials", "refresh_token"];

/// Methods by which clients authenticate. `none` is for the public client that people sign in with.
pub(super) const AUTHENTICATION_METHODS: [&str; 3] = ["client_secret_basic", "client_secret_post", "none"];

/// Returns the routes, without that of introspection.
pub(super) fn router() -> Router<Site> {
    Router::new()
        .route("/oauth/token", post(token).fallback(only_post))
        .route("/oauth/revoke", post(revoke).fallback(only_post))
}

/// Returns the route `/oauth/introspect`.
pub(super) fn introspection() -> MethodRouter<Site> {
    post(introspect).fallback(only_post)
}

async fn only_post() -> impl IntoResponse {
    ([(ALLOW, "POST")], Refusal::new(Kind::WrongMethod, "Send a POST request."))
}

/// Handles the token endpoint (RFC 6749 sections 4.4 and 6).
async fn token(State(app): State<App>, request: Request) -> Result<Response, Refusal> {
    let (parts, body) = request.into_parts();
    let form = Form::parse(&form::read(&parts.headers, body).await?)?;
    let device = device(&app, &parts);
    let grant_type = form.required("grant_type")?;
    let client = clients::identify(&app, &credentials(&parts.headers, &form)?, &device).await?;
    match grant_type {
        "client_credentials" => {
            let CallingClient::Service(client) = client else {
                return Err(Refusal::new(
                    Kind::UnauthorizedClient,
                    "This client has no secret, which this grant type requires.",
                ));
            };
            let granted = clients::grant_client_credentials(&app, &client, token_request(&form)?).await?;
            tokens(&TokenResponse {
                access_token: granted.access_token.expose_secret(),
                token_type: "Bearer",
                expires_in: granted.expires_in.num_seconds(),
                refresh_token: None,
                refresh_expires_in: None,
                scope: granted.scope.to_claim(),
            })
        }
        "refresh_token" => {
            let token = form.required("refresh_token")?.into();
            let pair = clients::refresh(&app, &client, &token, token_request(&form)?, &device).await?;
            tokens(&TokenResponse {
                access_token: pair.access_token.expose_secret(),
                token_type: "Bearer",
                expires_in: pair.expires_in.num_seconds(),
                refresh_token: Some(pair.refresh_token.expose_secret()),
                refresh_expires_in: Some(pair.refresh_expires_in.num_seconds()),
                scope: pair.scope.to_claim(),
            })
        }
        _ => {
            Err(Refusal::new(Kind::UnsupportedGrantType, "The grant type must be client_credentials or refresh_token."))
        }
    }
}

/// Tokens that were issued (RFC 6749 section 5.1). A member without a value is left out. So is `scope` without scopes,
/// because an empty text is not a list of scopes (section 3.3).
#[derive(Serialize)]
struct TokenResponse<'a> {
    access_token: &'a str,
    token_type: &'static str,
    expires_in: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_expires_in: Option<i64>,
    #[serde(skip_serializing_if = "String::is_empty")]
    scope: String,
}

fn tokens(response: &TokenResponse<'_>) -> Result<Response, Refusal> {
    Ok(written(serde_json::to_vec(response).map_err(Error::internal)?.into()))
}

/// Handles introspection (RFC 7662 section 2).
async fn introspect(State(app): State<App>, request: Request) -> Result<Response, Refusal> {
    let (parts, body) = request.into_parts();
    let form = Form::parse(&form::read(&parts.headers, body).await?)?;
    let device = device(&app, &parts);
    let client = clients::authenticate(&app, &credentials(&parts.headers, &form)?, &device).await?;
    let token = form.required("token")?.into();
    Ok(match clients::introspect(&app, &client, &token).await? {
        None => answer(json!({ "active": false })),
        Some(Verified::Access(principal)) => {
            written(serde_json::to_vec(&of_access_token(principal.claims())).map_err(Error::internal)?.into())
        }
        Some(Verified::Refresh(session)) => answer(of_refresh_token(&app, &session)),
    })
}

/// Handles revocation (RFC 7009 section 2). `token_type_hint` is ignored, because the form of the token shows its type.
async fn revoke(State(app): State<App>, request: Request) -> Result<Response, Refusal> {
    let (parts, body) = request.into_parts();
    let form = Form::parse(&form::read(&parts.headers, body).await?)?;
    let device = device(&app, &parts);
    let client = clients::identify(&app, &credentials(&parts.headers, &form)?, &device).await?;
    let token = form.required("token")?.into();
    clients::revoke(&app, &client, &token, &device).await?;
    Ok(answer(json!({})))
}

/// Description of an active access token (RFC 7662 section 2.2).
#[derive(Serialize)]
struct Description<'a> {
    active: bool,
    token_type: &'static str,
    iss: &'a str,
    sub: Uuid,
    aud: &'a str,
    exp: i64,
    iat: i64,
    nbf: i64,
    jti: TokenId,
    sid: Uuid,
    client_id: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    scope: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    act: Option<Act>,
    /// Further members, which the section allows. Of the names above, only `token_type` can be configured as an
    /// additional claim for Django.
    #[serde(flatten)]
    additional: BTreeMap<&'a str, &'a Value>,
}

fn of_access_token(claims: &Claims) -> Description<'_> {
    let additional = claims.additional.as_map().iter().filter(|(name, _)| *name != "token_type");
    Description {
        active: true,
        token_type: "Bearer",
        iss: &claims.iss,
        sub: claims.sub,
        aud: &claims.aud,
        exp: claims.exp,
        iat: claims.iat,
        nbf: claims.nbf,
        jti: claims.jti,
        sid: claims.sid,
        client_id: &claims.client_id,
        scope: &claims.scope,
        act: claims.act,
        additional: additional.map(|(name, value)| (name.as_str(), value)).collect(),
    }
}

fn of_refresh_token(app: &App, session: &sessions::Model) -> Value {
    json!({
        "active": true,
        "iss": app.config.issuer(),
        "sub": session.user_id,
        "aud": session.audience(&app.config.tokens.audience),
        "exp": session.expires_at.timestamp(),
        "sid": session.id,
        "client_id": session.client_id,
    })
}

/// Reads the requested scopes and audience. `resource` (RFC 8707) is another name of `audience`.
fn token_request(form: &Form) -> Result<TokenRequest, Refusal> {
    let audience = match (form.optional("resource"), form.optional("audience")) {
        (Some(resource), Some(audience)) if resource != audience => {
            return Err(Refusal::new(Kind::InvalidTarget, "A token has one audience."));
        }
        (resource, audience) => resource.or(audience).map(str::to_owned),
    };
    Ok(TokenRequest { scope: form.optional("scope").map(Scopes::parse).transpose()?, audience })
}

/// Returns a response that no cache stores, because it contains a token (RFC 6749 section 5.1).
fn answer(body: Value) -> Response {
    written(body.to_string().into())
}

/// Returns such a response with a serialised body.
fn written(text: Bytes) -> Response {
    // The capacity includes the headers that every response gets.
    let mut headers = HeaderMap::with_capacity(8);
    for (name, value) in [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store"), (PRAGMA, "no-cache")] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let mut response = Response::new(text.into());
    *response.headers_mut() = headers;
    response
}
