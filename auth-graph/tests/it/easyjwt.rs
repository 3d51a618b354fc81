//! The REST paths of django-easyjwt's authentication service.

use std::sync::{Arc, OnceLock};

use axum::http::Request;
use axum::{Router, routing};
use engine::accounts::{Deletion, Rank};
use engine::administration;
use engine::app::App;
use engine::callers::Actor;
use engine::transfer::Record;
use model::values::UserId;
use serde_json::{Value, json};

use crate::import::import;
use crate::support::{Answer, Caller, MailingApp, PASSWORD, TestApp, operation};

async fn with_rest() -> TestApp {
    TestApp::with(|config| config.rest.enabled = true).await
}

async fn raw(caller: &Caller, path: &str, body: String) -> Answer {
    let request = Request::post(path).header("content-type", "application/json; charset=utf-8");
    caller.request(request.body(body.into()).unwrap()).await
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
async fn the_paths_are_off_by_default() {
    let test = TestApp::new().await;
    assert_eq!(test.anonymous().post("/auth/token/", json!({})).await.status, 404);
}

#[tokio::test]
async fn s1_1_signing_in() {
    let test = with_rest().await;
    test.create_user("ada@test.com").await;
    let body = json!({ "email": "Ada@test.com", "password": PASSWORD });
    let answer = test.anonymous().post("/auth/token/", body).await;
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
    test.disable(disabled.id).await;
    for (email, password) in
        [("ada@test.com", "wrong"), ("nobody@test.com", "wrong"), ("disabled@test.com", PASSWORD), ("ada", "wrong")]
    {
        let answer = test.anonymous().post("/auth/token/", json!({ "email": email, "password": password })).await;
        is(&answer, 401, json!({ "detail": "No active account found with the given credentials" }));
    }
}

/// CVE-2026-49448: an empty request skipped a step of the sign-in.
#[tokio::test]
async fn s1_3_malformed_requests_have_their_messages() {
    let test = with_rest().await;
    let required = json!(["This field is required."]);
    let nothing = test.anonymous().post("/auth/token/", json!({})).await;
    is(&nothing, 400, json!({ "email": required, "password": required }));
    let odd = test.anonymous().post("/auth/token/", json!({ "email": true, "password": " " })).await;
    is(&odd, 400, json!({ "email": ["Not a valid string."], "password": ["This field may not be blank."] }));
    let list = test.anonymous().post("/auth/token/", json!([])).await;
    is(&list, 400, json!({ "non_field_errors": ["Invalid data. Expected a dictionary."] }));
    let broken = raw(&test.anonymous(), "/auth/token/", "{\"password\": \"hunter2\"".to_owned()).await;
    assert_eq!(broken.status, 400);
    assert!(broken.text.contains("JSON parse error - ") && !broken.text.contains("hunter2"), "{}", broken.text);
    is(&test.anonymous().get("/auth/token/").await, 405, json!({ "detail": "Method \"GET\" not allowed." }));
    let text = Request::post("/auth/token/").header("content-type", "text/plain").body("email=ada".into()).unwrap();
    is(
        &test.anonymous().request(text).await,
        415,
        json!({ "detail": "Unsupported media type \"text/plain\" in request." }),
    );
    let large = raw(&test.anonymous(), "/auth/token/", " ".repeat(20_000)).await;
    assert_eq!(large.status, 413);
}

#[tokio::test]
async fn s1_4_and_s1_5_refreshing() {
    let test = with_rest().await;
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    let refresh = async |token: &str| test.anonymous().post("/auth/token/refresh/", json!({ "refresh": token })).await;
    let answer = refresh(&ada.refresh).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_ne!(answer.body["refresh"], ada.refresh);
    is(&refresh("garbage").await, 401, not_valid("Token is invalid or expired"));
    is(&refresh(&ada.access).await, 401, not_valid("Token has wrong type"));
    test.anonymous().logout(&ada.refresh).await.data("logout");
    is(&refresh(&ada.refresh).await, 401, not_valid("Token is blacklisted"));
}

/// S1.7 is a fault of django-easyjwt. Here an ended token is rejected with any settings.
#[tokio::test]
async fn s1_6_to_s1_8_verifying_and_ending() {
    let test = with_rest().await;
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    let verify = async |token: &str| test.anonymous().post("/auth/token/verify/", json!({ "token": token })).await;
    let end = async |token: &str| test.anonymous().post("/auth/token/blacklist/", json!({ "refresh": token })).await;
    is(&verify(&ada.access).await, 200, json!({}));
    is(&verify(&ada.refresh).await, 200, json!({}));
    is(&verify("garbage").await, 401, not_valid("Token is invalid or expired"));
    let missing = test.anonymous().post("/auth/token/verify/", json!({})).await;
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
    assert_eq!(import(&test.app, "one", vec![record]).await, [""; 0]);
    let ada = test.signed_in("ada@test.com", Rank::Staff).await;
    let answer = ada.caller.get("/auth/user/?id=41").await;
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
    assert_eq!(ada.caller.get("/auth/user/").await.body["id"], 42, "the number stays the same");
}

/// S1.10: django-easyjwt answers 403, because its settings list sessions first. Here the answer is 401, because no user
/// is signed in.
#[tokio::test]
async fn s1_10_without_a_valid_token_no_user_is_shown() {
    let test = with_rest().await;
    let anonymous = test.anonymous().get("/auth/user/").await;
    is(&anonymous, 401, json!({ "detail": "Authentication credentials were not provided." }));
    let bad = test.bearer("garbage").get("/auth/user/").await;
    assert_eq!((bad.status.as_u16(), &bad.body["code"]), (401, &json!("token_not_valid")));
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    assert_eq!(test.bearer(&ada.refresh).get("/auth/user/").await.status, 401);
    test.anonymous().logout(&ada.refresh).await.data("logout");
    assert_eq!(ada.caller.get("/auth/user/").await.body["code"], "token_not_valid");
}

#[tokio::test]
async fn s1_11_a_token_of_no_user_finds_none() {
    let test = with_rest().await;
    let service = test.service_client("orders", "users:read").await;
    let answer = test.bearer(&service.token().await).get("/auth/user/").await;
    is(&answer, 401, json!({ "detail": "User not found", "code": "user_not_found" }));
    let [ada, eve] =
        [test.signed_in("ada@test.com", Rank::User).await, test.signed_in("eve@test.com", Rank::User).await];
    test.disable(ada.user.id).await;
    let inactive = ada.caller.get("/auth/user/").await;
    is(&inactive, 401, json!({ "detail": "User is inactive", "code": "user_inactive" }));
    eve.caller.send(operation!("delete_account"), json!({})).await.data("deleteAccount");
    let gone = eve.caller.get("/auth/user/").await;
    is(&gone, 401, json!({ "detail": "User not found", "code": "user_not_found" }));
}

#[tokio::test]
async fn s1_12_an_account_is_created_if_this_is_enabled() {
    let closed = with_rest().await;
    is(&closed.anonymous().post("/auth/create-user/", json!({})).await, 404, json!({ "detail": "Not found." }));
    let site = MailingApp::with(|config| {
        config.rest.enabled = true;
        config.rest.create_user = true;
    })
    .await;
    let caller = site.test.anonymous();
    let create = async |body: Value| caller.post("/auth/create-user/", body).await;
    let ada = json!({ "email": "Ada@test.com", "password": PASSWORD, "first_name": "Ada", "phone": "+49 170 1234567" });
    let made = create(ada.clone()).await;
    let expected = json!({
        "id": 1, "email": "ada@test.com", "first_name": "Ada", "last_name": "", "phone": "+491701234567",
    });
    is(&made, 201, expected);
    let mail = site.mail().await;
    assert_eq!(mail.subject, "Confirm your e-mail address");
    assert!(!mail.text.contains("Ada") && !mail.html.contains("Ada"), "the mail contains no text of the caller");
    let signed_in = caller.login("ada@test.com", PASSWORD).await;
    assert_eq!(signed_in.data("login")["user"]["emailVerified"], false);
    is(&create(ada).await, 400, json!({ "email": ["This email already exists."] }));
    let required = json!(["This field is required."]);
    is(&create(json!({})).await, 400, json!({ "email": required, "password": required }));
    for (field, value) in [
        ("email", json!("nobody")),
        ("password", json!("12345678")),
        ("phone", json!("0170")),
        ("first_name", json!([7])),
    ] {
        let mut body = json!({ "email": "eve@test.com", "password": PASSWORD });
        body[field] = value;
        let refused = create(body).await;
        assert_eq!(refused.status, 400);
        assert!(refused.body[field][0].is_string(), "{field}: {}", refused.text);
    }
    let sneaky = json!({ "email": "eve@test.com", "password": PASSWORD, "is_superuser": true, "is_staff": true });
    assert_eq!(create(sneaky).await.status, 201);
    let eve = caller.login("eve@test.com", PASSWORD).await;
    assert_eq!(eve.data("login")["scope"], json!([]));
}

/// django-easyjwt keeps old refresh tokens valid, and does not limit attempts.
#[tokio::test]
async fn s1_13_a_password_is_changed_with_the_current_one() {
    let test = TestApp::with(|config| {
        config.rest.enabled = true;
        config.limits.account_attempts = 3;
    })
    .await;
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    let change = async |email: &str, password: &str, new: &str| {
        let body = json!({ "email": email, "password": password, "new_password": new });
        test.anonymous().post("/auth/password-change/", body).await
    };
    let weak = change("ada@test.com", PASSWORD, "12345678").await;
    assert_eq!(weak.status, 400);
    assert!(weak.body["new_password"][0].is_string(), "{}", weak.text);
    is(&change("Ada@test.com", PASSWORD, "another long password").await, 200, json!({}));
    test.anonymous().login("ada@test.com", "another long password").await.data("login");
    assert_eq!(test.anonymous().refresh(&ada.refresh).await.code(), "TOKEN_REVOKED");
    let wrong = json!({ "non_field_errors": ["Invalid credentials."] });
    for email in ["ada@test.com", "nobody@test.com", "nobody"] {
        is(&change(email, PASSWORD, "another long password").await, 400, wrong.clone());
    }
    for _ in 0..2 {
        change("ada@test.com", PASSWORD, "another long password").await;
    }
    assert_eq!(change("ada@test.com", PASSWORD, "another long password").await.status, 429);
}

/// An administrator deletes the account while the new password is checked.
#[tokio::test]
async fn a_user_who_is_deleted_while_changing_their_password_is_unknown() {
    let deleting: Arc<OnceLock<(App, UserId)>> = Arc::default();
    let found = deleting.clone();
    let range = async move || {
        if let Some((app, id)) = found.get() {
            administration::delete(app, &Actor::operator(), *id, Deletion::ForGood, None).await.unwrap();
        }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/range/", listener.local_addr().unwrap());
    tokio::spawn(
        async move { axum::serve(listener, Router::new().route("/range/{digits}", routing::get(range))).await },
    );
    let test = TestApp::with(|config| {
        config.rest.enabled = true;
        config.passwords.breached_url = url;
    })
    .await;
    let ada = test.create_user("ada@test.com").await;
    assert!(deleting.set((test.app.clone(), ada.id)).is_ok());
    let body = json!({ "email": "ada@test.com", "password": PASSWORD, "new_password": "another long password" });
    let answer = test.anonymous().post("/auth/password-change/", body).await;
    is(&answer, 400, json!({ "non_field_errors": ["Invalid credentials."] }));
}

#[tokio::test]
async fn attempts_are_limited_here_too() {
    let test = TestApp::with(|config| {
        config.rest.enabled = true;
        config.limits.account_attempts = 1;
    })
    .await;
    let guess = json!({ "email": "ada@test.com", "password": "wrong" });
    assert_eq!(test.anonymous().post("/auth/token/", guess.clone()).await.status, 401);
    let limited = test.anonymous().post("/auth/token/", guess).await;
    assert_eq!((limited.status.as_u16(), limited.headers["retry-after"].to_str().unwrap()), (429, "30"));
}
