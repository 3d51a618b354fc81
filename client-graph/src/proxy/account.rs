//! Accounts and passwords at the paths of django-easyjwt.

use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use reqwest::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value, json};

use super::Proxy;
use super::rest::{Refusal, answer, read, texts};
use crate::error::{Code, Error};
use crate::ids::UserId;
use crate::operations::{Profile, Repeat, bounded_body};
use crate::principal::Principal;

const MAX_ANSWER: usize = 64 * 1024;

/// An identifier in a path: the UUID of a user, or their number.
enum Asked {
    Id(UserId),
    Number(i64),
}

/// `GET /auth/users/{id}/`: returns the caller's own account, or with the scope `users:read` any other one.
///
/// Clients that know users by their number (the claim `user_id` is an integer) get numbers, and all others get UUIDs.
/// auth-graph knows the numbers of others: it answers these questions where its REST paths are switched on.
pub(super) async fn user(
    State(proxy): State<Proxy>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let context = proxy.auth.context(&headers).await;
    let principal = context.principal()?;
    let number = principal.claim::<i64>("user_id").ok().flatten();
    let missing = || Error::new(Code::NotFound);
    let asked = match (id.parse::<i64>(), id.parse::<UserId>()) {
        (Ok(number), _) => Asked::Number(number),
        (_, Ok(id)) => Asked::Id(id),
        _ => return Err(missing().into()),
    };
    let is_own = match &asked {
        Asked::Number(asked) => number == Some(*asked),
        Asked::Id(asked) => *asked == principal.subject,
    };
    let token = principal.access_token();
    let body = match asked {
        _ if is_own => {
            let profile = proxy.auth.profile(token).await?.ok_or(Error::new(Code::TokenRevoked))?;
            proxy.mirror(&profile.user).await;
            account(&profile, number)
        }
        _ if !principal.has_scope("users:read") => return Err(missing().into()),
        Asked::Id(asked) if number.is_none() => {
            account(&proxy.auth.user_profile(token, asked).await?.ok_or_else(missing)?, None)
        }
        Asked::Id(asked) => by_rest(&proxy, principal, &asked.to_string()).await?,
        Asked::Number(asked) => by_rest(&proxy, principal, &asked.to_string()).await?,
    };
    Ok(answer(body, &HeaderMap::new()))
}

fn account(Profile { user, last_login }: &Profile, number: Option<i64>) -> Value {
    json!({
        "id": number.map_or_else(|| json!(user.id), Value::from),
        "email": user.email, "first_name": user.first_name, "last_name": user.last_name,
        "date_joined": user.date_joined, "last_login": last_login, "is_active": user.is_active,
        "is_staff": user.is_staff, "is_superuser": user.is_superuser,
    })
}

/// Returns the account that auth-graph shows at its own path.
async fn by_rest(proxy: &Proxy, principal: &Principal, id: &str) -> Result<Value, Error> {
    let transport = proxy.auth.transport();
    let url = transport.beside_graphql(&format!("/auth/users/{id}/"));
    let token = principal.access_token().expose_secret();
    let reply = transport.send(Repeat::Safe, |http| http.get(url.clone()).bearer_auth(token)).await?;
    match reply.status() {
        StatusCode::OK => json_of(reply).await,
        StatusCode::NOT_FOUND => Err(Code::NotFound.into()),
        StatusCode::UNAUTHORIZED => Err(Code::TokenRevoked.into()),
        status => Err(Error::unavailable(format!("auth-graph answered {status} for an account"))),
    }
}

/// `POST /auth/password-change/`: sets a new password, and ends all sessions of the user.
///
/// The caller is the user of the access token, or is known by `email` in addition to `password`. The latter is the path
/// of auth-graph, which must have its REST paths switched on.
pub(super) async fn change_password(State(proxy): State<Proxy>, request: Request) -> Result<Response, Refusal> {
    let (parts, fields) = read(request).await?;
    if !parts.headers.contains_key(header::AUTHORIZATION) {
        let by_name = !fields.contains_key("email") && fields.contains_key("username");
        let name = if by_name { "username" } else { "email" };
        let [account, current, new] = texts(&fields, [name, "password", "new_password"])?;
        let body = json!({ name: account, "password": current, "new_password": new });
        return by_credentials(&proxy, proxy.forwarded(&parts), &body).await;
    }
    let [current, new] = texts(&fields, ["password", "new_password"])?;
    let context = proxy.auth.context(&parts.headers).await;
    let principal = context.principal()?;
    let (current, new) = (SecretString::from(current), SecretString::from(new));
    let (token, headers) = (principal.access_token(), proxy.forwarded(&parts));
    match proxy.auth.change_password_with(token, &current, &new, &headers).await {
        Ok(()) => {
            proxy.auth.forget_session_of(principal);
            Ok(answer(json!({}), &HeaderMap::new()))
        }
        Err(error) => Err(match error.code() {
            Code::InvalidCredentials => Refusal::problem("password", "Invalid password."),
            Code::ValidationFailed => Refusal::problem("new_password", &error.to_string()),
            _ => error.into(),
        }),
    }
}

async fn by_credentials(proxy: &Proxy, mut headers: HeaderMap, body: &Value) -> Result<Response, Refusal> {
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let transport = proxy.auth.transport();
    let url = transport.beside_graphql("/auth/password-change/");
    let body = body.to_string();
    let request = |http: &reqwest::Client| http.post(url.clone()).headers(headers.clone()).body(body.clone());
    let reply = transport.send(Repeat::Never, request).await?;
    let wait = http_input::retry_after(reply.headers());
    match reply.status() {
        StatusCode::OK => Ok(answer(json!({}), &HeaderMap::new())),
        StatusCode::BAD_REQUEST => Err(Refusal::of_members(json_of(reply).await?)),
        StatusCode::NOT_FOUND => Err(Error::new(Code::NotFound).into()),
        StatusCode::TOO_MANY_REQUESTS => {
            let limited = Error::new(Code::RateLimited);
            Err(if let Some(wait) = wait { limited.with_retry_after(wait) } else { limited }.into())
        }
        status => Err(Error::unavailable(format!("auth-graph answered {status} for a change of a password")).into()),
    }
}

async fn json_of(reply: reqwest::Response) -> Result<Value, Error> {
    // The parser's message can quote the body, so it is not kept.
    serde_json::from_slice::<Map<String, Value>>(&bounded_body(reply, MAX_ANSWER).await?)
        .map(Value::Object)
        .map_err(|_| Error::unavailable("an answer of auth-graph cannot be read"))
}
