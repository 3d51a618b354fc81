//! The guide docs/guides/add-auth-to-your-service.md: its programs are those of examples/, and do what it says.

use std::path::PathBuf;

use axum::body::Body;
use client_graph::AuthGraph;
use reqwest::header::AUTHORIZATION;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::support::{ask, get, post, serve};
use crate::world::{Feed, World};

#[path = "../../examples/federated.rs"]
#[expect(dead_code, reason = "the example runs by itself as well")]
mod federated;
#[path = "../../examples/mirrored.rs"]
#[expect(dead_code, reason = "the example runs by itself as well")]
mod mirrored;
#[path = "../../examples/protected.rs"]
#[expect(dead_code, reason = "the example runs by itself as well")]
mod protected;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Each block of Rust in the guide, which names the file that it shows. `make schema` puts the files in anew.
#[test]
fn the_guide_shows_the_programs_that_are_tested_here() {
    let path = root().join("docs/guides/add-auth-to-your-service.md");
    let guide = std::fs::read_to_string(&path).unwrap();
    let mut blocks = guide.split("```rust ");
    let mut written = blocks.next().unwrap().to_owned();
    let mut last = String::new();
    for block in blocks {
        let (_, after) = block.split_once("\n```").unwrap();
        let name = block.lines().next().unwrap();
        last = std::fs::read_to_string(root().join(name)).unwrap();
        written += &format!("```rust {name}\n{last}```{after}");
    }
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(&path, &written).unwrap();
    } else {
        assert!(guide == written, "the guide is out of date: run `make schema` and look at what changed");
    }
    let code = |line: &&str| !line.trim().is_empty() && !line.trim().starts_with("//");
    let lines = last.lines().filter(code).count();
    assert!(lines < 60, "{lines} lines");
}

#[tokio::test]
async fn a_protected_service_says_hello_to_whoever_is_signed_in() {
    let world = World::start_with(Feed::Ignored, &[]).await;
    let pair = world.sign_in_elsewhere("ada@example.com").await;
    let auth = AuthGraph::builder(&world.auth_url).audience("graph").build().unwrap();
    let url = serve(protected::routes(&auth)).await;
    let hello = format!("{url}/hello");
    let refused = world.http.get(&hello).send().await.unwrap();
    assert_eq!((refused.status().as_u16(), &refused.headers()["www-authenticate"]), (401, &"Bearer".parse().unwrap()));
    let answer = world.http.get(&hello).bearer_auth(pair.access_token.expose_secret()).send().await.unwrap();
    assert_eq!(answer.text().await.unwrap(), format!("Hello, {}\n", pair.user.id));
}

#[tokio::test]
async fn a_mirrored_service_has_every_user_and_federates_them() {
    let world = World::start_with(Feed::Ignored, &[]).await;
    let eve = world.sign_in_elsewhere("eve@example.com").await.user;
    let token = world.sign_in_elsewhere("ada@example.com").await.access_token;
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite://{}?mode=rwc", folder.path().join("badges.db").display());
    let auth = mirrored::auth_graph(&world.auth_url, &database, world.reader()).await.unwrap();
    let mut seen = 0;
    while auth.mirror().unwrap().user(eve.id).await.unwrap().is_none() {
        seen = auth.feed_moved(seen).await;
    }
    let bearer = format!("Bearer {}", token.expose_secret());
    let hello = get("/hello").header(AUTHORIZATION, &bearer).body(Body::empty()).unwrap();
    let answer = axum::body::to_bytes(
        tower::ServiceExt::oneshot(mirrored::routes(&auth), hello).await.unwrap().into_body(),
        1024,
    );
    assert_eq!(answer.await.unwrap(), "Hello, ada@example.com\n");

    let routes = federated::routes(&auth).unwrap();
    let badge = "query($users: [_Any!]!) { _entities(representations: $users) { ... on User { badge } } }";
    let users = json!([{ "__typename": "User", "id": eve.id }]);
    let mut request = post("/graphql", &json!({ "query": badge, "variables": { "users": users } }));
    let refused: Value = ask(&routes, request).await.body;
    assert_eq!(refused["errors"][0]["extensions"]["code"], "UNAUTHENTICATED", "{refused}");
    request = post("/graphql", &json!({ "query": badge, "variables": { "users": users } }));
    request.headers_mut().insert(AUTHORIZATION, bearer.parse().unwrap());
    assert_eq!(ask(&routes, request).await.body["data"]["_entities"][0]["badge"], "Ada");
    let sdl = ask(&routes, post("/graphql", &json!({ "query": "{ _service { sdl } }" }))).await.body;
    let sdl = sdl["data"]["_service"]["sdl"].as_str().unwrap();
    assert!(sdl.contains("type User @key(fields: \"id\")") && sdl.contains("badge: String @authenticated"), "{sdl}");
}
