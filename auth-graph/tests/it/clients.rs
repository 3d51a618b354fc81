//! Service clients: creating, listing, rotating their secrets and disabling, through the API and the command line.

use std::process::Command;

use engine::accounts::Rank;
use engine::app::App;
use engine::callers::Actor;
use engine::callers::Device;
use engine::clients::{self, Credentials, NewClient};
use engine::feed::outbox;
use model::error::Error;
use model::values::{ClientId, Revoked, Scopes, SessionId, Subject, TokenId};
use sea_orm::EntityTrait;
use serde_json::{Value, json};
use store::clients as rows;
use tempfile::TempDir;

use crate::support::{Answer, Caller, TestApp, claims_of};

const CREATE: &str =
    "mutation($input: CreateClientInput!) { createClient(input: $input) { secret client { id name scopes
    audiences createdAt disabledAt } } }";
const ROTATE: &str = "mutation($id: ID!) { rotateClientSecret(id: $id) { secret client { id } } }";
const DISABLE: &str = "mutation($id: ID!) { disableClient(id: $id) { client { id disabledAt } } }";
const LIST: &str = "{ clients { id name scopes audiences disabledAt } }";

async fn create(caller: &Caller, input: Value) -> Answer {
    caller.send(CREATE, json!({ "input": input })).await
}

async fn signs_in(test: &TestApp, id: &str, secret: &str) -> bool {
    let caller = test.anonymous().with_basic(id, secret);
    caller.form("/oauth/token", &[("grant_type", "client_credentials")]).await.status == 200
}

#[tokio::test]
async fn an_administrator_creates_lists_rotates_and_disables_clients() {
    let test = TestApp::new().await;
    let admin = test.signed_in("root@test.com", Rank::Superuser).await.caller;
    let made = create(&admin, json!({ "name": "orders", "scopes": ["users:read"] })).await;
    let made = made.data("createClient");
    let (id, secret) = (made["client"]["id"].as_str().unwrap(), made["secret"].as_str().unwrap());
    assert_eq!(made["client"]["audiences"], json!(["graph"]));
    assert!(secret.starts_with("ags_") && secret.len() == 47, "256 bits and the prefix");
    assert!(signs_in(&test, id, secret).await);

    let rotated = admin.send(ROTATE, json!({ "id": id })).await;
    let next = rotated.data("rotateClientSecret")["secret"].as_str().unwrap();
    assert!(!signs_in(&test, id, secret).await && signs_in(&test, id, next).await);

    let listed = admin.send(LIST, json!({})).await;
    assert_eq!(listed.data("clients")[0]["name"], "orders");
    assert!(listed.data("clients")[0]["disabledAt"].is_null() && !listed.text.contains(next));

    let disabled = admin.send(DISABLE, json!({ "id": id })).await;
    let at = disabled.data("disableClient")["client"]["disabledAt"].clone();
    assert!(at.is_string() && !signs_in(&test, id, next).await);
    assert_eq!(admin.send(DISABLE, json!({ "id": id })).await.data("disableClient")["client"]["disabledAt"], at);
    assert_eq!(admin.send(ROTATE, json!({ "id": id })).await.code(), "CONFLICT");
}

#[tokio::test]
async fn invalid_input_creates_no_client() {
    let test = TestApp::new().await;
    let admin = test.signed_in("root@test.com", Rank::Superuser).await.caller;
    create(&admin, json!({ "name": "orders", "scopes": [] })).await.data("createClient");
    assert_eq!(create(&admin, json!({ "name": " orders ", "scopes": [] })).await.code(), "CONFLICT");
    for input in [
        json!({ "name": "", "scopes": [] }),
        json!({ "name": "a".repeat(101), "scopes": [] }),
        json!({ "name": "a\u{0}", "scopes": [] }),
        json!({ "name": "a", "scopes": ["two scopes"] }),
        json!({ "name": "a", "scopes": [], "audiences": [""] }),
        json!({ "name": "a", "scopes": [], "audiences": ["two words"] }),
        json!({ "name": "a", "scopes": [], "audiences": ["graph", "https://billing.internal"] }),
    ] {
        assert_eq!(create(&admin, input.clone()).await.code(), "VALIDATION_FAILED", "{input}");
    }
    for mutation in [ROTATE, DISABLE] {
        let nobody = json!({ "id": "00000000-0000-7000-8000-000000000000" });
        assert_eq!(admin.send(mutation, nobody).await.code(), "NOT_FOUND");
        assert_eq!(admin.send(mutation, json!({ "id": "x" })).await.code(), "VALIDATION_FAILED");
    }
}

