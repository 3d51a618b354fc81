//! The REST paths of django-easyjwt, with the same bodies. Errors are problem+json with the `detail` of django-easyjwt;
//! the status and the code are auth-graph's.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::response::{IntoResponse, Response};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value, json};

use super::{Proxy, body, pass_back, refresh_cookie};
use crate::client::Account;
use crate::error::{Code, Error, problem};
use crate::operations::{Ending, SignIn, TokenPair, VerificationFailure, Verified};

/// A refusal with the members of django-easyjwt.
pub(crate) struct Refusal {
    error: Error,
    fields: Map<String, Value>,
}

/// `POST /auth/token/`: exchanges an e-mail address or a user name, and a password, for a token pair.
pub(super) async fn token(State(proxy): State<Proxy>, request: Request) -> Result<Response, Refusal> {
    let (parts, fields) = read(request).await?;
    // A project whose users have user names posts them. auth-graph knows whether it accepts them.
    let by_name = !fields.contains_key("email") && fields.contains_key("username");
    let name = if by_name { "username" } else { "email" };
    let [account, password] = texts(&fields, [name, "password"])?;
    let account = if by_name { Account::Username(account) } else { Account::Email(account) };
    let reply = proxy.auth.login_with(account, password.into(), None, &proxy.forwarded(&parts)).await?;
    match reply.data {
        SignIn::TokenPair(pair) => {
            proxy.mirror(&pair.user).await;
            Ok(answer(pair_json(&pair), &reply.headers))
        }
        SignIn::ChallengeRequired(_) => {
            let detail = "A second factor is needed: sign in at /auth/graphql.";
            Err(Error::new(Code::Forbidden).with_detail(detail).into())
        }
    }
}

/// `POST /auth/token/refresh/`: exchanges a refresh token, in the body or in the cookie, for the next pair.
pub(super) async fn refresh(State(proxy): State<Proxy>, request: Request) -> Result<Response, Refusal> {
    let (parts, fields) = read(request).await?;
    let refresh_token = refresh_token(&parts, &fields)?;
    let reply = proxy.auth.refresh_with(refresh_token.as_ref(), &proxy.forwarded(&parts)).await?;
    proxy.mirror(&reply.data.user).await;
    Ok(answer(pair_json(&reply.data), &reply.headers))
}

/// `POST /auth/token/verify/`: answers `{}` for a valid token. Access tokens are verified in this process.
pub(super) async fn verify(State(proxy): State<Proxy>, request: Request) -> Result<Response, Refusal> {
    let (parts, fields) = read(request).await?;
    let token = SecretString::from(required(&fields, "token")?);
    if token.expose_secret().contains('.') {
        proxy.auth.authenticate(&token).await?;
        return Ok(answer(json!({}), &HeaderMap::new()));
    }
    match proxy.auth.verify_with(&token, &proxy.forwarded(&parts)).await? {
        Verified::Active(..) => Ok(answer(json!({}), &HeaderMap::new())),
        Verified::Inactive(VerificationFailure::Expired) => Err(Error::new(Code::TokenExpired).into()),
        Verified::Inactive(VerificationFailure::Revoked) => Err(Error::new(Code::TokenRevoked).into()),
        Verified::Inactive(VerificationFailure::Invalid) => Err(Error::new(Code::TokenInvalid).into()),
    }
}

/// `POST /auth/token/logout/`: ends the session of a refresh token at auth-graph, and the session of the caller in this
/// process.
pub(super) async fn logout(State(proxy): State<Proxy>, request: Request) -> Result<Response, Refusal> {
    let (parts, fields) = read(request).await?;
    let refresh_token = refresh_token(&parts, &fields)?;
    let headers = proxy.forwarded(&parts);
    let reply = proxy.auth.logout_with(refresh_token.as_ref(), Ending::OneSession, &headers).await?;
    proxy.end_session_of_caller(&parts.headers).await;
    Ok(answer(json!({ "detail": "Logged out." }), &reply.headers))
}

pub(super) async fn only_post(method: Method) -> Response {
    method_not_allowed(&method, "POST")
}

