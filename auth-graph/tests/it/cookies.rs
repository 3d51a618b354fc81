//! The refresh token in a cookie that scripts cannot read, and the conditions for its use.

use std::collections::HashSet;

use axum::http::HeaderMap;
use serde_json::{Value, json};

use crate::support::{Answer, Caller, PASSWORD, TestApp, operation};

const NAME: &str = "__Host-auth_graph_refresh";
const LOGIN: &str = "mutation($input: LoginInput!) { login(input: $input) { ... on TokenPair { accessToken refreshToken csrfToken } } }";
const REFRESH: &str = "mutation { refresh { accessToken refreshToken csrfToken } }";

async fn sign_in_from(test: &TestApp, caller: Caller) -> Answer {
    test.create_user("ada@test.com").await;
    let input = json!({ "email": "ada@test.com", "password": PASSWORD, "delivery": "COOKIE" });
    caller.send(LOGIN, json!({ "input": input })).await
}

async fn sign_in(test: &TestApp) -> Answer {
    sign_in_from(test, test.anonymous()).await
}

fn set_cookie(headers: &HeaderMap) -> &str {
    headers["set-cookie"].to_str().unwrap()
}

/// Returns a caller with only the cookie, like a forged request.
fn with_cookie(test: &TestApp, answer: &Answer) -> Caller {
    let pair = set_cookie(&answer.headers).split(';').next().unwrap().to_owned();
    test.anonymous().with_header("cookie", &format!("theme=dark; {pair}; other=1"))
}

fn csrf_token(answer: &Answer) -> &str {
    let data = &answer.body["data"];
    data["login"]["csrfToken"].as_str().or(data["refresh"]["csrfToken"].as_str()).expect("a CSRF token")
}

/// Returns a caller like a page of this service, with the cookie and the CSRF token.
fn with_session(test: &TestApp, answer: &Answer) -> Caller {
    with_cookie(test, answer).with_header("x-csrf-token", csrf_token(answer))
}

async fn refresh(caller: &Caller) -> Answer {
    caller.send(REFRESH, Value::Null).await
}

#[track_caller]
fn assert_refused(answer: &Answer, code: &str) {
    assert_eq!(answer.code(), code);
    assert!(!answer.headers.contains_key("set-cookie"), "the cookie stays unchanged");
}

/// django-graphql-jwt#95: scripts could read the refresh token.
#[tokio::test]
async fn cve_2024_28197_the_cookie_is_bound_to_the_host_and_the_body_has_no_refresh_token() {
    let test = TestApp::new().await;
    let answer = sign_in(&test).await;
    assert!(answer.data("login")["refreshToken"].is_null());
    assert!(!answer.text.contains("agr_"));
    let (pair, attributes) = set_cookie(&answer.headers).split_once(';').unwrap();
    assert!(pair.starts_with(&format!("{NAME}=agr_")));
    assert_eq!(attributes, " HttpOnly; SameSite=Strict; Secure; Path=/; Max-Age=1209600");
}

/// django-graphql-jwt#191: the cookie was set under one name and looked up under another.
#[tokio::test]
async fn better_auth_1043_a_parent_domain_shares_the_cookie_under_another_name() {
    let test = TestApp::with(|config| {
        config.server.public_url = "https://auth.example.com".to_owned();
        config.cookies.domain = "example.com".to_owned();
        config.cookies.same_site = model::config::SameSite::Lax;
    })
    .await;
    let answer = sign_in(&test).await;
    let (pair, attributes) = set_cookie(&answer.headers).split_once(';').unwrap();
    assert!(pair.starts_with("__Secure-auth_graph_refresh=agr_"));
    assert_eq!(attributes, " HttpOnly; SameSite=Lax; Secure; Path=/; Domain=example.com; Max-Age=1209600");
    refresh(&with_session(&test, &answer)).await.data("refresh");
}

#[tokio::test]
async fn refresh_without_an_argument_uses_the_cookie_and_replaces_it() {
    let test = TestApp::new().await;
    let first = sign_in(&test).await;
    let second = refresh(&with_session(&test, &first)).await;
    assert!(second.data("refresh")["refreshToken"].is_null());
    assert_ne!(set_cookie(&first.headers), set_cookie(&second.headers));
    assert_eq!(csrf_token(&first), csrf_token(&second), "one token for the whole session");
    refresh(&with_session(&test, &second)).await.data("refresh");
}

#[tokio::test]
async fn refresh_fails_without_an_argument_and_a_cookie() {
    let test = TestApp::new().await;
    assert_eq!(refresh(&test.anonymous()).await.code(), "UNAUTHENTICATED");
}