#[tokio::test]
async fn each_operation_requires_its_scope() {
    let test = TestApp::new().await;
    let reader = test.service_client("reader", "clients:read").await;
    let reader = test.bearer(&reader.token().await);
    assert_eq!(reader.send(LIST, json!({})).await.data("clients")[0]["name"], "reader");
    let staff = test.signed_in("staff@test.com", Rank::Staff).await.caller;
    let id = json!({ "id": "00000000-0000-7000-8000-000000000000" });
    for (caller, code) in [(&test.anonymous(), "UNAUTHENTICATED"), (&staff, "FORBIDDEN"), (&reader, "FORBIDDEN")] {
        assert_eq!(create(caller, json!({ "name": "a", "scopes": [] })).await.code(), code);
        assert_eq!(caller.send(ROTATE, id.clone()).await.code(), code);
        assert_eq!(caller.send(DISABLE, id.clone()).await.code(), code);
    }
    assert_eq!(staff.send(LIST, json!({})).await.code(), "FORBIDDEN");
}

#[tokio::test]
async fn the_secret_is_stored_as_a_hash_and_a_rotation_ends_no_token() {
    let test = TestApp::new().await;
    let client = test.service_client("orders", "users:read").await;
    let token = client.token().await;
    let stored = rows::find(&test.app.db, client.id).await.unwrap().unwrap();
    let hash = stored.secret_hash.clone().unwrap();
    assert!(!client.secret.contains(&hash) && hash.len() == 43);
    assert!(!format!("{stored:?}").contains(&hash));
    let made = clients::rotate_secret(&test.app, &Actor::operator(), client.id).await.unwrap();
    assert!(!format!("{made:?}").contains("ags_"));
    test.bearer(&token).send("{ users { totalCount } }", json!({})).await.data("users");
    // A hash that leaks is no secret.
    assert!(!signs_in(&test, &client.id.to_string(), &hash).await);
}

/// Each replica caches clients between requests.
#[tokio::test]
async fn a_cached_client_is_dropped_when_another_replica_changes_it() {
    let test = TestApp::new().await;
    let replica = test.replica().await;
    let client = test.service_client("orders", "").await;
    let presented = Credentials { client_id: client.id.to_string(), secret: Some(client.secret.clone().into()) };
    let authenticated = async |app: &App, presented: &Credentials| {
        clients::authenticate(app, presented, &Device::default()).await.is_ok()
    };
    for app in [&test.app, &replica] {
        assert!(authenticated(app, &presented).await);
        assert!(app.known_clients.find(client.id).is_ok());
    }
    let made = clients::rotate_secret(&test.app, &Actor::operator(), client.id).await.unwrap();
    assert!(!authenticated(&test.app, &presented).await);
    // The cache is used only while the outbox is followed.
    test.app.clock.advance(chrono::Duration::seconds(2));
    assert!(!authenticated(&replica, &presented).await);
    outbox::catch_up(&replica).await.unwrap();
    assert!(!authenticated(&replica, &presented).await);

    let presented = Credentials { client_id: client.id.to_string(), secret: Some(made.secret) };
    assert!(authenticated(&replica, &presented).await);
    clients::disable(&test.app, &Actor::operator(), client.id).await.unwrap();
    assert!(!authenticated(&test.app, &presented).await);
    outbox::catch_up(&replica).await.unwrap();
    assert!(!authenticated(&replica, &presented).await);
}

/// A service is not a user. Fields about one's own account find nothing, and fail with a code.
#[tokio::test]
async fn a_service_has_no_account_and_no_sessions() {
    let test = TestApp::new().await;
    let client = test.service_client("orders", "").await;
    let token = client.token().await;
    let caller = test.bearer(&token);
    let answer = caller.send("{ me { id } myLoginSessions { id } }", json!({})).await;
    assert!(answer.data("me").is_null() && answer.data("myLoginSessions") == &json!([]));
    let answer = caller.send("mutation { logout(everywhere: true) { revokedSessions } }", json!({})).await;
    assert_eq!(answer.data("logout")["revokedSessions"], 0);
    let verified = test
        .anonymous()
        .send(
            "mutation($t: String!) { verify(token: $t) { active user { id } claims { sub
        clientId } } }",
            json!({ "t": token }),
        )
        .await;
    let verified = verified.data("verify");
    assert!(verified["active"] == true && verified["user"].is_null());
    assert_eq!(verified["claims"]["sub"], verified["claims"]["clientId"]);
}

