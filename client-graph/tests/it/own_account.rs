//! The caller's own account through a service, while auth-graph itself is out of the caller's reach.

use std::sync::{Arc, Mutex};

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{TypeKind, TypeSystemDefinition};
use axum::Router;
use axum::http::HeaderMap;
use axum::response::IntoResponse;
use axum::routing::post as on_post;
use client_graph::AuthGraph;
use client_graph::proxy::Proxy;
use serde_json::{Value, json};

use crate::support::{ask, post, serve};
use crate::world::{Feed, PASSWORD, World};

const SUBGRAPH: &str = include_str!("../../../schema/auth.subgraph.full.graphql");

macro_rules! operation {
    ($name:literal) => {
        include_str!(concat!("../../../schema/operations/", $name, ".graphql"))
    };
}

/// The rule of a root field: without a token, with any token, or with a scope.
#[derive(Debug, PartialEq)]
enum Rule {
    Open,
    SignedIn,
    Scope,
}

fn root_fields() -> Vec<(String, String, Rule)> {
    let mut found = Vec::new();
    for definition in parse_schema(SUBGRAPH).unwrap().definitions {
        let TypeSystemDefinition::Type(definition) = definition else { continue };
        let kind = definition.node.name.node.to_lowercase();
        let TypeKind::Object(object) = definition.node.kind else { continue };
        if !["query", "mutation", "subscription"].contains(&kind.as_str()) {
            continue;
        }
        for field in object.fields {
            let has = |name: &str| field.node.directives.iter().any(|directive| directive.node.name.node == name);
            let rule = match () {
                () if has("requiresScopes") => Rule::Scope,
                () if has("authenticated") => Rule::SignedIn,
                () => Rule::Open,
            };
            found.push((kind.clone(), field.node.name.node.to_string(), rule));
        }
    }
    found
}

/// A field of the own account that is added to auth-graph must be forwarded here, and nothing else may be.
#[tokio::test]
async fn every_root_field_of_auth_graph_is_forwarded_or_refused_by_its_access_rule() {
    let seen = Arc::new(Mutex::new(None));
    let remembered = Arc::clone(&seen);
    let upstream = on_post(move |headers: HeaderMap| async move {
        *remembered.lock().unwrap() = Some(headers.contains_key("authorization"));
        ([("content-type", "application/json")], "{}").into_response()
    });
    let url = serve(Router::new().route("/graphql", upstream)).await;
    let router: Router = Proxy::new(AuthGraph::builder(url).audience("graph").build().unwrap()).router();
    let fields = root_fields();
    assert!(fields.len() > 50, "{fields:?}");
    for (kind, field, rule) in fields {
        seen.lock().unwrap().take();
        let mut request = post("/auth/graphql", &json!({ "query": format!("{kind} {{ {field} }}") }));
        request.headers_mut().insert("authorization", "Bearer token".parse().unwrap());
        let status = ask(&router, request).await.status;
        let forwarded = match (field.as_str(), rule) {
            // Accounts of others, and a snapshot for services.
            ("user" | "userSnapshot", _) | (_, Rule::Scope) => None,
            ("me" | "verifyEmail", _) | (_, Rule::SignedIn) => Some(true),
            (_, Rule::Open) => Some(false),
        };
        assert_eq!(*seen.lock().unwrap(), forwarded, "{kind} {field}");
        assert_eq!(status == 403, forwarded.is_none(), "{kind} {field}");
    }
}

/// Sends an operation to the service, and returns its data.
async fn data(world: &World, token: Option<&str>, query: &str, variables: Value) -> Value {
    let answer = world.post("/auth/graphql", token, json!({ "query": query, "variables": variables })).await;
    let mut answer: Value = answer.json().await.unwrap();
    assert_eq!(answer["errors"], Value::Null, "{answer}");
    answer["data"].take()
}

#[tokio::test]
async fn a_person_manages_their_account_through_the_service() {
    let world = World::start("ES256").await;
    let (access, _) = world.sign_in("ada@example.com").await;
    let (_, other) = world.sign_in("ada@example.com").await;
    let token = Some(access.as_str());
    assert_eq!(data(&world, token, operation!("profile"), json!({})).await["me"]["email"], "ada@example.com");
    let renamed =
        data(&world, token, operation!("update_profile"), json!({ "input": { "firstName": "Augusta" } })).await;
    assert_eq!(renamed["updateProfile"]["user"]["firstName"], "Augusta");
    let metadata = json!({ "metadata": { "theme": "dark" } });
    assert!(data(&world, token, operation!("set_metadata"), metadata).await["setMetadata"].is_object());
    let sessions = data(&world, token, operation!("my_login_sessions"), json!({})).await["myLoginSessions"].take();
    let second = sessions.as_array().unwrap().iter().find(|session| session["current"] == false).unwrap();
    data(&world, token, operation!("revoke_session"), json!({ "id": second["id"] })).await;
    let refused = world.post("/auth/token/refresh/", None, json!({ "refresh": other })).await;
    assert_eq!(refused.status(), 401);
    assert_eq!(data(&world, None, operation!("profile"), json!({})).await["me"], Value::Null);

    let input = json!({ "input": { "currentPassword": PASSWORD, "newPassword": "another long password" } });
    data(&world, token, operation!("change_password"), input).await;
    assert_eq!(world.test_view(&access).await, 401, "the session has ended here at once");
    let credentials = json!({ "email": "ada@example.com", "password": "another long password" });
    let pair: Value = world.post("/auth/token/", None, credentials).await.json().await.unwrap();
    let token = pair["access"].as_str();
    data(&world, token, operation!("delete_account"), json!({})).await;
    assert_eq!(world.test_view(token.unwrap()).await, 401);
}