#[tokio::test]
async fn a_client_that_keeps_its_refresh_token_gets_no_csrf_token_and_needs_none() {
    let test = TestApp::new().await;
    test.create_user("ada@test.com").await;
    let input = json!({ "email": "ada@test.com", "password": PASSWORD });
    let answer = test.anonymous().send(LOGIN, json!({ "input": input })).await;
    let pair = answer.data("login");
    assert!(pair["csrfToken"].is_null());
    test.anonymous().refresh(pair["refreshToken"].as_str().unwrap()).await.data("refresh");
}

#[tokio::test]
async fn the_cookie_is_rejected_without_the_csrf_token_of_its_session() {
    let test = TestApp::new().await;
    let mine = sign_in(&test).await;
    let input = json!({ "email": "ada@test.com", "password": PASSWORD, "delivery": "COOKIE" });
    let other = test.anonymous().send(LOGIN, json!({ "input": input })).await;
    let token = csrf_token(&mine);
    assert_ne!(token, csrf_token(&other));
    let longer = format!("{token}A");
    let flipped = format!("{}{}", if token.starts_with('A') { "B" } else { "A" }, &token[1..]);
    for wrong in ["", csrf_token(&other), &token[1..], &longer, &flipped] {
        let caller = with_cookie(&test, &mine).with_header("x-csrf-token", wrong);
        assert_refused(&refresh(&caller).await, "FORBIDDEN");
        assert_refused(&caller.send(operation!("logout"), json!({})).await, "FORBIDDEN");
    }
    let forged = with_cookie(&test, &mine);
    assert_refused(&refresh(&forged).await, "FORBIDDEN");
    assert_refused(&forged.send(operation!("logout"), json!({})).await, "FORBIDDEN");
    refresh(&with_session(&test, &mine)).await.data("refresh");
}

#[tokio::test]
async fn a_page_of_another_site_cannot_use_the_cookie() {
    let test = TestApp::with(|config| config.server.allowed_origins = vec!["https://app.test".to_owned()]).await;
    let first = sign_in(&test).await;
    for (name, value) in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("sec-fetch-site", "anything"),
        ("origin", "https://evil.test"),
        ("origin", "http://auth.test"),
        ("origin", "https://auth.test:444"),
        ("origin", "https://auth.test.evil.test"),
        ("origin", "null"),
    ] {
        let caller = with_session(&test, &first).with_header(name, value);
        assert_refused(&refresh(&caller).await, "FORBIDDEN");
        assert_refused(&caller.send(operation!("logout"), json!({})).await, "FORBIDDEN");
    }
    let two = with_session(&test, &first).with_header("origin", "https://auth.test");
    assert_refused(&refresh(&two.with_header("origin", "https://app.test")).await, "FORBIDDEN");
    for (name, value) in [
        ("sec-fetch-site", "same-origin"),
        ("sec-fetch-site", "none"),
        ("origin", "https://auth.test"),
        ("origin", "https://app.test"),
    ] {
        refresh(&with_session(&test, &first).with_header(name, value)).await.data("refresh");
    }
}

/// supabase/ssr#68: a page of another host of the domain found no refresh token.
#[tokio::test]
async fn hosts_of_the_parent_domain_may_use_the_cookie_when_they_are_listed() {
    let test = TestApp::with(|config| {
        config.server.public_url = "https://auth.example.com".to_owned();
        config.server.allowed_origins = vec!["https://app.example.com".to_owned()];
        config.cookies.domain = "example.com".to_owned();
    })
    .await;
    let first = sign_in(&test).await;
    let same_site = with_session(&test, &first).with_header("sec-fetch-site", "same-site");
    assert_refused(&refresh(&same_site).await, "FORBIDDEN");
    let sibling = same_site.clone().with_header("origin", "https://blog.example.com");
    assert_refused(&refresh(&sibling).await, "FORBIDDEN");
    let cross_site = with_session(&test, &first).with_header("sec-fetch-site", "cross-site");
    assert_refused(&refresh(&cross_site.with_header("origin", "https://app.example.com")).await, "FORBIDDEN");
    refresh(&same_site.with_header("origin", "https://app.example.com")).await.data("refresh");
}

#[tokio::test]
async fn a_page_of_another_site_gets_no_cookie() {
    let test = TestApp::new().await;
    let evil = test.anonymous().with_header("origin", "https://evil.test");
    let refused = sign_in_from(&test, evil).await;
    assert_refused(&refused, "FORBIDDEN");
    assert_eq!(refused.body["errors"][0]["extensions"]["reason"], "COOKIE_ORIGIN");
}

#[tokio::test]
async fn openrisk_700_a_rejected_refresh_leaves_the_cookie_unchanged() {
    let test = TestApp::new().await;
    let broken = test.anonymous().with_header("cookie", &format!("{NAME}=agr_broken"));
    assert_refused(&refresh(&broken).await, "TOKEN_INVALID");
    let first = sign_in(&test).await;
    let caller = with_session(&test, &first);
    let second = refresh(&caller).await;
    refresh(&with_session(&test, &second)).await.data("refresh");
    test.app.clock.advance(chrono::Duration::minutes(1));
    assert_refused(&refresh(&caller).await, "TOKEN_REUSED");
    assert_refused(&refresh(&with_session(&test, &second)).await, "TOKEN_REVOKED");
}