fn command(folder: &TempDir, arguments: &[&str]) -> (bool, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_auth-graph"));
    let output = command.arg("client").args(arguments).current_dir(folder.path()).env_clear().output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.success(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn the_command_line_has_the_same_operations() {
    let folder = TempDir::new().unwrap();
    let (made, out, log) =
        command(&folder, &["create", "orders", "--scope", "users:read", "--scope", "a", "--audience", "graph"]);
    assert!(made, "{log}");
    let lines: Vec<&str> = out.lines().collect();
    let [id, secret] = lines[..] else { panic!("{out}") };
    let (id, secret) = (id.strip_prefix("client_id=").unwrap(), secret.strip_prefix("client_secret=").unwrap());
    assert!(secret.starts_with("ags_") && !log.contains(secret));
    let listed = format!("{id} orders (active) scopes: a users:read; audiences: graph\n");
    assert_eq!(command(&folder, &["list"]).1, listed);
    let (_, rotated, _) = command(&folder, &["rotate-secret", id]);
    assert!(rotated.starts_with(&format!("client_id={id}\nclient_secret=ags_")) && !rotated.contains(secret));
    assert!(command(&folder, &["disable", id]).1.contains("orders (disabled)"));
    for wrong in [vec!["rotate-secret", id], vec!["disable", "x"], vec!["create", "orders"]] {
        let (success, out, _) = command(&folder, &wrong);
        assert!(!success && out.is_empty(), "{wrong:?}");
    }
}

#[tokio::test]
async fn the_built_in_clients_keep_their_names_and_are_no_service_clients() {
    let test = TestApp::new().await;
    let built_in = rows::Entity::find().all(&test.app.db).await.unwrap();
    let names: Vec<_> = built_in.iter().map(|client| client.name.as_str()).collect();
    assert_eq!(names, [rows::FIRST_PARTY, rows::IMPERSONATION]);
    for client in &built_in {
        let new =
            NewClient { name: client.name.clone(), scopes: Scopes::default(), audiences: Vec::new(), projection: None };
        let taken = clients::create(&test.app, &Actor::operator(), new).await.unwrap_err();
        assert!(matches!(taken, Error::Conflict(_)), "{taken:?}");
        let disabled = clients::disable(&test.app, &Actor::operator(), client.id).await.unwrap_err();
        assert!(matches!(disabled, Error::NotFound), "{disabled:?}");
        assert!(!signs_in(&test, &client.id.to_string(), "").await);
    }
    assert!(clients::list(&test.app).await.unwrap().is_empty());
}

/// A client, a session and a token are told apart by their kind, also where two have the same identifier.
#[tokio::test]
async fn the_outbox_names_the_kind_of_what_ended() {
    let test = TestApp::new().await;
    let client = test.service_client("orders", "users:read").await;
    let token = client.token().await;
    let jti: TokenId = claims_of(&token)["jti"].as_str().unwrap().parse().unwrap();
    let revoking = test.anonymous().with_basic(&client.id.to_string(), &client.secret);
    assert_eq!(revoking.form("/oauth/revoke", &[("token", &token)]).await.status, 200);
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    let session: SessionId = claims_of(&ada.access)["sid"].as_str().unwrap().parse().unwrap();
    ada.caller.send("mutation { logout { revokedSessions } }", json!({})).await;
    clients::disable(&test.app, &Actor::operator(), client.id).await.unwrap();

    let recorded = store::outbox::after(&test.app.db, 0, 100).await.unwrap();
    let ended: Vec<_> = recorded.iter().filter_map(|change| Some((change.subject(), change.revoked()?))).collect();
    let (program, person) = (Some(Subject::Client(client.id)), Some(Subject::User(ada.user.id)));
    let expected =
        [(program, Revoked::Token(jti)), (person, Revoked::Session(session)), (program, Revoked::Client(client.id))];
    assert_eq!(ended, expected);
    let revocations = &test.app.tokens.revocations;
    assert!(expected.iter().all(|(_, revoked)| revocations.contains(*revoked)));
    assert!(!revocations.contains(Revoked::Client(ClientId(session.0))));
    assert!(!revocations.contains(Revoked::Session(SessionId(client.id.0))));
}
