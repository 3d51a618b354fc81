//! The paths of django-easyjwt's authentication service, answer by answer.

use auth_graph::auth::accounts::{self, Rank};
use auth_graph::auth::transfer::{Batch, Import, Record, Row, UnusableHash, Writing};
use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};

use crate::support::{Answer, Caller, PASSWORD, TestApp};

async fn with_rest() -> TestApp {
    TestApp::with(|config| config.rest.enabled = true).await
}

async fn post(caller: &Caller, path: &str, body: Value) -> Answer {
    raw(caller, path, body.to_string()).await
}

async fn raw(caller: &Caller, path: &str, body: String) -> Answer {
    let request = Request::post(path).header("content-type", "application/json; charset=utf-8");
    caller.request(request.body(body.into()).unwrap()).await
}

async fn get(caller: &Caller, path: &str) -> Answer {
    caller.request(Request::get(path).body(Body::empty()).unwrap()).await
}

fn is(answer: &Answer, status: u16, body: Value) {
    assert_eq!((answer.status.as_u16(), &answer.body), (status, &body), "{}", answer.text);
    let challenge = answer.headers.get("www-authenticate").map(|value| value.to_str().unwrap());
    assert_eq!(challenge, (status == 401).then_some("Bearer realm=\"api\""));
}

fn not_valid(detail: &str) -> Value {
    json!({ "detail": detail, "code": "token_not_valid" })
}

#[tokio::test]
async fn nothing_is_there_unless_it_is_switched_on() {
    let test = TestApp::new().await;
    assert_eq!(post(&test.anonymous(), "/auth/token/", json!({})).await.status, 404);
}

#[tokio::test]
async fn s1_1_signing_in() {
    let test = with_rest().await;
    test.create_user("ada@test.com").await;
    let body = json!({ "email": "Ada@test.com", "password": PASSWORD });
    let answer = post(&test.anonymous(), "/auth/token/", body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.headers["cache-control"], "no-store");
    assert_eq!(answer.body.as_object().unwrap().len(), 2);
    let access = answer.body["access"].as_str().unwrap();
    assert_eq!(test.bearer(access).me().await.data("me")["email"], "ada@test.com");
    test.anonymous().refresh(answer.body["refresh"].as_str().unwrap()).await.data("refresh");
}

#[tokio::test]
async fn s1_2_wrong_passwords_unknown_and_disabled_users_are_one_answer() {
    let test = with_rest().await;
    test.create_user("ada@test.com").await;
    let disabled = test.create_user("disabled@test.com").await;
    accounts::disable(&test.app, disabled.id).await.unwrap();
    for (email, password) in
        [("ada@test.com", "wrong"), ("nobody@test.com", "wrong"), ("disabled@test.com", PASSWORD), ("ada", "wrong")]
    {
        let answer = post(&test.anonymous(), "/auth/token/", json!({ "email": email, "password": password })).await;
        is(&answer, 401, json!({ "detail": "No active account found with the given credentials" }));
    }
}

#[tokio::test]
async fn s1_3_malformed_requests_are_named() {
    let test = with_rest().await;
    let required = json!(["This field is required."]);
    let nothing = post(&test.anonymous(), "/auth/token/", json!({})).await;
    is(&nothing, 400, json!({ "email": required, "password": required }));
    let odd = post(&test.anonymous(), "/auth/token/", json!({ "email": 1, "password": "" })).await;
    is(&odd, 400, json!({ "email": ["Not a valid string."], "password": ["This field may not be blank."] }));
    let list = post(&test.anonymous(), "/auth/token/", json!([])).await;
    is(&list, 400, json!({ "non_field_errors": ["Invalid data. Expected a dictionary."] }));
    let broken = raw(&test.anonymous(), "/auth/token/", "{\"password\": \"hunter2\"".to_owned()).await;
    assert_eq!(broken.status, 400);
    assert!(broken.text.contains("JSON parse error - ") && !broken.text.contains("hunter2"), "{}", broken.text);
    is(&get(&test.anonymous(), "/auth/token/").await, 405, json!({ "detail": "Method \"GET\" not allowed." }));
    let form = test.anonymous().form("/auth/token/", &[("email", "ada@test.com")]).await;
    assert_eq!(form.status, 415);
    let large = raw(&test.anonymous(), "/auth/token/", " ".repeat(20_000)).await;
    assert_eq!(large.status, 413);
}