#[tokio::test]
async fn supabase_auth_js_441_ten_refreshes_at_once_all_end_with_the_same_cookie() {
    let test = TestApp::new().await;
    let mut newest = sign_in(&test).await;
    for _ in 0..3 {
        let caller = with_session(&test, &newest);
        let answers = futures_util::future::join_all((0..10).map(|_| refresh(&caller))).await;
        let cookies: HashSet<String> = answers
            .iter()
            .map(|answer| {
                answer.data("refresh");
                let (pair, attributes) = set_cookie(&answer.headers).split_once(';').unwrap();
                assert!(!attributes.contains("Max-Age=0"), "{attributes}");
                pair.to_owned()
            })
            .collect();
        assert_eq!(cookies.len(), 1);
        newest = answers.into_iter().next().unwrap();
    }
}

/// A refresh in a second tab invalidated the state of the first one.
#[tokio::test]
async fn nhost_555_the_csrf_token_of_a_tab_outlives_refreshes_of_another_tab() {
    let test = TestApp::new().await;
    let first = sign_in(&test).await;
    let mut newest = refresh(&with_session(&test, &first)).await;
    for _ in 0..3 {
        newest = refresh(&with_session(&test, &newest)).await;
    }
    let access = first.data("login")["accessToken"].as_str().unwrap();
    assert_eq!(test.bearer(access).me().await.data("me")["email"], "ada@test.com");
    // The browser sends the newest cookie, and the tab sends its own CSRF token.
    let tab = with_cookie(&test, &newest).with_header("x-csrf-token", csrf_token(&first));
    refresh(&tab).await.data("refresh");
}

#[tokio::test]
async fn signing_out_deletes_the_cookie() {
    let test = TestApp::new().await;
    let first = sign_in(&test).await;
    let answer = with_session(&test, &first).send(operation!("logout"), json!({})).await;
    assert_eq!(answer.data("logout")["revokedSessions"], 1);
    let deleted = format!("{NAME}=; HttpOnly; SameSite=Strict; Secure; Path=/; Max-Age=0");
    assert_eq!(set_cookie(&answer.headers), deleted);
}

/// Another tab, or a second click.
#[tokio::test]
async fn signing_out_again_after_the_cookie_is_gone_ends_nothing() {
    let test = TestApp::new().await;
    let first = sign_in(&test).await;
    with_session(&test, &first).send(operation!("logout"), json!({})).await.data("logout");
    let page = test.anonymous().with_header("x-csrf-token", csrf_token(&first));
    let ended = format!("Bearer {}", first.data("login")["accessToken"].as_str().unwrap());
    for again in [page.clone(), page.clone().with_header("authorization", &ended)] {
        assert_eq!(again.send(operation!("logout"), json!({})).await.data("logout")["revokedSessions"], 0);
        let everywhere = again.send("mutation { logout(everywhere: true) { revokedSessions } }", json!({})).await;
        assert!(["UNAUTHENTICATED", "TOKEN_REVOKED"].contains(&everywhere.code()), "{}", everywhere.text);
    }
    // A browser does not send the cookie for a page of another site, where the session may still be alive.
    let foreign = page.with_header("sec-fetch-site", "cross-site");
    assert_eq!(foreign.send(operation!("logout"), json!({})).await.code(), "FORBIDDEN");
    assert_eq!(test.anonymous().send(operation!("logout"), json!({})).await.code(), "UNAUTHENTICATED");
}

/// hyperium/headers#85: a cookie of the shop's analytics signed its users out for good.
#[tokio::test]
async fn bytes_of_other_cookies_do_not_matter() {
    let test = TestApp::new().await;
    let mut newest = sign_in(&test).await;
    for other in ["consent=\u{e4}", "name=J\u{f6}rg; \u{1f36a}"] {
        let pair = set_cookie(&newest.headers).split(';').next().unwrap().to_owned();
        for cookies in [format!("{other}; {pair}"), format!("{pair}; {other}")] {
            let caller = test.anonymous().with_header("cookie", &cookies);
            newest = refresh(&caller.with_header("x-csrf-token", csrf_token(&newest))).await;
            newest.data("refresh");
        }
    }
}

