//! Faults of other services with grants of tokens and with permissions, each under its public name.

use engine::accounts::{Deletion, Rank};
use engine::administration;
use engine::callers::Actor;
use model::values::Scopes;
use serde_json::{Value, json};

use crate::support::{Caller, PASSWORD, SignedIn, TestApp, claims_of, operation, set_roles};

const IMPERSONATE: &str = "mutation($input: ImpersonateInput!) { impersonate(input: $input) { accessToken } }";
const SELL: &str = "orders:sell";

/// Creates an app with every way to a token, and a role with a scope.
async fn test() -> TestApp {
    TestApp::with(|config| {
        config.rest.enabled = true;
        config.roles.insert("seller".to_owned(), Scopes::parse(SELL).unwrap());
    })
    .await
}

/// Returns the name and the result of each way to a token of a user: by password, by refresh token, and by an
/// administrator who acts as the user.
async fn ways(test: &TestApp, user: &SignedIn, admin: &Caller) -> [(&'static str, Value); 6] {
    let (anyone, email, refresh) = (test.anonymous(), user.user.email.as_str(), user.refresh.as_str());
    let form = [("grant_type", "refresh_token"), ("refresh_token", refresh), ("client_id", "first-party")];
    let acting = json!({ "input": { "id": user.user.id, "reason": "a test" } });
    let credentials = json!({ "email": email, "password": PASSWORD });
    [
        ("login", anyone.login(email, PASSWORD).await.body["data"]["login"]["accessToken"].clone()),
        ("/auth/token/", anyone.post("/auth/token/", credentials).await.body["access"].clone()),
        ("refresh", anyone.refresh(refresh).await.body["data"]["refresh"]["accessToken"].clone()),
        (
            "/auth/token/refresh/",
            anyone.post("/auth/token/refresh/", json!({ "refresh": refresh })).await.body["access"].clone(),
        ),
        ("/oauth/token", anyone.form("/oauth/token", &form).await.body["access_token"].clone()),
        ("impersonate", admin.send(IMPERSONATE, acting).await.body["data"]["impersonate"]["accessToken"].clone()),
    ]
}

/// A restriction applied to one way to sign in and not to the others (CVE-2026-33132), and a deactivated user could
/// sign in by one of them (CVE-2026-105213).
#[tokio::test]
async fn cve_2026_33132_and_cve_2026_105213_a_restriction_of_a_user_applies_to_every_way_to_a_token() {
    let test = test().await;
    let admin = test.signed_in("admin@test.com", Rank::Superuser).await.caller;
    let (ada, eve) = (test.create_user("ada@test.com").await, test.create_user("eve@test.com").await);
    for user in [ada, eve.clone()] {
        set_roles(&test.app, &user, &["seller"]).await;
        let user = test.sign_in(user).await;
        for (way, token) in ways(&test, &user, &admin).await {
            assert_eq!(claims_of(token.as_str().unwrap())["scope"], SELL, "{way}");
        }
        set_roles(&test.app, &user.user, &[]).await;
        for (way, token) in ways(&test, &user, &admin).await {
            assert_eq!(claims_of(token.as_str().unwrap()).get("scope"), None, "{way}, without the role");
        }
        if user.user.id == eve.id {
            let (actor, deletion) = (Actor::operator(), Deletion::Restorable);
            administration::delete(&test.app, &actor, eve.id, deletion, None).await.unwrap();
        } else {
            test.disable(user.user.id).await;
        }
        for (way, token) in ways(&test, &user, &admin).await {
            assert_eq!(token, Value::Null, "{way}");
        }
    }
}

/// Tokens were sent to any address that a request named. This service has no redirects and no grant with one.
#[tokio::test]
async fn cve_2026_54072_no_token_is_sent_to_an_address_that_a_request_names() {
    let test = test().await;
    let anyone = test.anonymous();
    let metadata = anyone.get("/.well-known/oauth-authorization-server").await.body;
    assert!(metadata.get("authorization_endpoint").is_none());
    assert_eq!(metadata["response_types_supported"], json!(["none"]));
    let asked = "response_type=token&client_id=first-party&redirect_uri=https%3A%2F%2Fevil.test%2F";
    for path in ["/authorize", "/oauth/authorize", "/oauth/token", "/"] {
        let answer = anyone.get(&format!("{path}?{asked}")).await;
        assert!(!answer.status.is_redirection() && answer.headers.get("location").is_none(), "{path}");
    }
    for grant_type in ["implicit", "authorization_code", "urn:ietf:params:oauth:grant-type:device_code"] {
        let form = [("grant_type", grant_type), ("client_id", "first-party"), ("redirect_uri", "https://evil.test/")];
        let answer = anyone.form("/oauth/token", &form).await;
        assert_eq!(answer.body["error"], "unsupported_grant_type", "{grant_type}");
    }
}

/// Users with an address of a certain form became members of an organization.
#[tokio::test]
async fn cve_2025_1391_an_address_gives_no_permissions() {
    let test = test().await;
    let admin = test.signed_in("admin@shop.test", Rank::Superuser).await;
    let seller = test.create_user("seller@shop.test").await;
    set_roles(&test.app, &seller, &["seller"]).await;
    let eve = test.signed_in("eve@shop.test", Rank::User).await;
    let update = json!({ "input": { "id": eve.user.id, "email": "superuser@shop.test", "emailVerified": true } });
    let document = "mutation($input: UpdateUserInput!) { updateUser(input: $input) { user { id } } }";
    admin.caller.send(document, update).await.data("updateUser");
    let pair = test.anonymous().refresh(&eve.refresh).await.data("refresh").clone();
    assert_eq!((&pair["user"]["roles"], &pair["scope"]), (&json!([]), &json!([])));
    let changed = test.bearer(pair["accessToken"].as_str().unwrap());
    assert_eq!(changed.send(operation!("users"), json!({})).await.code(), "FORBIDDEN");
}

/// A differently spelled path bypassed disabled features and rate limits.
#[tokio::test]
async fn ghsa_x732_6j76_qmhm_another_spelling_of_a_path_is_not_found() {
    let body = json!({ "email": "ada@test.com", "password": "wrong" });
    for on in [false, true] {
        let test = TestApp::with(|config| config.rest.enabled = on).await;
        for path in
            ["//auth/token/", "/auth//token/", "/auth/./token/", "/%61uth/token/", "/auth/token", "/AUTH/token/"]
        {
            assert_eq!(test.anonymous().post(path, body.clone()).await.status, 404, "{path}, rest.enabled = {on}");
        }
        for path in ["//graphql", "/graphql/", "/%67raphql", "/x/../graphql"] {
            assert_eq!(test.anonymous().post(path, json!({ "query": "{ __typename }" })).await.status, 404, "{path}");
        }
    }
}
