//! The paths and mutations of older authentication services, where `rest.old_names` turns them on.

use auth_graph::graphql;
use axum::http::Request;
use engine::accounts::Rank;
use model::config::OldNames;
use serde_json::{Value, json};

use crate::support::{Answer, Caller, PASSWORD, TestApp, claims_of, operation, set_roles};

const TOKENS: &str = "{ token refreshToken payload refreshExpiresIn }";

async fn with_names(names: &[OldNames]) -> TestApp {
    let names = names.to_vec();
    TestApp::with(|config| {
        config.rest.old_names = names;
        config.claims.django = true;
    })
    .await
}

async fn django_auth_service() -> TestApp {
    with_names(&[OldNames::DjangoAuthService]).await
}

async fn django_rest_microservice() -> TestApp {
    with_names(&[OldNames::DjangoRestMicroservice]).await
}

fn credentials() -> Value {
    json!({ "email": "ada@test.com", "password": PASSWORD })
}

fn is(answer: &Answer, status: u16, body: Value) {
    assert_eq!((answer.status.as_u16(), &answer.body), (status, &body), "{}", answer.text);
    assert_eq!(answer.headers.contains_key("www-authenticate"), status == 401);
}

fn text(answer: &Answer, member: &str) -> String {
    let value = answer.body[member].as_str();
    assert!(value.is_some(), "{member}: {}", answer.text);
    value.unwrap_or_default().to_owned()
}

async fn token_auth(caller: &Caller) -> Answer {
    let document = format!(
        "mutation($email: String!, $password: String!) {{ tokenAuth(email: $email, password: $password) {TOKENS} }}"
    );
    caller.send(&document, credentials()).await
}

async fn refresh_token(caller: &Caller, token: &str) -> Answer {
    let document = format!("mutation($token: String) {{ refreshToken(token: $token) {TOKENS} }}");
    caller.send(&document, json!({ "token": token })).await
}

#[tokio::test]
async fn no_old_name_exists_by_default() {
    let test = TestApp::with(|config| config.rest.enabled = true).await;
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    for path in ["/auth/login", "/auth/refresh", "/auth/sign-in/", "/auth/refresh/", "/auth/logoff/"] {
        assert_eq!(test.anonymous().post(path, credentials()).await.status, 404, "{path}");
    }
    for path in ["/auth/verify", "/auth/verify/"] {
        assert_eq!(test.anonymous().post(path, json!({ "token": ada.access })).await.status, 404, "{path}");
    }
    assert!(ada.caller.get("/auth/user").await.text.contains("Did you mean /auth/user/"));
    assert_eq!(token_auth(&test.anonymous()).await.code(), "GRAPHQL_VALIDATION_FAILED");
    assert_eq!(refresh_token(&test.anonymous(), &ada.refresh).await.code(), "GRAPHQL_VALIDATION_FAILED");
    let jwt = test.anonymous().with_header("authorization", &format!("JWT {}", ada.access));
    assert_eq!(jwt.me().await.code(), "TOKEN_INVALID");
    assert!(!graphql::sdl().contains("tokenAuth") && !graphql::sdl().contains("ObtainJSONWebToken"));
}