#[tokio::test]
async fn s1_4_and_s1_5_refreshing() {
    let test = with_rest().await;
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    let refresh =
        async |token: &str| post(&test.anonymous(), "/auth/token/refresh/", json!({ "refresh": token })).await;
    let answer = refresh(&ada.refresh).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_ne!(answer.body["refresh"], ada.refresh);
    is(&refresh("garbage").await, 401, not_valid("Token is invalid or expired"));
    is(&refresh(&ada.access).await, 401, not_valid("Token has wrong type"));
    test.anonymous().logout(&ada.refresh).await.data("logout");
    is(&refresh(&ada.refresh).await, 401, not_valid("Token is blacklisted"));
}

/// S1.7 is a fault of theirs: a token that has ended is refused whatever the settings.
#[tokio::test]
async fn s1_6_to_s1_8_verifying_and_ending() {
    let test = with_rest().await;
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    let verify = async |token: &str| post(&test.anonymous(), "/auth/token/verify/", json!({ "token": token })).await;
    let end = async |token: &str| post(&test.anonymous(), "/auth/token/blacklist/", json!({ "refresh": token })).await;
    is(&verify(&ada.access).await, 200, json!({}));
    is(&verify(&ada.refresh).await, 200, json!({}));
    is(&verify("garbage").await, 401, not_valid("Token is invalid or expired"));
    let missing = post(&test.anonymous(), "/auth/token/verify/", json!({})).await;
    is(&missing, 400, json!({ "token": ["This field is required."] }));
    is(&end("garbage").await, 401, not_valid("Token is invalid or expired"));
    is(&end(&ada.access).await, 401, not_valid("Token has wrong type"));
    for _ in 0..2 {
        is(&end(&ada.refresh).await, 200, json!({}));
    }
    is(&verify(&ada.refresh).await, 401, not_valid("Token is blacklisted"));
    is(&verify(&ada.access).await, 401, not_valid("Token is blacklisted"));
}

#[tokio::test]
async fn s1_9_and_s1_60_the_account_of_the_caller() {
    let test = with_rest().await;
    let record = Record { number: Some(41), email: "old@test.com".to_owned(), is_active: true, ..Record::default() };
    let rows = vec![Row { place: "1".to_owned(), record: Ok(record) }];
    let mut import = Import::open(&test.app, "one", Writing::Commit, UnusableHash::Refuse).await.unwrap();
    assert!(import.write(&test.app, Batch { rows, position: "1".to_owned() }).await.unwrap().is_empty());
    let ada = test.signed_in("ada@test.com", Rank::Staff).await;
    let answer = get(&ada.caller, "/auth/user/?id=41").await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let mut body = answer.body.clone();
    for time in ["date_joined", "last_login"] {
        assert!(body[time].take().as_str().unwrap().ends_with('Z'));
    }
    let expected = json!({
        "id": 42, "first_name": "Ada", "email": "ada@test.com", "last_name": "Lovelace", "date_joined": null,
        "last_login": null, "is_active": true, "is_staff": true, "is_superuser": false,
    });
    assert_eq!(body, expected);
    assert_eq!(get(&ada.caller, "/auth/user/").await.body["id"], 42, "the number stays");
}

/// S1.10: theirs says 403, as its settings list sessions first. Nobody is signed in, so it is 401 here.
#[tokio::test]
async fn s1_10_without_a_good_token_nobody_is_shown() {
    let test = with_rest().await;
    let anonymous = get(&test.anonymous(), "/auth/user/").await;
    is(&anonymous, 401, json!({ "detail": "Authentication credentials were not provided." }));
    let bad = get(&test.bearer("garbage"), "/auth/user/").await;
    assert_eq!((bad.status.as_u16(), &bad.body["code"]), (401, &json!("token_not_valid")));
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    assert_eq!(get(&test.bearer(&ada.refresh), "/auth/user/").await.status, 401);
    accounts::disable(&test.app, ada.user.id).await.unwrap();
    assert_eq!(get(&ada.caller, "/auth/user/").await.status, 401);
}

#[tokio::test]
async fn s1_11_a_token_of_no_user_finds_none() {
    let test = with_rest().await;
    let service = test.service_client("orders", "users:read").await;
    let answer = get(&test.bearer(&service.token().await), "/auth/user/").await;
    is(&answer, 401, json!({ "detail": "User not found", "code": "user_not_found" }));
}

#[tokio::test]
async fn guesses_are_limited_here_too() {
    let test = TestApp::with(|config| {
        config.rest.enabled = true;
        config.limits.account_attempts = 1;
    })
    .await;
    let guess = json!({ "email": "ada@test.com", "password": "wrong" });
    assert_eq!(post(&test.anonymous(), "/auth/token/", guess.clone()).await.status, 401);
    let limited = post(&test.anonymous(), "/auth/token/", guess).await;
    assert_eq!((limited.status.as_u16(), limited.headers["retry-after"].to_str().unwrap()), (429, "30"));
}