/// lobu-ai/lobu#2578: the cookie of a parent domain or of another deployment came first, and signing in anew did not
/// help.
#[tokio::test]
async fn of_several_cookies_the_one_of_the_csrf_token_is_used() {
    let test = TestApp::new().await;
    let first = sign_in(&test).await;
    let second = refresh(&with_session(&test, &first)).await;
    let input = json!({ "email": "ada@test.com", "password": PASSWORD, "delivery": "COOKIE" });
    let other = test.anonymous().send(LOGIN, json!({ "input": input })).await;
    let value = |answer: &Answer| set_cookie(&answer.headers).split(';').next().unwrap().to_owned();
    let (newest, outdated, foreign) = (value(&second), value(&first), value(&other));
    test.app.clock.advance(chrono::Duration::minutes(1));
    let mut csrf = csrf_token(&second).to_owned();
    let mut newest_value = newest;
    for stale in [format!("{NAME}="), format!("{NAME}=agr_stale"), format!("{NAME}=x y"), foreign.clone(), outdated] {
        for cookies in [format!("{stale}; {newest_value}"), format!("{newest_value}; theme=dark; {stale}")] {
            let caller = test.anonymous().with_header("cookie", &cookies).with_header("x-csrf-token", &csrf);
            let answer = refresh(&caller).await;
            answer.data("refresh");
            (newest_value, csrf) = (value(&answer), csrf_token(&answer).to_owned());
        }
    }
    let both = format!("{foreign}; {newest_value}");
    let forged = test.anonymous().with_header("cookie", &both);
    assert_refused(&refresh(&forged).await, "FORBIDDEN");
    assert_eq!(refresh(&forged).await.body["errors"][0]["extensions"]["reason"], "CSRF_TOKEN");
    assert_refused(&refresh(&forged.with_header("x-csrf-token", "wrong")).await, "FORBIDDEN");
    let neither = test.anonymous().with_header("cookie", &format!("{NAME}=agr_one; {NAME}=agr_two"));
    assert_refused(&refresh(&neither.with_header("x-csrf-token", &csrf)).await, "TOKEN_INVALID");
    let caller = test.anonymous().with_header("cookie", &both).with_header("x-csrf-token", &csrf);
    assert_eq!(caller.send(operation!("logout"), json!({})).await.data("logout")["revokedSessions"], 1);
    let still = test.anonymous().with_header("cookie", &foreign).with_header("x-csrf-token", csrf_token(&other));
    refresh(&still).await.data("refresh");
}

/// vitejs/vite#21861: a development server has another port, which browsers call the same site.
#[tokio::test]
async fn a_listed_page_of_this_machine_may_use_the_cookie() {
    let origins = ["http://localhost:5173", "http://127.0.0.1:5173", "https://app.example.com"];
    let test = TestApp::with(|config| {
        config.server.public_url = "http://localhost:8000".to_owned();
        config.server.allowed_origins = origins.map(str::to_owned).to_vec();
    })
    .await;
    test.create_user("ada@test.com").await;
    let input = json!({ "email": "ada@test.com", "password": PASSWORD, "delivery": "COOKIE" });
    let sent_from = async |origin: &str, site: &str| {
        let page = test.anonymous().with_header("origin", origin).with_header("sec-fetch-site", site);
        page.send(LOGIN, json!({ "input": input })).await
    };
    for origin in &origins[..2] {
        let answer = sent_from(origin, "same-site").await;
        assert!(set_cookie(&answer.headers).starts_with("auth_graph_refresh=agr_"), "{}", answer.text);
        let page = with_session(&test, &answer).with_header("origin", origin);
        refresh(&page.with_header("sec-fetch-site", "same-site")).await.data("refresh");
    }
    for (origin, site) in [
        ("http://localhost:5174", "same-site"),
        ("http://127.0.0.1:5173", "cross-site"),
        ("https://app.example.com", "same-site"),
        ("https://app.example.com", "cross-site"),
    ] {
        assert_refused(&sent_from(origin, site).await, "FORBIDDEN");
    }
}

#[tokio::test]
async fn signing_out_with_another_token_leaves_the_cookie_unchanged() {
    let test = TestApp::new().await;
    let browser = sign_in(&test).await;
    let other = test.anonymous().login("ada@test.com", PASSWORD).await;
    let refresh_token = other.data("login")["refreshToken"].as_str().unwrap();
    let answer = with_session(&test, &browser).logout(refresh_token).await;
    assert_eq!(answer.data("logout")["revokedSessions"], 1);
    assert!(!answer.headers.contains_key("set-cookie"));

    let other = test.anonymous().login("ada@test.com", PASSWORD).await;
    let bearer = format!("Bearer {}", other.data("login")["accessToken"].as_str().unwrap());
    let answer = with_cookie(&test, &browser).with_header("authorization", &bearer);
    let answer = answer.send(operation!("logout"), json!({})).await;
    assert_eq!(answer.data("logout")["revokedSessions"], 1);
    assert!(!answer.headers.contains_key("set-cookie"));
    refresh(&with_session(&test, &browser)).await.data("refresh");
}
