//! The axum layer and its extractors, and the form of errors over HTTP.

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use client_graph::layer::{Authenticated, CurrentUser, OptionalPrincipal, Permission, Permitted, Require};
use client_graph::mirror::Mirror;
use client_graph::testing::TestIssuer;
use client_graph::{AuthGraph, Context, Error, User};
use serde_json::json;

use crate::support::{Answer, TestDatabase, ask, get as request};

fn routes() -> Router {
    Router::new()
        .route("/open", get(|_: Context| async { "open" }))
        .route("/optional", get(|OptionalPrincipal(who): OptionalPrincipal| async move { who.is_some().to_string() }))
        .route("/closed", get(|Authenticated(who): Authenticated| async move { json!(who.subject).to_string() }))
        .route("/user", get(|CurrentUser(user): CurrentUser| async move { json!(user.email).to_string() }))
        .route(
            "/scoped",
            get(|Authenticated(who): Authenticated| async move {
                who.require_scope("notes:read")?;
                Ok::<_, Error>("scoped")
            }),
        )
}

async fn call(auth: &AuthGraph, path: &str, token: Option<&str>) -> Answer {
    let mut builder = request(path);
    if let Some(token) = token {
        builder = builder.header("authorization", format!("Bearer {token}"));
    }
    ask(&routes().layer(auth.layer()), builder.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn extractors_return_the_caller() {
    let (issuer, database) = (TestIssuer::start().await, TestDatabase::create().await);
    let auth = issuer.auth_graph().mirror(Mirror::new(database.connect().await)).build().unwrap();
    let user = issuer.user("ada@example.com");
    let token = issuer.token_for(&user).scope("notes:read").sign();

    assert_eq!(call(&auth, "/open", None).await.status, 200);
    assert_eq!(call(&auth, "/optional", None).await.body, json!(false));
    assert_eq!(call(&auth, "/optional", Some(&token)).await.body, json!(true));
    assert_eq!(call(&auth, "/closed", Some(&token)).await.body, json!(user.id));
    assert_eq!(call(&auth, "/user", Some(&token)).await.body, json!("ada@example.com"));
    assert_eq!(call(&auth, "/scoped", Some(&token)).await.status, 200);
}

#[tokio::test]
async fn rejections_have_the_challenges_of_rfc_6750() {
    let issuer = TestIssuer::start().await;
    let auth = issuer.auth_graph().build().unwrap();
    let token = issuer.token_for(&issuer.user("ada@example.com")).sign();

    let answer = call(&auth, "/closed", None).await;
    assert_eq!((answer.status, answer.header("www-authenticate")), (401, "Bearer"));
    assert_eq!(answer.header("content-type"), "application/problem+json");
    assert_eq!(answer.header("cache-control"), "no-store");
    let expected = json!({
        "type": "about:blank", "title": "Unauthorized", "status": 401, "code": "UNAUTHENTICATED",
        "detail": "Sign in first.",
    });
    assert_eq!(answer.body, expected);

    for path in ["/closed", "/optional"] {
        let answer = call(&auth, path, Some("nonsense")).await;
        assert_eq!(answer.status, 401, "{path}");
        assert_eq!(answer.header("www-authenticate"), r#"Bearer error="invalid_token""#);
        assert_eq!(answer.body["code"], "TOKEN_INVALID");
    }

    let answer = call(&auth, "/scoped", Some(&token)).await;
    assert_eq!(answer.status, 403);
    assert!(answer.header("www-authenticate").starts_with(r#"Bearer error="insufficient_scope", scope=""#));
}

#[tokio::test]
async fn a_bad_token_does_not_fail_a_route_that_needs_no_caller() {
    let issuer = TestIssuer::start().await;
    let auth = issuer.auth_graph().build().unwrap();
    assert_eq!(call(&auth, "/open", Some("nonsense")).await.status, 200);
}

#[tokio::test]
async fn a_token_that_cannot_be_verified_now_is_answered_with_503_and_not_401() {
    let issuer = TestIssuer::start().await;
    let auth = issuer.auth_graph().build().unwrap();
    let token = issuer.token_for(&issuer.user("ada@example.com")).sign();
    issuer.take_down();
    let answer = call(&auth, "/closed", Some(&token)).await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, "1"));
    assert_eq!((&answer.body["code"], &answer.body["retryAfter"]), (&json!("UNAVAILABLE"), &json!(1)));
    assert_eq!(answer.header("www-authenticate"), "");
}

#[tokio::test]
async fn an_extractor_without_its_layer_names_the_fix() {
    for path in ["/open", "/optional", "/closed", "/user"] {
        let answer = ask(&routes(), request(path).body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, 500, "{path}");
        assert!(answer.body["detail"].as_str().unwrap().contains("AuthGraph::layer()"), "{path}");
    }
}

#[tokio::test]
async fn a_layer_guards_many_routes_at_once() {
    let issuer = TestIssuer::start().await;
    let auth = issuer.auth_graph().build().unwrap();
    let ada = issuer.user("ada@example.com");
    let guarded = |require: Require| Router::new().route("/", get(|| async { "in" })).route_layer(require);
    let router = Router::new()
        .nest("/signed-in", guarded(Require::authenticated()))
        .nest("/scoped", guarded(Require::scope("notes:read")))
        .nest("/fresh", guarded(Require::fresh()));
    let ask_as = async |path: &str, token: Option<&str>| {
        let builder = request(path);
        let builder =
            token.iter().fold(builder, |builder, token| builder.header("authorization", format!("Bearer {token}")));
        let request = builder.body(Body::empty()).unwrap();
        ask(&router.clone().layer(auth.layer()), request).await.status
    };
    let plain = issuer.token_for(&ada).scope("notes").sign();
    let scoped = issuer.token_for(&ada).scope("notes:read").sign();
    for (path, with_plain) in [("/signed-in", 200), ("/scoped", 403), ("/fresh", 200)] {
        assert_eq!(ask_as(path, None).await, 401, "{path}");
        assert_eq!(ask_as(path, Some(&plain)).await, with_plain, "{path}");
        assert_eq!(ask_as(path, Some(&scoped)).await, 200, "{path}");
    }
    issuer.take_down();
    assert_eq!(ask_as("/fresh", Some(&scoped)).await, 503);
    assert_eq!(ask(&guarded(Require::authenticated()), request("/").body(Body::empty()).unwrap()).await.status, 500);
}

struct OwnNotes;

impl Permission for OwnNotes {
    fn required() -> Require {
        Require::is_self("user")
    }
}

#[tokio::test]
async fn a_route_about_a_user_can_be_limited_to_that_user() {
    let issuer = TestIssuer::start().await;
    let auth = issuer.auth_graph().build().unwrap();
    let (ada, eve) = (issuer.user("ada@example.com"), issuer.user("eve@example.com"));
    let router = Router::new()
        .route("/layer/{user}/notes", get(|| async { "in" }))
        .route("/layer/notes", get(|| async { "in" }))
        .route_layer(Require::is_self("user"))
        .route("/extractor/{user}/notes", get(|_: Permitted<OwnNotes>| async { "in" }))
        .route("/extractor/notes", get(|_: Permitted<OwnNotes>| async { "in" }));
    let ask_as = async |path: String, token: &str| {
        let request = request(&path).header("authorization", format!("Bearer {token}"));
        ask(&router.clone().layer(auth.layer()), request.body(Body::empty()).unwrap()).await.status
    };
    let token = issuer.token_for(&ada).sign();
    for way in ["layer", "extractor"] {
        assert_eq!(ask_as(format!("/{way}/{}/notes", ada.id), &token).await, 200, "{way}");
        assert_eq!(ask_as(format!("/{way}/{}/notes", eve.id), &token).await, 403, "{way}");
        assert_eq!(ask_as(format!("/{way}/nobody/notes"), &token).await, 403, "{way}");
        assert_eq!(ask_as(format!("/{way}/%FF/notes"), &token).await, 403, "{way}");
        assert_eq!(ask_as(format!("/{way}/{}/notes", ada.id), "nonsense").await, 401, "{way}");
        assert_eq!(ask_as(format!("/{way}/notes"), &token).await, 500, "{way}: the route has no user");
    }
}

struct ReadsNotes;

impl Permission for ReadsNotes {
    fn required() -> Require {
        Require::any_scope(&["notes:read", "notes:write"])
    }
}

struct EditsNotes;

impl Permission for EditsNotes {
    fn required() -> Require {
        Require::all_scopes(&["notes:read", "notes:write"]).and(Require::role("editor")).and(Require::verified_email())
    }
}

#[tokio::test]
async fn an_extractor_admits_the_callers_of_its_permission() {
    let (issuer, database) = (TestIssuer::start().await, TestDatabase::create().await);
    let auth = issuer.auth_graph().mirror(Mirror::new(database.connect().await)).build().unwrap();
    let router = Router::new()
        .route("/read", get(|caller: Permitted<ReadsNotes>| async move { json!(caller.principal.subject).to_string() }))
        .route("/edit", get(|_: Permitted<EditsNotes>| async { "1" }));
    let call = async |path: &str, token: Option<String>| {
        let builder = request(path);
        let builder =
            token.iter().fold(builder, |builder, token| builder.header("authorization", format!("Bearer {token}")));
        ask(&router.clone().layer(auth.layer()), builder.body(Body::empty()).unwrap()).await
    };
    let person = |email: &str, role: &str, email_verified| {
        let user = User { roles: vec![role.to_owned()], email_verified, version: 2, ..issuer.user(email) };
        issuer.change_user(&user);
        user
    };
    let editor = person("ada@example.com", "editor", true);
    let reader = person("eve@example.com", "reader", true);
    let unproven = person("new@example.com", "editor", false);

    let answer = call("/read", Some(issuer.token_for(&reader).scope("notes:read").sign())).await;
    assert_eq!((answer.status, answer.body), (200, json!(reader.id)));
    for (user, scope, read, edit) in [
        (&editor, "notes:read notes:write", 200, 200),
        (&editor, "notes:write", 200, 403),
        (&editor, "other", 403, 403),
        (&reader, "notes:read notes:write", 200, 403),
        (&unproven, "notes:read notes:write", 200, 403),
    ] {
        let token = issuer.token_for(user).scope(scope).sign();
        assert_eq!(call("/read", Some(token.clone())).await.status, read, "{} {scope}", user.email);
        assert_eq!(call("/edit", Some(token)).await.status, edit, "{} {scope}", user.email);
    }
    assert_eq!(call("/read", None).await.status, 401);
    let own = auth.authenticate(&issuer.token_for(&editor).sign().into()).await.unwrap();
    assert!(own.require_self(editor.id).is_ok());
    assert_eq!(own.require_self(reader.id).unwrap_err().code(), client_graph::Code::Forbidden);
}
