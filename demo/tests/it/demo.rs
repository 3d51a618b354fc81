//! Starting the demo, signing in, stopping it, and starting it again.

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::running::Demo;

async fn post(url: String, body: Value) -> Value {
    let answer = reqwest::Client::new().post(url).json(&body).send().await.unwrap();
    answer.json().await.unwrap()
}

async fn sign_in(demo: &Demo, email: &str, password: &str) -> String {
    let answer =
        post(format!("{}/auth/token/", demo.client_url), json!({ "email": email, "password": password })).await;
    assert!(answer["access"].is_string(), "{answer}");
    answer["access"].as_str().unwrap().to_owned()
}

/// Sends a query to the service at this address.
async fn ask(url: &str, token: &str, query: &str) -> Value {
    let request = reqwest::Client::new().post(format!("{url}/graphql")).bearer_auth(token);
    request.json(&json!({ "query": query })).send().await.unwrap().json().await.unwrap()
}

#[tokio::test]
async fn the_three_users_sign_in_and_a_second_start_keeps_the_data() {
    let folder = TempDir::new().unwrap();
    let demo = Demo::start(folder.path());
    let everything = json!([
        "audit:read",
        "clients:read",
        "clients:write",
        "feed:read",
        "users:impersonate",
        "users:read",
        "users:write",
        "webhooks:read",
        "webhooks:write"
    ]);
    for (email, password, scope) in [
        ("admin@test.com", "admin-pass", everything),
        ("staff@test.com", "staff-pass", json!(["users:read"])),
        ("user@test.com", "user-pass", json!([])),
    ] {
        assert!(demo.welcome.contains(email) && demo.welcome.contains(password));
        let token = sign_in(&demo, email, password).await;
        let answer = ask(&demo.client_url, &token, "{ whoami { scope user { email } } }").await;
        assert_eq!(answer["data"]["whoami"]["user"]["email"], email, "{answer}");
        assert_eq!(answer["data"]["whoami"]["scope"], scope);
    }
    let token = sign_in(&demo, "user@test.com", "user-pass").await;
    let added = ask(&demo.client_url, &token, "mutation { addNote(input: {text: \"kept\"}) { note { id } } }").await;
    assert!(added["errors"].is_null(), "{added}");
    assert!(demo.interrupt().0.success(), "Ctrl-C stops it cleanly");

    let demo = Demo::start(folder.path());
    let token = sign_in(&demo, "user@test.com", "user-pass").await;
    let notes = ask(&demo.client_url, &token, "{ notes { nodes { text } } }").await;
    assert_eq!(notes["data"]["notes"]["nodes"], json!([{ "text": "kept" }]), "{notes}");
    assert!(demo.interrupt().0.success());
}

#[tokio::test]
async fn notes_have_the_names_of_their_authors_for_an_ordinary_user() {
    let folder = TempDir::new().unwrap();
    let demo = Demo::start(folder.path());
    let (staff, user) =
        (sign_in(&demo, "staff@test.com", "staff-pass").await, sign_in(&demo, "user@test.com", "user-pass").await);
    let added = ask(&demo.client_url, &staff, "mutation { addNote(input: {text: \"hello\"}) { note { id } } }").await;
    assert!(added["errors"].is_null(), "{added}");
    let query = "{ notes { nodes { text author { id displayName pictureUrl } } } }";
    let note = ask(&demo.client_url, &user, query).await["data"]["notes"]["nodes"][0].clone();
    let profile = json!({ "displayName": "Alan Turing", "pictureUrl": "https://example.com/pictures/alan.png" });
    let author = &note["author"];
    assert_eq!(json!({ "displayName": author["displayName"], "pictureUrl": author["pictureUrl"] }), profile, "{note}");
    let query = format!("{{ user(id: {}) {{ displayName pictureUrl }} }}", author["id"]);
    assert_eq!(ask(&demo.auth_url, &user, &query).await["data"]["user"], profile, "auth-graph answers the same");
    let query = format!("{{ user(id: {}) {{ displayName email }} }}", author["id"]);
    let refused = ask(&demo.auth_url, &user, &query).await;
    assert_eq!(refused["data"]["user"], json!({ "displayName": "Alan Turing", "email": null }));
    assert_eq!(refused["errors"][0]["extensions"]["requiredScopes"], json!(["users:read"]), "{refused}");
}

#[tokio::test]
async fn rate_limits_count_the_client_and_not_the_proxy() {
    let folder = TempDir::new().unwrap();
    let demo = Demo::start(folder.path());
    let login = reqwest::Client::new().post(format!("{}/auth/token/", demo.client_url));
    login.json(&json!({ "email": "user@test.com", "password": "user-pass" })).send().await.unwrap();
    let access = sign_in(&demo, "user@test.com", "user-pass").await;
    let answer = ask(&demo.auth_url, &access, "{ myLoginSessions { ipAddress userAgent } }").await;
    assert_eq!(answer["data"]["myLoginSessions"][0]["ipAddress"], "127.0.0.1", "{answer}");
}

#[tokio::test]
async fn the_client_service_rejects_a_session_that_was_ended_at_auth_graph() {
    let folder = TempDir::new().unwrap();
    let demo = Demo::start(folder.path());
    let token = sign_in(&demo, "user@test.com", "user-pass").await;
    assert!(ask(&demo.client_url, &token, "{ whoami { subject } }").await["errors"].is_null());
    let answer = ask(&demo.auth_url, &token, "mutation { logout { revokedSessions } }").await;
    assert_eq!(answer["data"]["logout"]["revokedSessions"], 1, "{answer}");
    // Without the feed, the token would be valid for minutes.
    let refused = async {
        loop {
            let answer = ask(&demo.client_url, &token, "{ whoami { subject } }").await;
            if answer["errors"][0]["extensions"]["code"] == "TOKEN_REVOKED" {
                break;
            }
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), refused)
        .await
        .expect("the feed reports the end within seconds");
}

#[test]
fn the_error_for_a_port_in_use_names_it_and_says_what_to_do() {
    let folder = TempDir::new().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_demo"))
        .args(["--auth-port", &address.port().to_string(), "--client-port", "0", "--data-dir"])
        .arg(folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.starts_with(&format!("demo: cannot listen at {address}")), "{said}");
}