#[tokio::test]
async fn administrators_administer_elsewhere() {
    let world = World::start("ES256").await;
    let (staff, _) = world.sign_in("staff@example.com").await;
    let answer = world.post("/auth/graphql", Some(&staff), json!({ "query": "{ users { totalCount } }" })).await;
    assert_eq!(answer.status(), 403);
    let answer: Value = answer.json().await.unwrap();
    assert_eq!(answer["errors"][0]["extensions"]["code"], "FORBIDDEN");
}

#[tokio::test]
async fn a_password_is_changed_with_the_access_token_or_with_the_address() {
    let world = World::start_with(Feed::Ignored, &[("rest.enabled", "true")]).await;
    let change = async |token: Option<&str>, body: Value| {
        let answer = world.post("/auth/password-change/", token, body).await;
        (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
    };
    let (access, _) = world.sign_in("ada@example.com").await;
    let token = Some(access.as_str());
    let (status, body) = change(token, json!({ "password": "wrong", "new_password": "another long password" })).await;
    assert_eq!((status, &body["password"]), (400, &json!(["Invalid password."])));
    let (status, body) = change(token, json!({ "password": PASSWORD, "new_password": "12345678" })).await;
    assert_eq!(status, 400);
    assert!(body["new_password"][0].is_string(), "{body}");
    let (status, body) = change(token, json!({})).await;
    assert_eq!((status, &body["new_password"]), (400, &json!(["This field is required."])));
    let changed = change(token, json!({ "password": PASSWORD, "new_password": "another long password" })).await;
    assert_eq!(changed, (200, json!({})));
    assert_eq!(world.test_view(&access).await, 401, "the session has ended here at once");
    let (status, _) = change(token, json!({ "password": PASSWORD, "new_password": "a third long password" })).await;
    assert_eq!(status, 401);

    let by_address =
        |password: &str, new: &str| json!({ "email": "ada@example.com", "password": password, "new_password": new });
    let (status, body) = change(None, by_address("wrong", "a third long password")).await;
    assert_eq!((status, &body["non_field_errors"]), (400, &json!(["Invalid credentials."])));
    let changed = change(None, by_address("another long password", "a third long password")).await;
    assert_eq!(changed, (200, json!({})));
    let (status, body) = change(None, json!({ "new_password": "" })).await;
    assert_eq!(
        (status, &body["email"], &body["password"], &body["new_password"]),
        (
            400,
            &json!(["This field is required."]),
            &json!(["This field is required."]),
            &json!(["This field may not be blank."])
        )
    );
}

/// The claim `user_id` says whether clients know users by their number.
#[tokio::test]
async fn accounts_have_the_kind_of_identifier_that_tokens_have() {
    let numbers = [("rest.enabled", "true"), ("claims.django", "true"), ("claims.user_id", "number")];
    for settings in [&numbers[..], &numbers[..1]] {
        let world = World::start_with(Feed::Ignored, settings).await;
        let read = async |token: &str, id: &str| {
            let request = world.http.get(format!("{}/auth/users/{id}/", world.client_url)).bearer_auth(token);
            let answer = request.send().await.unwrap();
            (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
        };
        let (ada, _) = world.sign_in("ada@example.com").await;
        let (staff, _) = world.sign_in("staff@example.com").await;
        let uuid = data(&world, Some(&ada), operation!("profile"), json!({})).await["me"]["id"].take();
        let uuid = uuid.as_str().unwrap();
        let at_auth_graph = world.http.get(format!("{}/auth/user/", world.auth_url)).bearer_auth(&ada).send().await;
        let number = at_auth_graph.unwrap().json::<Value>().await.unwrap()["id"].to_string();
        let by_number = settings.len() == 3;
        let expected = if by_number { json!(number.parse::<i64>().unwrap()) } else { json!(uuid) };
        for token in [&ada, &staff] {
            let (status, body) = read(token, uuid).await;
            assert_eq!((status, &body["id"], &body["email"]), (200, &expected, &json!("ada@example.com")));
            assert_eq!(body.as_object().unwrap().len(), 9);
        }
        let (status, body) = read(&staff, &number).await;
        assert_eq!((status, &body["email"]), (200, &json!("ada@example.com")));
        assert_eq!(read(&ada, &number).await.0, if by_number { 200 } else { 404 });
        for id in ["999", "00000000-0000-0000-0000-000000000000", "x"] {
            assert_eq!((read(&ada, id).await.0, read(&staff, id).await.0), (404, 404), "{id}");
        }
    }
}

#[tokio::test]
async fn the_pages_behind_links_in_mails_are_served_here_too() {
    let world = World::start_with(Feed::Ignored, &[]).await;
    let read = async |url: String| {
        let answer = world.http.get(url).send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        (status, headers, answer.text().await.unwrap())
    };
    for path in ["verify-email", "reset-password", "register", "account/page.css", "account/page.js"] {
        let (status, headers, text) = read(format!("{}/auth/{path}?token=x", world.client_url)).await;
        let (_, original, expected) = read(format!("{}/{path}", world.auth_url)).await;
        assert_eq!((status, text), (200, expected), "{path}");
        for name in ["content-type", "content-security-policy", "referrer-policy", "x-content-type-options"] {
            assert_eq!(headers[name], original[name], "{path} {name}");
        }
    }
    for path in ["account/", "account/page.html", "metrics", "..%2fmetrics"] {
        assert_eq!(read(format!("{}/auth/{path}", world.client_url)).await.0, 404, "{path}");
    }
}
