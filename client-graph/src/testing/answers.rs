//! The answers of an issuer: its keys, and the operations of `schema/operations` by their names.

use std::collections::HashSet;
use std::sync::Arc;

use axum::extract::State as Extract;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use chrono::DateTime;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::feed;
use super::key::SigningKey;
use super::state::{PASSWORD, Shared, TestUser, scope_of};
use super::token::TokenBuilder;
use crate::error::Code;
use crate::ids::{SessionId, UserId};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    operation_name: Option<String>,
    variables: Option<Map<String, Value>>,
}

pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/.well-known/jwks.json", get(jwks))
        .route("/graphql", post(graphql))
        .route("/oauth/token", post(feed::token))
        .with_state(shared)
}

async fn jwks(Extract(shared): Extract<Arc<Shared>>) -> Json<Value> {
    shared.count("jwks");
    let keys: Vec<Value> = shared.state().keys.iter().map(SigningKey::to_jwk).collect();
    Json(json!({ "keys": keys }))
}

async fn graphql(Extract(shared): Extract<Arc<Shared>>, headers: HeaderMap, Json(request): Json<Request>) -> Response {
    let name = request.operation_name.unwrap_or_default();
    shared.count(&name);
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let variables = request.variables.unwrap_or_default();
    let text = |name: &str| variables.get(name).and_then(Value::as_str).unwrap_or_default();
    if let "FollowUserChanges" | "UserChanges" | "UserSnapshots" | "Revocations" = name.as_str() {
        if shared.state().feed.is_stopped {
            return written(Err(Code::Unavailable));
        }
        if !bearer.is_some_and(|token| shared.may_read_feed(token)) {
            return written(Err(Code::Forbidden));
        }
    }
    let outcome = match name.as_str() {
        "FollowUserChanges" => match shared.position(text("after")) {
            Ok(position) => return feed::stream(shared, position),
            Err(code) => Err(code),
        },
        "UserChanges" => shared.user_changes(text("after")),
        "UserSnapshots" => shared.user_snapshots(text("after")),
        "Revocations" => Ok(shared.revocations()),
        "Me" | "Profile" => shared.me(bearer),
        "User" | "UserProfile" => {
            shared.user(bearer, text("id")).map(|user| json!({ "user": user.as_ref().map(TestUser::to_json) }))
        }
        "UserSnapshot" => {
            shared.user(bearer, text("id")).map(|user| json!({ "userSnapshot": user.as_ref().map(feed::snapshot) }))
        }
        "Login" => shared.login(variables.get("input").unwrap_or(&Value::Null)),
        "Refresh" => shared.refresh(text("refreshToken")),
        "Verify" => Ok(shared.verify(text("token"))),
        "Logout" => shared.logout(text("refreshToken"), variables.get("everywhere")),
        _ => Err(Code::GraphqlValidationFailed),
    };
    written(outcome)
}

fn written(outcome: Result<Value, Code>) -> Response {
    let body = match outcome {
        Ok(data) => json!({ "data": data }),
        Err(code) => {
            let extensions = json!({ "code": code.as_str() });
            json!({ "data": null, "errors": [{ "message": code.message(), "extensions": extensions }] })
        }
    };
    let content_type = "application/graphql-response+json; charset=utf-8";
    ([(header::CONTENT_TYPE, content_type)], body.to_string()).into_response()
}

impl Shared {
    fn me(&self, bearer: Option<&str>) -> Result<Value, Code> {
        let Some(token) = bearer else {
            return Ok(json!({ "me": null }));
        };
        let claims = self.claims(token).map_err(|reason| match reason {
            "EXPIRED" => Code::TokenExpired,
            "REVOKED" => Code::TokenRevoked,
            _ => Code::TokenInvalid,
        })?;
        let user = self.find(|known| json!(known.user.id) == claims["sub"]).filter(|known| known.user.is_active);
        Ok(json!({ "me": user.as_ref().map(TestUser::to_json) }))
    }

    fn user(&self, bearer: Option<&str>, id: &str) -> Result<Option<TestUser>, Code> {
        let claims = bearer.and_then(|token| self.claims(token).ok()).ok_or(Code::Unauthenticated)?;
        let may = claims["sub"] == id || scope_of(&claims).contains("users:read");
        Ok(self.find(|known| known.user.id.to_string() == id).filter(|_| may))
    }

