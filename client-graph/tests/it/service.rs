//! The client service: its schema, its routes, its start and its stop.

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use client_graph::service::{App, Config, Sources, router, serve};
use client_graph::testing::{PASSWORD, TestIssuer};
use client_graph::{Clock, User};
use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use crate::support::{Answer, TestDatabase, ask, get, post};

const WHOAMI: &str = include_str!("../../operations/whoami.graphql");
const NOTES: &str = include_str!("../../operations/notes.graphql");
const ADD_NOTE: &str = include_str!("../../operations/add_note.graphql");

pub struct Service {
    pub issuer: TestIssuer,
    app: App,
    pub router: Router,
    _database: TestDatabase,
}

impl Service {
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    pub async fn start_with(settings: &[(&str, &str)]) -> Self {
        let (issuer, database) = (TestIssuer::start().await, TestDatabase::create().await);
        let mut flags = database.settings();
        flags.push(("auth.url".to_owned(), issuer.url().to_owned()));
        flags.extend(settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
        let config = Config::load(&Sources { flags, ..Sources::default() }).unwrap();
        let app = App::boot(config, issuer.clock().clone()).await.unwrap();
        let router = router(&app);
        Self { issuer, app, router, _database: database }
    }

    pub fn user(&self, email: &str) -> (User, String) {
        let user = self.issuer.user(email);
        let token = self.issuer.token_for(&user).scope("notes:read").sign();
        (user, token)
    }

    pub async fn graphql(&self, token: Option<&str>, query: &str, variables: Value) -> Value {
        let mut request = post("/graphql", &json!({ "query": query, "variables": variables }));
        if let Some(token) = token {
            request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
        }
        ask(&self.router, request).await.body
    }

    pub async fn add_note(&self, token: &str, text: &str) -> Value {
        self.graphql(Some(token), ADD_NOTE, json!({ "input": { "text": text } })).await
    }

    async fn get(&self, path: &str, token: Option<&str>) -> Answer {
        let mut request = get(path);
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        ask(&self.router, request.body(Body::empty()).unwrap()).await
    }
}

pub fn code(answer: &Value) -> &str {
    answer["errors"][0]["extensions"]["code"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn whoami_is_the_principal_with_the_mirrored_user() {
    let service = Service::start().await;
    let (ada, token) = service.user("ada@example.com");

    let answer = service.graphql(Some(&token), WHOAMI, json!({})).await;

    let whoami = &answer["data"]["whoami"];
    assert_eq!(whoami["subject"], json!(ada.id));
    assert!(whoami["sessionId"].is_string());
    assert_eq!(whoami["scope"], json!(["notes:read"]));
    assert_eq!((&whoami["user"]["id"], &whoami["user"]["email"]), (&json!(ada.id), &json!("ada@example.com")));
}

#[tokio::test]
async fn whoami_is_null_without_a_token_and_an_error_for_a_bad_token() {
    let service = Service::start().await;
    assert_eq!(service.graphql(None, WHOAMI, json!({})).await, json!({ "data": { "whoami": null } }));
    assert_eq!(code(&service.graphql(Some("nonsense"), WHOAMI, json!({})).await), "TOKEN_INVALID");
}

#[tokio::test]
async fn a_service_has_no_mirrored_user() {
    let service = Service::start().await;
    let robot = service.issuer.user("robot@example.com");
    let token = service.issuer.token_for(&robot).claim("client_id", json!(robot.id)).sign();
    let answer = service.graphql(Some(&token), WHOAMI, json!({})).await;
    assert_eq!(answer["data"]["whoami"]["user"], Value::Null);
    assert_eq!(answer.get("errors"), None);
    assert_eq!(code(&service.add_note(&token, "hello").await), "FORBIDDEN");
}

#[tokio::test]
async fn claims_that_a_gateway_could_forward_are_ignored() {
    let service = Service::start().await;
    let ((ada, token), (eve, other)) = (service.user("ada@example.com"), service.user("eve@example.com"));
    let claims = json!({ "sub": eve.id, "user_id": eve.id, "scope": "users:read" });
    let jwt = json!({ "payload": claims, "token": { "value": other, "prefix": "Bearer" } });
    let body = json!({ "query": WHOAMI, "extensions": { "jwt": jwt, "claims": claims, "currentUser": claims } });
    for (authorization, subject) in [(None, Value::Null), (Some(format!("Bearer {token}")), json!(ada.id))] {
        let mut request = post("/graphql", &body);
        let headers = request.headers_mut();
        headers.insert("x-user-id", eve.id.to_string().parse().unwrap());
        headers.insert("x-jwt-payload", claims.to_string().parse().unwrap());
        headers.insert("x-forwarded-authorization", format!("Bearer {other}").parse().unwrap());
        if let Some(authorization) = authorization {
            headers.insert("authorization", authorization.parse().unwrap());
        }
        let answer = ask(&service.router, request).await.body;
        assert_eq!(answer["data"]["whoami"]["subject"], subject);
    }
}

#[tokio::test]
async fn a_note_belongs_to_its_author() {
    let service = Service::start().await;
    let (ada, token) = service.user("ada@example.com");

    let added = service.add_note(&token, "  remember  ").await;

    let note = &added["data"]["addNote"]["note"];
    assert_eq!((&note["text"], &note["author"]["id"]), (&json!("remember"), &json!(ada.id)));
    let listed = service.graphql(Some(&token), NOTES, json!({})).await;
    assert_eq!(listed["data"]["notes"]["edges"][0]["node"], *note);
}

#[tokio::test]
async fn forty_parallel_first_notes_of_a_new_user_are_all_added() {
    let service = Service::start().await;
    let (_, token) = service.user("ada@example.com");
    let (service, token) = (&service, &token);
    let answers =
        join_all((0..40).map(|number| async move { service.add_note(token, &number.to_string()).await })).await;
    assert!(answers.iter().all(|answer| answer.get("errors").is_none()), "{answers:?}");
    assert_eq!(service.issuer.calls("Me"), 1);
}

#[tokio::test]
async fn notes_need_a_signed_in_caller_everywhere() {
    let service = Service::start().await;
    let (ada, _) = service.user("ada@example.com");
    assert_eq!(code(&service.graphql(None, NOTES, json!({})).await), "UNAUTHENTICATED");
    let answer = service.graphql(None, ADD_NOTE, json!({ "input": { "text": "x" } })).await;
    assert_eq!(code(&answer), "UNAUTHENTICATED");
    let entities =
        "query($of: [_Any!]!) { _entities(representations: $of) { ... on User { notes { nodes { id } } } } }";
    let of = json!({ "of": [{ "__typename": "User", "id": ada.id }] });
    assert_eq!(code(&service.graphql(None, entities, of).await), "UNAUTHENTICATED");
}

#[tokio::test]
async fn the_text_of_a_note_has_1_to_2000_characters() {
    let service = Service::start().await;
    let (_, token) = service.user("ada@example.com");
    for text in ["", "  \n ", &"x".repeat(2001)] {
        assert_eq!(code(&service.add_note(&token, text).await), "VALIDATION_FAILED");
    }
    assert_eq!(service.add_note(&token, &"é".repeat(2000)).await.get("errors"), None);
}

#[tokio::test]
async fn pages_go_from_the_newest_to_the_oldest() {
    let service = Service::start().await;
    let (_, token) = service.user("ada@example.com");
    for number in 0..5 {
        service.issuer.clock().advance(std::time::Duration::from_millis(5));
        service.add_note(&token, &number.to_string()).await;
    }
    let mut seen = Vec::new();
    let mut after = Value::Null;
    loop {
        let answer = service.graphql(Some(&token), NOTES, json!({ "first": 2, "after": after })).await;
        let page = &answer["data"]["notes"];
        let edges = page["edges"].as_array().unwrap();
        seen.extend(edges.iter().map(|edge| edge["node"]["text"].as_str().unwrap().to_owned()));
        after = page["pageInfo"]["endCursor"].clone();
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
    }
    assert_eq!(seen, ["4", "3", "2", "1", "0"]);
}

#[tokio::test]
async fn a_forged_cursor_or_size_is_rejected() {
    let service = Service::start().await;
    let (ada, token) = service.user("ada@example.com");
    service.add_note(&token, "x").await;
    let answer = service.graphql(Some(&token), NOTES, json!({})).await;
    let good = answer["data"]["notes"]["edges"][0]["cursor"].as_str().unwrap();
    let mut changed = good.to_owned();
    changed.replace_range(0..1, if good.starts_with('A') { "B" } else { "A" });
    for cursor in ["", "x", &changed, &good[1..], &format!("{good}A"), &ada.id.to_string()] {
        let answer = service.graphql(Some(&token), NOTES, json!({ "after": cursor })).await;
        assert_eq!(code(&answer), "VALIDATION_FAILED", "{cursor}");
    }
    for first in [0, -1, 101] {
        let answer = service.graphql(Some(&token), NOTES, json!({ "first": first })).await;
        assert_eq!(code(&answer), "VALIDATION_FAILED", "{first}");
    }
    let query = "query($of: [_Any!]!, $after: String) \
        { _entities(representations: $of) { ... on User { notes(after: $after) { nodes { id } } } } }";
    let variables = json!({ "of": [{ "__typename": "User", "id": ada.id }], "after": good });
    let answer = service.graphql(Some(&token), query, variables).await;
    assert_eq!(code(&answer), "VALIDATION_FAILED", "a cursor of another list");
}

#[tokio::test]
async fn the_protected_view_is_for_signed_in_callers() {
    let service = Service::start().await;
    let (_, token) = service.user("ada@example.com");
    let answer = service.get("/api/test/", Some(&token)).await;
    assert_eq!((answer.status, answer.body), (200, json!("success")));
    let answer = service.get("/api/test/", None).await;
    assert_eq!((answer.status, answer.header("www-authenticate")), (401, "Bearer"));
    assert_eq!(answer.body["detail"], "Authentication credentials were not provided.");
    let answer = service.get("/api/test/", Some("nonsense")).await;
    assert_eq!((answer.status, answer.header("www-authenticate")), (401, r#"Bearer error="invalid_token""#));
}

#[tokio::test]
async fn operators_see_health_readiness_and_metrics() {
    let service = Service::start().await;
    let (_, token) = service.user("ada@example.com");
    service.add_note(&token, "x").await;
    service.issuer.take_down();
    assert_eq!(service.get("/healthz", None).await.status, 200);
    let ready = service.get("/readyz", None).await;
    let feed = json!({ "state": "not followed", "ageSeconds": null, "lagSeconds": null, "mirrorAgeSeconds": null });
    let parts = json!({ "database": "ok", "migrations": "ok", "feed": feed });
    assert_eq!((ready.status, ready.body), (200, parts));

    let request = get("/metrics").body(Body::empty()).unwrap();
    let response = tower::ServiceExt::oneshot(service.router.clone(), request).await.unwrap();
    let bytes = http_body_util::BodyExt::collect(response.into_body()).await.unwrap().to_bytes();
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    for line in [
        "client_graph_notes_added_total 1",
        r#"client_graph_callers_total{kind="authenticated"} 1"#,
        r#"client_graph_http_requests_total{status="2xx"} 3"#,
        "client_graph_http_request_duration_seconds_bucket",
        "client_graph_key_age_seconds ",
        "client_graph_mirror_age_seconds NaN",
    ] {
        assert!(text.contains(line), "{line} is not in:\n{text}");
    }
}

#[tokio::test]
async fn every_response_has_an_identifier_and_security_headers() {
    let service = Service::start().await;
    let request = get("/nothing").header("x-request-id", "mine-1").body(Body::empty()).unwrap();
    let answer = ask(&service.router, request).await;
    assert_eq!((answer.status, answer.header("x-request-id").len()), (404, 32), "only a proxy chooses it");
    assert_eq!(answer.body["errors"][0]["extensions"]["code"], "NOT_FOUND");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert_eq!((answer.header("x-frame-options"), answer.header("referrer-policy")), ("DENY", "no-referrer"));
}

#[tokio::test]
async fn an_unsupported_method_of_a_path_has_a_code() {
    let service = Service::start().await;
    let answer = ask(&service.router, post("/api/test/", &json!({}))).await;
    assert_eq!((answer.status, answer.header("allow")), (405, "GET,HEAD"));
    assert_eq!(answer.body["errors"][0]["extensions"]["code"], "METHOD_NOT_ALLOWED");
}

#[tokio::test]
async fn the_playground_is_served_except_in_production() {
    let service = Service::start().await;
    let answer = service.get("/", None).await;
    assert_eq!(answer.status, 200);
    assert!(answer.header("content-type").starts_with("text/html"));
    let service = Service::start_with(&[("profile", "production")]).await;
    assert_eq!(service.get("/", None).await.status, 404);
    let answer = service.graphql(None, "{ __schema { types { name } } }", json!({})).await;
    assert!(answer["data"]["__schema"].is_null(), "{answer}");
}

#[tokio::test]
async fn sign_in_works_on_the_same_origin() {
    let service = Service::start().await;
    service.issuer.user("ada@example.com");
    let request = post("/auth/token/", &json!({ "email": "ada@example.com", "password": PASSWORD }));
    let pair = ask(&service.router, request).await.body;
    let answer = service.graphql(pair["access"].as_str(), WHOAMI, json!({})).await;
    assert_eq!(answer["data"]["whoami"]["user"]["email"], "ada@example.com");
    assert_eq!(service.issuer.calls("Me"), 0, "the mirror has the user from the sign-in");
}

#[tokio::test]
async fn graphql_is_json_by_post() {
    let service = Service::start().await;
    let form = Request::post("/graphql").header("content-type", "application/x-www-form-urlencoded");
    let form = form.body(Body::from("query=mutation{addNote(input:{text:\"x\"}){note{id}}}")).unwrap();
    assert_eq!(ask(&service.router, form).await.status, 415);
    assert_eq!(service.get("/graphql?query={whoami{subject}}", None).await.status, 405);
}

#[tokio::test]
async fn running_requests_are_finished_before_it_stops() {
    let service = Service::start().await;
    let (_, token) = service.user("ada@example.com");
    // No other test listens on this address, so that the port stays free after the stop.
    let listener = TcpListener::bind("127.0.0.3:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let stopped = async move { stopped.await.unwrap_or_default() };
    let serving = tokio::spawn(serve(service.app.clone(), listener, stopped));

    let body = r#"{"query": "{ whoami { subject } }"}"#;
    let head = format!(
        "POST /graphql HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {}\r\nexpect: 100-continue\r\n\r\n",
        body.len(),
    );
    let mut connection = TcpStream::connect(address).await.unwrap();
    connection.write_all(head.as_bytes()).await.unwrap();
    let mut go_on = [0; 25];
    connection.read_exact(&mut go_on).await.unwrap();
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n", "the handler reads the body, so it runs");

    stop.send(()).unwrap();
    while TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    connection.write_all(body.as_bytes()).await.unwrap();

    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("subject"), "{answer}");
    serving.await.unwrap();
}

#[tokio::test]
async fn with_a_service_client_the_service_follows_the_feed_until_it_stops() {
    let (issuer, database) = (TestIssuer::start().await, TestDatabase::create().await);
    let (id, secret) = issuer.service_client();
    let mut flags = database.settings();
    let secret = secrecy::ExposeSecret::expose_secret(&secret).to_owned();
    for (key, value) in [("auth.url", issuer.url().to_owned()), ("auth.client_id", id), ("auth.client_secret", secret)]
    {
        flags.push((key.to_owned(), value));
    }
    let config = Config::load(&Sources { flags, ..Sources::default() }).unwrap();
    let app = App::boot(config, issuer.clock().clone()).await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(serve(app.clone(), listener, async move { stopped.await.unwrap_or_default() }));

    let ada = issuer.user("ada@example.com");
    let token = issuer.token_for(&ada);
    let (session, token) = (token.session_id(), token.sign());
    let mut seen = 0;
    while app.auth.mirror().unwrap().user(ada.id).await.unwrap().is_none() || app.auth.feed_age().is_none() {
        seen = app.auth.feed_moved(seen).await;
    }
    issuer.revoke(session);
    while app.auth.authenticate(&token.clone().into()).await.is_ok() {
        seen = app.auth.feed_moved(seen).await;
    }

    stop.send(()).unwrap();
    serving.await.unwrap();
}

#[tokio::test]
async fn the_service_starts_while_auth_graph_is_down() {
    let issuer = TestIssuer::start().await;
    issuer.take_down();
    let database = TestDatabase::create().await;
    let mut flags = database.settings();
    flags.push(("auth.url".to_owned(), issuer.url().to_owned()));
    let config = Config::load(&Sources { flags, ..Sources::default() }).unwrap();
    let app = App::boot(config, Clock::default()).await.unwrap();
    let answer = ask(&router(&app), get("/readyz").body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status, 200);
}
