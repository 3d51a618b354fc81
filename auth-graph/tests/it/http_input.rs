//! Every route that reads an input gives the same answer to the same malformed input.

use axum::http::{HeaderName, Request};
use engine::accounts::Rank;
use model::config::OldNames;
use serde_json::json;

use crate::support::{Answer, Caller, PASSWORD, TestApp};

const JSON_ROUTES: [&str; 14] = [
    "/graphql",
    "/auth/token/",
    "/auth/token/refresh/",
    "/auth/token/verify/",
    "/auth/token/blacklist/",
    "/auth/create-user/",
    "/auth/password-change/",
    "/auth/login",
    "/auth/verify",
    "/auth/refresh",
    "/auth/sign-in/",
    "/auth/refresh/",
    "/auth/verify/",
    "/auth/logoff/",
];
const FORM_ROUTES: [&str; 3] = ["/oauth/token", "/oauth/introspect", "/oauth/revoke"];

async fn started() -> TestApp {
    TestApp::with(|config| {
        config.rest.enabled = true;
        config.rest.create_user = true;
        config.rest.old_names = vec![OldNames::DjangoAuthService, OldNames::DjangoRestMicroservice];
    })
    .await
}

async fn post(caller: &Caller, path: &str, content_type: &str, more: Option<(&str, &str)>) -> Answer {
    let mut request = Request::post(path).header("content-type", content_type).body("{}".into()).unwrap();
    if let Some((name, value)) = more {
        request.headers_mut().append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
    }
    caller.request(request).await
}

#[tokio::test]
async fn json_in_another_charset_compressed_or_named_twice_is_unsupported() {
    let test = started().await;
    let caller = test.anonymous();
    for path in JSON_ROUTES {
        for (content_type, more) in [
            ("application/json; charset=latin1", None),
            ("application/json; charset=utf-8; charset=latin1", None),
            ("text/json", None),
            ("application/json", Some(("content-encoding", "gzip"))),
            ("application/json", Some(("content-encoding", "identity, br"))),
            ("application/json", Some(("content-type", "application/json"))),
        ] {
            let answer = post(&caller, path, content_type, more).await;
            assert_eq!(answer.status, 415, "{path} {content_type} {more:?}");
        }
        for (content_type, more) in [
            ("Application/JSON; Charset=\"UTF-8\"", None),
            ("application/json", Some(("content-encoding", "identity"))),
        ] {
            let answer = post(&caller, path, content_type, more).await;
            assert_ne!(answer.status, 415, "{path} {content_type} {more:?}");
        }
    }
}

#[tokio::test]
async fn a_compressed_form_is_unsupported() {
    let test = started().await;
    for path in FORM_ROUTES {
        let form = "application/x-www-form-urlencoded";
        let packed = post(&test.anonymous(), path, form, Some(("content-encoding", "gzip"))).await;
        assert_eq!((packed.status.as_u16(), &packed.body["error"]), (415, &json!("invalid_request")), "{path}");
        let plain = post(&test.anonymous(), path, form, Some(("content-encoding", "identity"))).await;
        assert_ne!(plain.status, 415, "{path}");
    }
}

#[tokio::test]
async fn only_spaces_separate_a_token_from_its_scheme() {
    let test = started().await;
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    for (separator, good) in [(" ", true), ("   ", true), ("\t", false), (" \t", false), ("", false), (",", false)] {
        let value = format!("Bearer{separator}{}", ada.access);
        let caller = test.anonymous().with_header("authorization", &value);
        let me = caller.me().await;
        assert_eq!(me.body["data"]["me"]["email"] == "ada@test.com", good, "{value}");
        assert_eq!(caller.get("/auth/user/").await.status == 200, good, "{value}");
    }
}

/// A token in a form that is not understood is an error, and not a caller without a token.
#[tokio::test]
async fn a_header_that_is_not_understood_is_an_error_that_names_the_right_form() {
    // The old names of django-auth-service accept the scheme `JWT` too.
    let test = TestApp::with(|config| config.rest.enabled = true).await;
    let token = test.signed_in("ada@test.com", Rank::User).await.access;
    let (bearer, jwt, scheme) = (format!("Bearer {token}"), format!("JWT {token}"), format!("Token {token}"));
    for values in [
        &[token.as_str()][..],
        &[&jwt],
        &[&scheme],
        &["Bearer"],
        &["Bearer "],
        &["Basic YTpi"],
        &[&format!("Bearer\t{token}")],
        &[&format!("Bearer: {token}")],
        &[&bearer, &bearer],
        &[&bearer, "Basic YTpi"],
    ] {
        let add = |caller: Caller, value: &&str| caller.with_header("authorization", value);
        let caller = values.iter().fold(test.anonymous(), add);
        let me = caller.me().await;
        assert_eq!((me.code(), me.body["data"]["me"].is_null()), ("TOKEN_INVALID", true), "{values:?}");
        let user = caller.get("/auth/user/").await;
        assert_eq!((user.status.as_u16(), &user.body["code"]), (401, &json!("bad_authorization_header")), "{values:?}");
        for text in [&me.text, &user.text] {
            assert!(text.contains("with Bearer, a space and the access token") && !text.contains(&token), "{text}");
        }
        // Signing in must work for a client that keeps something outdated in the header.
        caller.login("ada@test.com", PASSWORD).await.data("login");
    }
    for nothing in ["", " "] {
        let caller = test.anonymous().with_header("authorization", nothing);
        assert_eq!(caller.me().await.body, json!({ "data": { "me": null } }), "{nothing:?}");
    }
}

/// A user agent is shown to its user and to administrators, also on terminals.
#[tokio::test]
async fn bytes_in_a_user_agent_do_not_hide_the_rest_of_it() {
    let test = TestApp::new().await;
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    test.anonymous().with_header("user-agent", "Caf\u{e9}/1.0 (x)").login("ada@test.com", PASSWORD).await.data("login");
    let sessions = ada.caller.send("{ myLoginSessions { userAgent } }", json!({})).await;
    assert!(sessions.text.contains("\"Caf??/1.0 (x)\""), "{}", sessions.text);
}