    fn login(self: &Arc<Self>, input: &Value) -> Result<Value, Code> {
        let right = input["password"] == PASSWORD;
        let user = self.find(|known| input["email"] == known.user.email && known.user.is_active && right);
        let user = user.ok_or(Code::InvalidCredentials)?;
        let now = self.clock.now();
        for known in self.state().users.iter_mut().filter(|known| known.user.id == user.user.id) {
            known.last_login = Some(now);
        }
        let mut pair = self.pair(&user, SessionId(Uuid::new_v4()));
        pair["__typename"] = json!("TokenPair");
        Ok(json!({ "login": pair }))
    }

    fn refresh(self: &Arc<Self>, token: &str) -> Result<Value, Code> {
        let (user, session) = self.state().refresh_tokens.get(token).copied().ok_or(Code::TokenInvalid)?;
        if self.state().revoked.contains(&session) {
            return Err(Code::TokenRevoked);
        }
        let user = self.find(|known| known.user.id == user).ok_or(Code::TokenInvalid)?;
        Ok(json!({ "refresh": self.pair(&user, session) }))
    }

    fn logout(&self, token: &str, everywhere: Option<&Value>) -> Result<Value, Code> {
        let (user, session) = self.state().refresh_tokens.get(token).copied().ok_or(Code::TokenInvalid)?;
        let everywhere = everywhere == Some(&json!(true));
        let sessions: HashSet<SessionId> = self
            .state()
            .refresh_tokens
            .values()
            .filter(|(owner, other)| *other == session || everywhere && *owner == user)
            .map(|(_, session)| *session)
            .collect();
        let ended = sessions.into_iter().filter(|session| self.revoke(*session)).count();
        Ok(json!({ "logout": { "revokedSessions": ended } }))
    }

    fn verify(&self, token: &str) -> Value {
        let refresh = self.state().refresh_tokens.get(token).copied();
        let answer = match (refresh, self.claims(token)) {
            (Some((_, session)), _) if self.state().revoked.contains(&session) => {
                json!({ "active": false, "reason": "REVOKED" })
            }
            (Some(_), _) => json!({ "active": true, "tokenType": "REFRESH" }),
            (None, Ok(claims)) => json!({ "active": true, "tokenType": "ACCESS", "claims": claims_json(&claims) }),
            (None, Err(reason)) => json!({ "active": false, "reason": reason }),
        };
        json!({ "verify": answer })
    }

    /// Returns the claims of a good access token, or the reason why the token is not good.
    fn claims(&self, token: &str) -> Result<Map<String, Value>, &'static str> {
        let state = self.state();
        let claims = state.access_tokens.get(token).ok_or("INVALID")?;
        let session = serde_json::from_value(claims["sid"].clone()).map_err(|_| "INVALID")?;
        if state.revoked.contains(&session) {
            return Err("REVOKED");
        }
        let ended = claims["exp"].as_i64().is_none_or(|end| end <= self.clock.now().timestamp());
        if ended { Err("EXPIRED") } else { Ok(claims.clone()) }
    }

    fn find(&self, wanted: impl Fn(&TestUser) -> bool) -> Option<TestUser> {
        self.state().users.iter().find(|known| wanted(known)).cloned()
    }

    fn pair(self: &Arc<Self>, known: &TestUser, session: SessionId) -> Value {
        let user: UserId = known.user.id;
        let scope = known.user.scopes.join(" ");
        let access_token = TokenBuilder::new(Arc::clone(self), user, session).scope(&scope).sign();
        let refresh_token = format!("refresh-{}", Uuid::new_v4());
        self.state().refresh_tokens.insert(refresh_token.clone(), (user, session));
        let now = self.clock.now();
        json!({
            "accessToken": access_token, "refreshToken": refresh_token, "tokenType": "Bearer", "expiresIn": 300,
            "expiresAt": now + chrono::TimeDelta::seconds(300), "refreshExpiresAt": now + chrono::TimeDelta::days(14),
            "scope": known.user.scopes, "user": known.to_json(),
        })
    }
}

fn claims_json(claims: &Map<String, Value>) -> Value {
    let time = |name: &str| claims[name].as_i64().and_then(|seconds| DateTime::from_timestamp(seconds, 0));
    let scope: Vec<&str> = scope_of(claims).split_ascii_whitespace().collect();
    json!({
        "iss": claims["iss"], "sub": claims["sub"], "aud": [claims["aud"]], "exp": time("exp"), "iat": time("iat"),
        "nbf": time("nbf"), "jti": claims["jti"], "sid": claims["sid"], "clientId": claims["client_id"],
        "scope": scope, "authTime": time("auth_time"), "amr": claims["amr"],
    })
}
