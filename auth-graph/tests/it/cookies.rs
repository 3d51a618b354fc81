//! The refresh token in a cookie that scripts can not read.

use serde_json::{Value, json};

use crate::support::{Answer, Caller, PASSWORD, TestApp, operation};

const NAME: &str = "__Host-auth_graph_refresh";

async fn sign_in(test: &TestApp) -> Answer {
    test.create_user("ada@test.com").await;
    let input = json!({ "email": "ada@test.com", "password": PASSWORD, "delivery": "COOKIE" });
    test.anonymous().send(operation!("login"), json!({ "input": input })).await
}

fn set_cookie(answer: &Answer) -> &str {
    answer.headers["set-cookie"].to_str().unwrap()
}

fn with_cookie(test: &TestApp, answer: &Answer) -> Caller {
    let pair = set_cookie(answer).split(';').next().unwrap().to_owned();
    test.anonymous().with_header("cookie", &format!("theme=dark; {pair}; other=1"))
}

async fn refresh(caller: &Caller) -> Answer {
    caller.send(operation!("refresh"), Value::Null).await
}

#[tokio::test]
async fn the_cookie_is_bound_to_the_host_and_the_body_has_no_refresh_token() {
    let test = TestApp::new().await;
    let answer = sign_in(&test).await;
    assert!(answer.data("login")["refreshToken"].is_null());
    assert!(!answer.text.contains("agr_"));
    let cookie = set_cookie(&answer);
    let (pair, attributes) = cookie.split_once(';').unwrap();
    assert!(pair.starts_with(&format!("{NAME}=agr_")));
    assert_eq!(attributes, " Path=/; Max-Age=1209600; HttpOnly; SameSite=Strict; Secure");
}

#[tokio::test]
async fn refresh_without_an_argument_takes_the_cookie_and_replaces_it() {
    let test = TestApp::new().await;
    let first = sign_in(&test).await;
    let second = refresh(&with_cookie(&test, &first)).await;
    assert!(second.data("refresh")["refreshToken"].is_null());
    assert_ne!(set_cookie(&first), set_cookie(&second));
    refresh(&with_cookie(&test, &second)).await.data("refresh");
}

#[tokio::test]
async fn without_a_cookie_there_is_nothing_to_refresh() {
    let test = TestApp::new().await;
    assert_eq!(refresh(&test.anonymous()).await.code(), "UNAUTHENTICATED");
}

#[tokio::test]
async fn a_page_of_another_site_can_not_use_the_cookie() {
    let test = TestApp::new().await;
    let first = sign_in(&test).await;
    for site in ["cross-site", "same-site", "anything"] {
        let caller = with_cookie(&test, &first).with_header("sec-fetch-site", site);
        assert_eq!(refresh(&caller).await.code(), "UNAUTHENTICATED", "{site}");
    }
    for site in ["same-origin", "none"] {
        refresh(&with_cookie(&test, &first).with_header("sec-fetch-site", site)).await.data("refresh");
    }
}

#[tokio::test]
async fn a_refused_refresh_leaves_the_cookie_alone() {
    let test = TestApp::new().await;
    let caller = test.anonymous().with_header("cookie", &format!("{NAME}=agr_broken"));
    let answer = refresh(&caller).await;
    assert_eq!(answer.code(), "TOKEN_INVALID");
    assert!(!answer.headers.contains_key("set-cookie"));
}

#[tokio::test]
async fn signing_out_deletes_the_cookie() {
    let test = TestApp::new().await;
    let first = sign_in(&test).await;
    let answer = with_cookie(&test, &first).send(operation!("logout"), json!({})).await;
    assert_eq!(answer.data("logout")["revokedSessions"], 1);
    assert!(set_cookie(&answer).starts_with(&format!("{NAME}=; Path=/; Max-Age=0;")));
}