pub(super) async fn only_get(method: Method) -> Response {
    method_not_allowed(&method, "GET, HEAD")
}

fn method_not_allowed(method: &Method, allowed: &'static str) -> Response {
    let error = Error::new(Code::MethodNotAllowed).with_detail(format!("Method \"{method}\" not allowed."));
    let mut response = Refusal::from(error).into_response();
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allowed));
    response
}

pub(super) async fn read(request: Request) -> Result<(Parts, Map<String, Value>), Refusal> {
    let (parts, body) = request.into_parts();
    let fields = body::read_fields(&parts, body).await?;
    Ok((parts, fields))
}

/// Returns the text of a field without the blanks around it, or the message about it. Django REST framework removes
/// the blanks too, also those around a password.
fn text(fields: &Map<String, Value>, name: &str) -> Result<String, &'static str> {
    match fields.get(name) {
        None => Err("This field is required."),
        Some(Value::Null) => Err("This field may not be null."),
        Some(Value::String(text)) if text.trim().is_empty() => Err("This field may not be blank."),
        Some(Value::String(text)) => Ok(text.trim().to_owned()),
        Some(Value::Number(number)) => Ok(number.to_string()),
        Some(_) => Err("Not a valid string."),
    }
}

/// Returns the texts of some fields, or a refusal that names each field with a problem.
pub(super) fn texts<const N: usize>(fields: &Map<String, Value>, names: [&str; N]) -> Result<[String; N], Refusal> {
    let mut problems = Map::new();
    let texts = names.map(|name| {
        text(fields, name).unwrap_or_else(|problem| {
            problems.insert(name.to_owned(), json!([problem]));
            String::new()
        })
    });
    if problems.is_empty() { Ok(texts) } else { Err(Refusal::of_members(problems.into())) }
}

fn required(fields: &Map<String, Value>, name: &str) -> Result<String, Refusal> {
    texts(fields, [name]).map(|[text]| text)
}

/// Returns the refresh token in the body, or `None` when it is in the cookie.
fn refresh_token(parts: &Parts, fields: &Map<String, Value>) -> Result<Option<SecretString>, Refusal> {
    if !fields.contains_key("refresh") && refresh_cookie(&parts.headers).is_some() {
        return Ok(None);
    }
    required(fields, "refresh").map(|token| Some(token.into()))
}

fn pair_json(pair: &TokenPair) -> Value {
    let mut body = json!({ "access": pair.access_token.expose_secret() });
    if let Some(refresh_token) = &pair.refresh_token {
        body["refresh"] = json!(refresh_token.expose_secret());
    }
    body
}

pub(super) fn answer(body: Value, headers: &HeaderMap) -> Response {
    let mut response = Json(body).into_response();
    pass_back(headers, response.headers_mut());
    response
}

impl Refusal {
    /// Builds the refusal of one field.
    pub(super) fn problem(name: &str, problem: &str) -> Self {
        Self::of_members(json!({ name: [problem] }))
    }

    /// Builds a refusal from a list of problems for each field.
    pub(super) fn of_members(members: Value) -> Self {
        let fields = if let Value::Object(fields) = members { fields } else { Map::new() };
        Self { error: Code::ValidationFailed.into(), fields }
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self { error, fields: Map::new() }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut members = problem::members(&self.error);
        let detail = match self.error.code() {
            Code::InvalidCredentials => "No active account found with the given credentials",
            Code::Unauthenticated => "Authentication credentials were not provided.",
            // A header that is not understood has a message about its form.
            Code::TokenInvalid if self.error.has_detail() => "",
            Code::TokenInvalid | Code::TokenExpired => "Token is invalid or expired",
            Code::TokenRevoked | Code::TokenReused => "Token is blacklisted",
            Code::Unavailable => "Authentication Service Connection Error.",
            _ => "",
        };
        if !detail.is_empty() {
            members.insert("detail".to_owned(), json!(detail));
        }
        members.extend(self.fields);
        let mut response = problem::response(&self.error, members);
        if self.error.code() == Code::MethodNotAllowed {
            response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
        }
        response
    }
}
