//! Every route that reads an input gives the same answer to the same malformed input.

use axum::http::{HeaderName, Request};
use engine::accounts::Rank;
use serde_json::json;

use crate::support::{Answer, Caller, TestApp};

const JSON_ROUTES: [&str; 7] = [
    "/graphql",
    "/auth/token/",
    "/auth/token/refresh/",
    "/auth/token/verify/",
    "/auth/token/blacklist/",
    "/auth/create-user/",
    "/auth/password-change/",
];
const FORM_ROUTES: [&str; 3] = ["/oauth/token", "/oauth/introspect", "/oauth/revoke"];

async fn started() -> TestApp {
    TestApp::with(|config| {
        config.rest.enabled = true;
        config.rest.create_user = true;
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
    let tab = test.anonymous().with_header("authorization", &format!("Bearer\t{}", ada.access));
    assert_eq!(tab.me().await.code(), "TOKEN_INVALID");
    assert_eq!(tab.get("/auth/user/").await.body["code"], "token_not_valid");
}

#[tokio::test]
async fn neither_of_two_cookies_with_one_name_is_used() {
    let test = TestApp::new().await;
    test.signed_in("ada@test.com", Rank::User).await;
    let refresh = "mutation { refresh { accessToken } }";
    for cookies in [
        "__Host-auth_graph_refresh=agr_one; __Host-auth_graph_refresh=agr_two",
        "__Host-auth_graph_refresh=; junk; __Host-auth_graph_refresh=agr_two",
    ] {
        let caller = test.anonymous().with_header("cookie", cookies).with_header("x-csrf-token", "x");
        assert_eq!(caller.send(refresh, json!(null)).await.code(), "FORBIDDEN", "{cookies}");
    }
}
