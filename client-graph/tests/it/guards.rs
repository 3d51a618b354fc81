//! Guards of a GraphQL schema, and the form of their errors.

use async_graphql::{EmptyMutation, EmptySubscription, Object, Request, Schema, Value};
use client_graph::guard::{Authenticated, Fresh, HasScope, caller};
use client_graph::testing::TestIssuer;
use client_graph::{ApiError, AuthGraph, Code, Error};
use std::time::Duration;

use crate::support::bearer;

struct Query;

#[Object]
impl Query {
    async fn anybody(&self) -> bool {
        true
    }

    #[graphql(guard = "Authenticated")]
    async fn authenticated(&self) -> bool {
        true
    }

    #[graphql(guard = "HasScope::new(\"notes:read\")")]
    async fn scoped(&self) -> bool {
        true
    }

    #[graphql(guard = "Fresh")]
    async fn fresh(&self) -> bool {
        true
    }

    async fn subject(&self, ctx: &async_graphql::Context<'_>) -> Result<String, ApiError> {
        Ok(caller(ctx)?.principal()?.subject.to_string())
    }

    async fn failing(&self) -> Result<bool, ApiError> {
        Err(Error::internal("a secret of the database"))?
    }

    async fn waiting(&self) -> Result<bool, ApiError> {
        Err(Error::new(Code::RateLimited).with_retry_after(Duration::from_millis(1500)))?
    }
}

/// Returns the error code of a field for a caller with this token; empty when it answers.
async fn code(auth: &AuthGraph, field: &str, token: Option<&str>) -> String {
    let schema = Schema::new(Query, EmptyMutation, EmptySubscription);
    let headers = token.map(bearer).unwrap_or_default();
    let context = auth.context(&headers).await;
    let response = schema.execute(Request::new(format!("{{ {field} }}")).data(context)).await;
    match response.errors.first() {
        Some(error) => match error.extensions.as_ref().and_then(|extensions| extensions.get("code")) {
            Some(Value::String(code)) => code.clone(),
            _ => panic!("no code: {error:?}"),
        },
        None => String::new(),
    }
}

#[tokio::test]
async fn each_guard_admits_the_right_callers() {
    let issuer = TestIssuer::start().await;
    let auth = issuer.auth_graph().build().unwrap();
    let user = issuer.user("ada@example.com");
    let plain = issuer.token_for(&user).scope("notes").sign();
    let scoped = issuer.token_for(&user).scope("a notes:read").sign();
    let expired = issuer.token_for(&user).claim("exp", serde_json::json!(1)).sign();

    for (field, anonymous, with_plain, with_scoped, with_expired) in [
        ("anybody", "", "", "", ""),
        ("authenticated", "UNAUTHENTICATED", "", "", "TOKEN_EXPIRED"),
        ("scoped", "UNAUTHENTICATED", "FORBIDDEN", "", "TOKEN_EXPIRED"),
        ("fresh", "UNAUTHENTICATED", "", "", "TOKEN_EXPIRED"),
        ("subject", "UNAUTHENTICATED", "", "", "TOKEN_EXPIRED"),
    ] {
        assert_eq!(code(&auth, field, None).await, anonymous, "{field}");
        assert_eq!(code(&auth, field, Some(&plain)).await, with_plain, "{field}");
        assert_eq!(code(&auth, field, Some(&scoped)).await, with_scoped, "{field}");
        assert_eq!(code(&auth, field, Some(&expired)).await, with_expired, "{field}");
    }
}

#[tokio::test]
async fn fresh_fails_closed() {
    let issuer = TestIssuer::start().await;
    let auth = issuer.auth_graph().build().unwrap();
    let token = issuer.token_for(&issuer.user("ada@example.com")).sign();
    assert_eq!(code(&auth, "fresh", Some(&token)).await, "");

    issuer.take_down();
    assert_eq!(code(&auth, "authenticated", Some(&token)).await, "");
    assert_eq!(code(&auth, "fresh", Some(&token)).await, "UNAVAILABLE");

    issuer.bring_up();
    let session = auth.authenticate(&token.clone().into()).await.unwrap().session_id.unwrap();
    issuer.revoke(session);
    assert_eq!(code(&auth, "fresh", Some(&token)).await, "TOKEN_REVOKED");
}

#[tokio::test]
async fn an_error_keeps_its_code_and_does_not_show_its_cause() {
    let schema = Schema::new(Query, EmptyMutation, EmptySubscription);
    let failing = serde_json::to_string(&schema.execute("{ failing }").await).unwrap();
    assert!(failing.contains("INTERNAL") && !failing.contains("database"), "{failing}");
    let waiting = serde_json::to_value(schema.execute("{ waiting }").await).unwrap();
    assert_eq!(waiting["errors"][0]["extensions"]["code"], "RATE_LIMITED");
    assert_eq!(waiting["errors"][0]["extensions"]["retryAfter"], 2);
}

/// A misconfiguration replaced the caller by an error value, and a check for any value admitted every caller.
#[tokio::test]
async fn ghsa_8fpg_xm3f_6cx3_a_caller_who_cannot_be_checked_is_rejected() {
    let schema = Schema::new(Query, EmptyMutation, EmptySubscription);
    let issuer = TestIssuer::start().await;
    let token = issuer.token_for(&issuer.user("ada@example.com")).scope("notes:read").sign();
    issuer.take_down();
    let auth = issuer.auth_graph().build().unwrap();
    for field in ["authenticated", "scoped", "fresh", "subject"] {
        let without_context = serde_json::to_value(schema.execute(format!("{{ {field} }}")).await).unwrap();
        assert_eq!(without_context["errors"][0]["extensions"]["code"], "INTERNAL", "{field}");
        assert_eq!(code(&auth, field, Some(&token)).await, "UNAVAILABLE", "{field}");
    }
}