#[tokio::test]
async fn all_names_can_be_served_together() {
    let test = TestApp::with(|config| {
        config.rest.enabled = true;
        config.rest.old_names = vec![OldNames::DjangoAuthService, OldNames::DjangoRestMicroservice];
    })
    .await;
    test.create_user("ada@test.com").await;
    for path in ["/auth/token/", "/auth/login", "/auth/sign-in/"] {
        assert_eq!(test.anonymous().post(path, credentials()).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn s3_2_and_s3_3_signing_in() {
    let test = django_auth_service().await;
    test.create_user("ada@test.com").await;
    let caller = test.anonymous();
    let answer = caller.post("/auth/login", credentials()).await;
    assert_eq!((answer.status.as_u16(), answer.body.as_object().unwrap().len()), (200, 2), "{}", answer.text);
    assert_eq!(answer.headers["cache-control"], "no-store");
    assert_eq!(test.bearer(&text(&answer, "token")).me().await.data("me")["email"], "ada@test.com");
    for email in ["ada@test.com", "nobody@test.com", "no address"] {
        let wrong = caller.post("/auth/login", json!({ "email": email, "password": "wrong" })).await;
        let problem = "Unable to log in with provided credentials.";
        is(&wrong, 400, json!({ "non_field_errors": [problem], "status_code": 400 }));
    }
    let required = json!(["This field is required."]);
    let missing = caller.post("/auth/login", json!({})).await;
    is(&missing, 400, json!({ "email": required, "password": required, "status_code": 400 }));
    let method = caller.get("/auth/login").await;
    is(&method, 405, json!({ "detail": "Method \"GET\" not allowed.", "status_code": 405 }));
    assert_eq!(method.headers["allow"], "POST");
}

#[tokio::test]
async fn s3_4_verifying() {
    let test = django_auth_service().await;
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    let verify = async |token: &str| test.anonymous().post("/auth/verify", json!({ "token": token })).await;
    is(&verify(&ada.access).await, 200, json!({ "token": ada.access }));
    let bad = json!({ "non_field_errors": ["Error decoding signature."], "status_code": 400 });
    // A refresh token is no token to call with.
    for token in ["garbage", &ada.refresh] {
        is(&verify(token).await, 400, bad.clone());
    }
    test.anonymous().logout(&ada.refresh).await.data("logout");
    is(&verify(&ada.access).await, 400, bad);
    test.app.clock.advance(chrono::Duration::minutes(10));
    let expired = json!({ "non_field_errors": ["Signature has expired."], "status_code": 400 });
    is(&verify(&ada.access).await, 400, expired);
}

/// ADR 71.
#[tokio::test]
async fn s3_5_a_refresh_token_in_the_old_field_is_refreshed_and_an_access_token_is_not() {
    let test = django_auth_service().await;
    test.create_user("ada@test.com").await;
    let first = test.anonymous().post("/auth/login", credentials()).await;
    let refresh = async |token: &str| test.anonymous().post("/auth/refresh", json!({ "token": token })).await;
    let second = refresh(&text(&first, "refresh_token")).await;
    assert_eq!(second.status, 200, "{}", second.text);
    assert_ne!(text(&first, "refresh_token"), text(&second, "refresh_token"));
    assert!(test.bearer(&text(&second, "token")).me().await.data("me").is_object());

    let problem = "This is no refresh token. Send the refresh_token of the last answer.";
    let refusal = json!({ "token": [problem], "code": "token_not_valid", "status_code": 400 });
    for token in [text(&second, "token").as_str(), "garbage"] {
        is(&refresh(token).await, 400, refusal.clone());
    }
    test.app.clock.advance(chrono::Duration::minutes(10));
    is(&refresh(&text(&second, "token")).await, 400, refusal);

    // Theft is found here too.
    let third = refresh(&text(&second, "refresh_token")).await;
    test.app.clock.advance(chrono::Duration::minutes(2));
    let bad = json!({ "non_field_errors": ["Error decoding signature."], "status_code": 400 });
    is(&refresh(&text(&first, "refresh_token")).await, 400, bad.clone());
    is(&refresh(&text(&third, "refresh_token")).await, 400, bad);
}

#[tokio::test]
async fn s3_6_and_s3_7_the_own_account() {
    let test = TestApp::with(|config| {
        config.rest.old_names = vec![OldNames::DjangoAuthService];
        config.roles.insert("editor".to_owned(), model::values::Scopes::parse("notes:write").unwrap());
    })
    .await;
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    set_roles(&test.app, &ada.user, &["editor"]).await;
    let account = ada.caller.get("/auth/user").await;
    assert_eq!(account.status, 200, "{}", account.text);
    let mut names: Vec<&str> = account.body.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    let expected = [
        "date_joined",
        "email",
        "first_name",
        "groups",
        "id",
        "is_active",
        "is_staff",
        "is_superuser",
        "last_login",
        "last_name",
        "phone_number",
        "user_permissions",
    ];
    assert_eq!(names, expected);
    assert_eq!((&account.body["groups"], &account.body["id"]), (&json!(["editor"]), &json!(1)));
    assert_eq!(account.body["user_permissions"], json!(["notes:write"]));

    let anonymous = test.anonymous().get("/auth/user").await;
    let detail = |detail: &str| json!({ "detail": detail, "status_code": 401 });
    is(&anonymous, 401, detail("Authentication credentials were not provided."));
    is(&test.bearer("garbage").get("/auth/user").await, 401, detail("Error decoding signature."));
    is(&test.bearer(&ada.refresh).get("/auth/user").await, 401, detail("Error decoding signature."));
    test.disable(ada.user.id).await;
    is(&ada.caller.get("/auth/user").await, 401, detail("User account is disabled."));
}

#[tokio::test]
async fn s3_13_to_s3_15_the_old_mutations() {
    let test = django_auth_service().await;
    let user = test.create_user("ada@test.com").await;
    let caller = test.anonymous();
    let answer = token_auth(&caller).await;
    let first = answer.data("tokenAuth");
    let claims = claims_of(first["token"].as_str().unwrap());
    assert_eq!(claims["sub"], user.id.to_string());
    let payload = json!({ "email": "ada@test.com", "exp": claims["exp"], "origIat": claims["auth_time"] });
    assert_eq!(first["payload"], payload);
    assert!(first["refreshExpiresIn"].as_i64() > claims["exp"].as_i64());

    let verify = async |token: &Value| {
        let document = "mutation($token: String) { verifyToken(token: $token) { payload } }";
        test.anonymous().send(document, json!({ "token": token })).await
    };
    assert_eq!(verify(&first["token"]).await.data("verifyToken")["payload"], payload);
    for (token, code) in [
        (json!("garbage"), "TOKEN_INVALID"),
        (first["refreshToken"].clone(), "TOKEN_INVALID"),
        (Value::Null, "VALIDATION_FAILED"),
    ] {
        assert_eq!(verify(&token).await.code(), code, "{token}");
    }

    let answer = refresh_token(&caller, first["refreshToken"].as_str().unwrap()).await;
    let second = answer.data("refreshToken");
    assert_ne!(second["refreshToken"], first["refreshToken"]);
    assert_eq!(second["payload"]["origIat"], payload["origIat"]);
    let refused = refresh_token(&caller, second["token"].as_str().unwrap()).await;
    assert_eq!((refused.code(), &refused.error()["extensions"]["field"]), ("VALIDATION_FAILED", &json!("token")));
    assert!(refused.text.contains("must be the refreshToken of the last answer"), "{}", refused.text);

    let wrong = "mutation { tokenAuth(email: \"ada@test.com\", password: \"wrong\") { token } }";
    assert_eq!(caller.send(wrong, json!({})).await.code(), "INVALID_CREDENTIALS");
    let two = "mutation { a: tokenAuth(email: \"a@test.com\", password: \"x\") { token }
        b: tokenAuth(email: \"a@test.com\", password: \"y\") { token } }";
    assert_eq!(caller.send(two, json!({})).await.code(), "LIMIT_EXCEEDED", "they count as credential operations");
}

#[tokio::test]
async fn s3_18_graphql_accepts_the_scheme_jwt() {
    let test = django_auth_service().await;
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    for scheme in ["JWT", "jwt", "Bearer"] {
        let caller = test.anonymous().with_header("authorization", &format!("{scheme} {}", ada.access));
        assert_eq!(caller.me().await.data("me")["email"], "ada@test.com", "{scheme}");
    }
    let refresh = test.anonymous().with_header("authorization", &format!("JWT {}", ada.refresh));
    assert_eq!(refresh.me().await.code(), "TOKEN_INVALID");
}

/// Introspection shows the names where they exist, and no exported schema has them.
#[tokio::test]
async fn the_old_mutations_are_in_the_schema_of_the_service_only() {
    let test = django_auth_service().await;
    let document = "{ __type(name: \"Mutation\") { fields { name } } _service { sdl } }";
    let answer = test.anonymous().send(document, json!({})).await;
    for name in ["tokenAuth", "verifyToken", "refreshToken"] {
        assert!(answer.data("__type").to_string().contains(&format!("\"{name}\"")), "{name}");
        assert!(!answer.data("_service").to_string().contains(&format!("{name}(")), "{name}");
    }
}

/// Returns the cookie of an answer, as a browser sends it.
fn cookie_of(answer: &Answer) -> String {
    let header = answer.headers["set-cookie"].to_str().unwrap();
    assert!(header.contains("; HttpOnly; SameSite=Strict; Secure; Path=/; Max-Age="), "{header}");
    header.split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn s4_1_and_s4_2_signing_in_with_a_cookie() {
    let test = django_rest_microservice().await;
    test.create_user("ada@test.com").await;
    let caller = test.anonymous();
    for field in ["username", "email"] {
        let answer = caller.post("/auth/sign-in/", json!({ field: "ada@test.com", "password": PASSWORD })).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let claims = claims_of(&text(&answer, "access_token"));
        assert_eq!((&answer.body["expires"], &answer.body["user"]["email"]), (&claims["exp"], &json!("ada@test.com")));
        assert!(cookie_of(&answer).contains("agr_") && !answer.text.contains("agr_"));
        assert_eq!(answer.headers["cache-control"], "no-store");
    }
    let wrong = caller.post("/auth/sign-in/", json!({ "username": "ada@test.com", "password": "wrong" })).await;
    is(&wrong, 401, json!({ "detail": "No active account found with the given credentials" }));
    let nobody = caller.post("/auth/sign-in/", json!({ "password": PASSWORD })).await;
    is(&nobody, 400, json!({ "username": ["This field is required."] }));
    let foreign = caller.with_header("origin", "https://evil.example");
    let refused = foreign.post("/auth/sign-in/", json!({ "username": "ada@test.com", "password": PASSWORD })).await;
    assert_eq!((refused.status.as_u16(), &refused.body["code"]), (401, &json!("COOKIE_ORIGIN")), "{}", refused.text);
    assert!(!refused.headers.contains_key("set-cookie"));
}

#[tokio::test]
async fn a_user_name_signs_in_where_user_names_are_accepted() {
    let test = TestApp::with(|config| {
        config.rest.old_names = vec![OldNames::DjangoRestMicroservice];
        config.accounts.usernames = true;
    })
    .await;
    let root = test.signed_in("root@test.com", Rank::Superuser).await;
    let create = "mutation ($input: CreateUserInput!) { createUser(input: $input) { user { id } } }";
    let input = json!({ "email": "ada@test.com", "username": "Ada", "password": PASSWORD });
    root.caller.send(create, json!({ "input": input })).await.data("createUser");
    for (name, status) in [("Ada", 200), ("ada", 401), ("ada@test.com", 401), ("a b", 401)] {
        let body = json!({ "username": name, "password": PASSWORD });
        assert_eq!(test.anonymous().post("/auth/sign-in/", body).await.status, status, "{name}");
    }
}

#[tokio::test]
async fn s4_4_to_s4_7_the_cookie_is_refreshed_and_ended_with_its_csrf_token() {
    let test = django_rest_microservice().await;
    test.create_user("ada@test.com").await;
    let first = test.anonymous().post("/auth/sign-in/", credentials()).await;
    let csrf = text(&first, "CSRF_token");
    let browser = |answer: &Answer| test.anonymous().with_header("cookie", &cookie_of(answer));
    let with_token = json!({ "CSRF_token": csrf });

    let not_valid = json!({ "detail": "Token is invalid or expired", "code": "token_not_valid" });
    is(&test.anonymous().post("/auth/refresh/", with_token.clone()).await, 401, not_valid.clone());
    for body in [json!({}), json!({ "CSRF_token": "wrong" })] {
        for path in ["/auth/refresh/", "/auth/logoff/"] {
            let refused = browser(&first).post(path, body.clone()).await;
            assert_eq!(
                (refused.status.as_u16(), &refused.body["code"]),
                (401, &json!("CSRF_TOKEN")),
                "{}",
                refused.text
            );
            assert!(!refused.headers.contains_key("set-cookie"), "the cookie stays unchanged");
        }
    }

    let second = browser(&first).post("/auth/refresh/", with_token.clone()).await;
    assert_eq!((second.status.as_u16(), &second.body["CSRF_token"]), (200, &json!(csrf)), "{}", second.text);
    assert_ne!(cookie_of(&first), cookie_of(&second));
    // The token in the header, and no body.
    let request = || Request::post("/auth/refresh/").body("".into()).unwrap();
    let third = browser(&second).with_header("x-csrf-token", &csrf).request(request()).await;
    assert_eq!(third.status, 200, "{}", third.text);

    let ended = browser(&third).post("/auth/logoff/", with_token.clone()).await;
    assert_eq!((ended.status.as_u16(), ended.text.as_str()), (200, ""));
    assert!(ended.headers["set-cookie"].to_str().unwrap().contains("Max-Age=0"));
    assert_eq!(test.anonymous().post("/auth/logoff/", json!({})).await.status, 200, "it may be repeated");
    let blacklisted = json!({ "detail": "Token is blacklisted", "code": "token_not_valid" });
    is(&browser(&third).post("/auth/refresh/", with_token).await, 401, blacklisted);
    assert_eq!(test.bearer(&text(&third, "access_token")).me().await.code(), "TOKEN_REVOKED");
}

#[tokio::test]
async fn s4_8_verifying() {
    let test = django_rest_microservice().await;
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    let verify = async |token: &str| test.anonymous().post("/auth/verify/", json!({ "token": token })).await;
    is(&verify(&ada.access).await, 200, json!({}));
    is(&verify("garbage").await, 401, json!({ "detail": "Token is invalid or expired", "code": "token_not_valid" }));
    is(&test.anonymous().get("/auth/verify/").await, 405, json!({ "detail": "Method \"GET\" not allowed." }));
}

/// The same cookie serves GraphQL: there is one session, whatever door it began at.
#[tokio::test]
async fn graphql_and_the_old_paths_share_the_session() {
    let test = django_rest_microservice().await;
    test.create_user("ada@test.com").await;
    let first = test.anonymous().post("/auth/sign-in/", credentials()).await;
    let csrf = text(&first, "CSRF_token");
    let page = test.anonymous().with_header("cookie", &cookie_of(&first)).with_header("x-csrf-token", &csrf);
    let refreshed = page.send(operation!("refresh"), json!({})).await;
    assert!(refreshed.data("refresh")["accessToken"].is_string());
}
