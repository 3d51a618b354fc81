//! Tests of the guide docs/guides/add-auth-to-your-service.md: its programs are those of examples/, and behave as it
//! describes.

use std::path::PathBuf;
use std::process::Command;

use client_graph::AuthGraph;
use client_graph::guard::Representation;
use reqwest::header::AUTHORIZATION;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::following::count;
use crate::support::{ask, post, serve};
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

/// Dependencies that the commands of the guide add to a new package.
const DEPENDENCIES: &str = r#"
async-graphql = { version = "7", default-features = false }
auth-graph-graphql-edge = { version = "0.1.0", path = "../auth-graph/libs/graphql-edge" }
axum = "0.8"
client-graph = { version = "0.1.0", path = "../auth-graph/client-graph", features = ["async-graphql", "sea-orm"] }
sea-orm = { version = "2", default-features = false, features = ["runtime-tokio", "sqlx-sqlite"] }
tokio = { version = "1", features = ["macros", "rt-multi-thread", "signal"] }
"#;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn guide() -> (PathBuf, String) {
    let path = root().join("docs/guides/add-auth-to-your-service.md");
    let text = std::fs::read_to_string(&path).unwrap();
    (path, text)
}

/// Works without a network, because this workspace has every package that the guide names.
#[test]
fn the_commands_of_the_guide_create_the_package() {
    let (_, guide) = guide();
    let commands: Vec<&str> =
        guide.lines().filter(|line| line.starts_with("cargo new") || line.starts_with("cargo add")).collect();
    let folder = tempfile::tempdir().unwrap();
    // The place of the reader's clone of this repository.
    std::os::unix::fs::symlink(root().canonicalize().unwrap(), folder.path().join("auth-graph")).unwrap();
    let cargo = PathBuf::from(env!("CARGO"));
    let mut path = vec![cargo.parent().unwrap().to_owned()];
    path.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap()));
    let output = Command::new("sh")
        .args(["-e", "-c", &commands.join("\n")])
        .current_dir(folder.path())
        .envs([("PATH", std::env::join_paths(path).unwrap()), ("CARGO_NET_OFFLINE", "true".into())])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let manifest = std::fs::read_to_string(folder.path().join("badges/Cargo.toml")).unwrap();
    assert_eq!(manifest.split_once("[dependencies]").unwrap().1, DEPENDENCIES);
}

/// Each block of Rust in the guide is preceded by the name of its file. `make schema` updates the blocks.
#[test]
fn the_guide_shows_the_programs_that_are_tested_here() {
    let (path, guide) = guide();
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

/// Parts of a longer file are preceded by its name, too.
#[test]
fn the_guide_quotes_the_client_service() {
    let (_, guide) = guide();
    let mut quoted = 0;
    for block in guide.split("```rs ").skip(1) {
        let (name, rest) = block.split_once('\n').unwrap();
        let (part, _) = rest.split_once("```").unwrap();
        let file = std::fs::read_to_string(root().join(name)).unwrap();
        assert!(file.contains(part), "{name} does not contain:\n{part}");
        quoted += 1;
    }
    assert_eq!(quoted, 4);
}

#[tokio::test]
async fn a_protected_service_greets_signed_in_callers() {
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
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let hello = format!("http://{}/hello", listener.local_addr().unwrap());
    let (stop, stopped) = watch::channel(false);
    let (service, stopping) = (auth.clone(), stopped.clone());
    let serving = tokio::spawn(async move {
        let stop = || {
            let mut stopping = stopping.clone();
            async move { drop(stopping.wait_for(|stop| *stop).await) }
        };
        mirrored::serve(&service, listener, stop).await.map_err(|error| error.to_string())
    });
    let mut seen = 0;
    while auth.mirror().unwrap().user(eve.id).await.unwrap().is_none() {
        seen = auth.feed_moved(seen).await;
    }
    let answer = world.http.get(&hello).bearer_auth(token.expose_secret()).send().await.unwrap();
    assert_eq!(answer.text().await.unwrap(), "Hello, ada@example.com\n");
    stop.send(true).unwrap();
    serving.await.unwrap().unwrap();
    let db = sea_orm::Database::connect(&database).await.unwrap();
    let held = "SELECT COUNT(*) AS count FROM mirror_feed WHERE julianday(held_until) > julianday('now')";
    assert_eq!(count(&db, held).await, 0, "the next process can continue at once");

    let bearer = format!("Bearer {}", token.expose_secret());
    let routes = federated::routes(&auth).unwrap();
    let badge = "query($users: [_Any!]!) { _entities(representations: $users) { ... on User { badge } } }";
    let users = json!([{ "__typename": "User", "id": eve.id }]);
    let mut request = post("/graphql", &json!({ "query": badge, "variables": { "users": users } }));
    let refused: Value = ask(&routes, request).await.body;
    assert_eq!(refused["errors"][0]["extensions"]["code"], "UNAUTHENTICATED", "{refused}");
    request = post("/graphql", &json!({ "query": badge, "variables": { "users": users } }));
    request.headers_mut().insert(AUTHORIZATION, bearer.parse().unwrap());
    assert_eq!(ask(&routes, request).await.body["data"]["_entities"][0]["badge"], "Ada");
    let many: Value = std::iter::repeat_n(&users[0], Representation::MOST + 1).cloned().collect();
    let refused = post("/graphql", &json!({ "query": badge, "variables": { "users": many } }));
    assert_eq!(ask(&routes, refused).await.body["errors"][0]["extensions"]["code"], "VALIDATION_FAILED");
    let sdl = ask(&routes, post("/graphql", &json!({ "query": "{ _service { sdl } }" }))).await.body;
    let sdl = sdl["data"]["_service"]["sdl"].as_str().unwrap();
    assert!(sdl.contains("type User @key(fields: \"id\")") && sdl.contains("badge: String @authenticated"), "{sdl}");
}
