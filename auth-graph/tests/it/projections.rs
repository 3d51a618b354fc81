//! Service clients that see only some users and fields. No other data reaches them in any way.

use auth_graph::tasks;
use engine::accounts::{Deletion, Rank};
use engine::administration::{self, Update};
use engine::callers::Actor;
use engine::clients;
use model::values::{Projection, RolesAndScopes, Scopes};
use serde_json::{Value, json};
use store::users::Model as User;
use tempfile::TempDir;

use crate::command_line::{run, text};
use crate::support::{Caller, Events, ServiceClient, TestApp, operation, set_roles};

const USER: &str = "query($id: ID!) { user(id: $id) { id email version } }";
const ENTITIES: &str = "query($ids: [_Any!]!) { _entities(representations: $ids) { ... on User { id version } } }";
const UPDATE: &str = "mutation($input: UpdateClientInput!) { updateClient(input: $input) { client { projection { roles
    scopes fields } } } }";

async fn test() -> TestApp {
    TestApp::with(|config| drop(config.roles.insert("seller".to_owned(), Scopes::parse("orders:sell").unwrap()))).await
}

fn projection(roles: &[&str], scopes: &str, fields: Option<&[&str]>) -> Projection {
    let roles = roles.iter().map(|&role| role.to_owned()).collect();
    let fields: Option<Vec<String>> = fields.map(|fields| fields.iter().map(|&field| field.to_owned()).collect());
    Projection::parse(RolesAndScopes { roles, scopes: Scopes::parse(scopes).unwrap() }, fields.as_deref()).unwrap()
}

/// Creates a client that reads the feed and users with this projection.
async fn limited(test: &TestApp, shown: Projection) -> ServiceClient {
    let client = test.service_client("shop", "feed:read users:read").await;
    clients::set_projection(&test.app, &Actor::operator(), client.id, Some(shown)).await.unwrap();
    client
}

async fn bearer(test: &TestApp, client: &ServiceClient) -> Caller {
    test.bearer(&client.token().await)
}

/// Returns everything that a client can read about a user, in one text.
async fn everything_about(caller: &Caller, user: &User) -> String {
    let representation = json!([{ "__typename": "User", "id": user.id }]);
    let answers = [
        caller.send(operation!("user_changes"), json!({})).await,
        caller.send(operation!("user_snapshots"), json!({})).await,
        caller.send(operation!("revocations"), json!({})).await,
        caller.send(operation!("user_snapshot"), json!({ "id": user.id })).await,
        caller.send(USER, json!({ "id": user.id })).await,
        caller.send(ENTITIES, json!({ "ids": representation })).await,
    ];
    answers.map(|answer| answer.text).concat()
}

#[tokio::test]
async fn a_page_that_begins_with_changes_to_clients_ends() {
    let test = test().await;
    let client = limited(&test, projection(&["seller"], "", None)).await;
    for _ in 0..2 {
        clients::set_projection(&test.app, &Actor::operator(), client.id, None).await.unwrap();
    }
    let ada = test.create_user("ada@test.com").await;
    let caller = bearer(&test, &client).await;
    let page = async |first: i32| {
        let answer = caller.send(operation!("user_changes"), json!({ "first": first })).await;
        answer.data("userChanges").clone()
    };
    assert_eq!(page(1).await["nodes"][0]["user"]["id"], json!(ada.id));
    assert_eq!(page(0).await["pageInfo"]["hasNextPage"], json!(true));
}

#[tokio::test]
async fn readers_of_the_feed_may_request_single_users() {
    let test = test().await;
    let (ada, eve) = (test.create_user("ada@test.com").await, test.create_user("eve@test.com").await);
    set_roles(&test.app, &ada, &["seller"]).await;
    let client = test.service_client("shop", "feed:read").await;
    let shown = projection(&["seller"], "", Some(&["firstName"]));
    clients::set_projection(&test.app, &Actor::operator(), client.id, Some(shown)).await.unwrap();
    let caller = bearer(&test, &client).await;
    let ask = async |user: &User| {
        let answer = caller.send(operation!("user_snapshot"), json!({ "id": user.id })).await;
        answer.data("userSnapshot").clone()
    };
    let shown = ask(&ada).await;
    assert_eq!((&shown["firstName"], &shown["email"]), (&json!("Ada"), &Value::Null));
    assert_eq!(ask(&eve).await, Value::Null, "as in the feed");
    assert_eq!(caller.send(USER, json!({ "id": ada.id })).await.body["data"]["user"], Value::Null);
}

#[tokio::test]
async fn a_client_sees_the_fields_of_its_projection() {
    let test = test().await;
    let ada = test.create_user("ada@test.com").await;
    let metadata = Some(json!({ "orders": { "limit": 7 }, "salary": "a secret figure" }));
    let update = Update { metadata, ..Update::default() };
    administration::update(&test.app, &Actor::operator(), ada.id, update).await.unwrap();
    let client = limited(&test, projection(&[], "", Some(&["firstName", "metadata.orders", "metadata.nothing"]))).await;
    let caller = bearer(&test, &client).await;
    let page = caller.snapshots().await;
    let shown = &page["nodes"][0];
    assert_eq!((&shown["firstName"], &shown["isActive"]), (&json!("Ada"), &json!(true)));
    assert_eq!(shown["metadata"], json!({ "orders": { "limit": 7 } }));
    for hidden in ["email", "lastName", "phoneNumber", "dateJoined", "isStaff", "isSuperuser", "roles", "scopes"] {
        assert!(shown[hidden].is_null(), "{hidden}");
    }
    assert_eq!(&caller.changes(&Value::Null).await[0]["user"], shown);
    assert_eq!(caller.send(operation!("user_snapshot"), json!({ "id": ada.id })).await.data("userSnapshot"), shown);
    let all = everything_about(&caller, &ada).await;
    for hidden in ["ada@test.com", "Lovelace", "secret figure", "salary"] {
        assert!(!all.contains(hidden), "{hidden}: {all}");
    }
}

#[tokio::test]
async fn a_hidden_field_cannot_be_requested() {
    let test = test().await;
    let ada = test.create_user("ada@test.com").await;
    let client = limited(&test, projection(&[], "", Some(&["firstName"]))).await;
    let caller = bearer(&test, &client).await;
    let hidden = "email lastName phoneNumber locale dateJoined lastLogin isStaff isSuperuser emailVerified roles scopes
        metadata";
    for field in hidden.split_ascii_whitespace() {
        let query = format!("query($id: ID!) {{ user(id: $id) {{ {field} }} }}");
        let answer = caller.send(&query, json!({ "id": ada.id })).await;
        assert_eq!(answer.code(), "FORBIDDEN", "{field}");
        let entities =
            format!("query($ids: [_Any!]!) {{ _entities(representations: $ids) {{ ... on User {{ {field} }} }} }}");
        let ids = json!([{ "__typename": "User", "id": ada.id }]);
        assert_eq!(caller.send(&entities, json!({ "ids": ids })).await.code(), "FORBIDDEN", "{field}");
    }
    let shown = "query($id: ID!) { user(id: $id) { id firstName isActive updatedAt version } }";
    assert_eq!(caller.send(shown, json!({ "id": ada.id })).await.data("user")["firstName"], "Ada");
    let unlimited = bearer(&test, &test.service_client("other", "users:read").await).await;
    assert_eq!(unlimited.send(USER, json!({ "id": ada.id })).await.data("user")["email"], "ada@test.com");
    let own = test.sign_in(ada).await.caller.me().await;
    assert_eq!(own.data("me")["email"], "ada@test.com", "users see all their own fields");
}

#[tokio::test]
async fn a_snapshot_of_one_user_requires_permission_to_see_that_user() {
    let test = test().await;
    let (ada, eve) = (test.signed_in("ada@test.com", Rank::User).await, test.create_user("eve@test.com").await);
    let (users, feed) = (test.service_client("users", "users:read").await, test.service_client("f", "feed:read").await);
    let email = async |caller: &Caller, id| {
        let answer = caller.send(operation!("user_snapshot"), json!({ "id": id })).await;
        answer.data("userSnapshot")["email"].clone()
    };
    for client in [users, feed] {
        assert_eq!(email(&bearer(&test, &client).await, json!(eve.id)).await, "eve@test.com");
    }
    assert_eq!(email(&ada.caller, json!(ada.user.id)).await, "ada@test.com");
    assert_eq!(email(&ada.caller, json!("nobody")).await, Value::Null);
    for stranger in [test.anonymous(), ada.caller] {
        assert_eq!(email(&stranger, json!(eve.id)).await, Value::Null);
    }
}

#[tokio::test]
async fn hidden_users_do_not_exist_for_a_limited_client() {
    let test = test().await;
    let (seller, staff) = (test.create_user("seller@test.com").await, test.create("staff@test.com", Rank::Staff).await);
    let other = test.signed_in("other@test.com", Rank::User).await;
    set_roles(&test.app, &seller, &["seller"]).await;
    test.anonymous().logout(&other.refresh).await.data("logout");
    let client = limited(&test, projection(&["staff"], "orders:sell", None)).await;
    let caller = bearer(&test, &client).await;
    let page = caller.snapshots().await;
    let emails: Vec<&Value> = page["nodes"].as_array().unwrap().iter().map(|user| &user["email"]).collect();
    assert_eq!(emails, ["seller@test.com", "staff@test.com"]);
    let all = everything_about(&caller, &other.user).await;
    assert!(!all.contains(&other.user.id.to_string()) && !all.contains("other@test.com"), "{all}");
    for nobody in ["\"user\":null", "\"userSnapshot\":null", "\"_entities\":[null]"] {
        assert!(all.contains(nobody), "{nobody}: {all}");
    }
    assert!(all.contains("sessionId"), "the user of a revocation is hidden: {all}");
    for user in [&seller, &staff] {
        assert_eq!(caller.send(USER, json!({ "id": user.id })).await.data("user")["id"], json!(user.id));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_who_leaves_the_projection_is_a_tombstone_and_can_return() {
    let test = test().await;
    let _tasks = tasks::spawn(&test.app);
    let (ada, other) = (test.create_user("ada@test.com").await, test.create_user("other@test.com").await);
    set_roles(&test.app, &ada, &["seller"]).await;
    let client = limited(&test, projection(&["seller"], "", None)).await;
    let caller = bearer(&test, &client).await;
    let from = caller.snapshots().await["feedCursor"].clone();
    let mut events = Events::open(&caller, json!({ "after": from })).await;
    assert_eq!(events.next_of_any_kind().await["kind"], "CURRENT");

    set_roles(&test.app, &ada, &[]).await;
    let gone = events.next().await;
    assert_eq!((&gone["kind"], &gone["user"]["id"]), (&json!("USER_DELETED"), &json!(ada.id)));
    assert!(gone["user"]["deletedAt"].is_string() && gone["user"]["email"].is_null());
    assert_eq!(gone["user"]["isActive"], false);
    // Changes to hidden users are not shown.
    test.disable(ada.id).await;
    test.disable(other.id).await;
    test.enable(ada.id).await;
    set_roles(&test.app, &ada, &["seller"]).await;
    let back = events.next().await;
    assert_eq!((&back["kind"], &back["user"]["email"]), (&json!("USER_UPDATED"), &json!("ada@test.com")));
    assert!(back["user"]["version"].as_i64() > gone["user"]["version"].as_i64());

    administration::delete(&test.app, &Actor::operator(), ada.id, Deletion::Restorable, None).await.unwrap();
    // Changes show the user as they are when they are read, so that an earlier change may show the same state.
    let mut deleted = events.next().await;
    while deleted["kind"] == "USER_UPDATED" {
        deleted = events.next().await;
    }
    assert_eq!((&deleted["kind"], &deleted["user"]["email"]), (&json!("USER_DELETED"), &Value::Null));
    assert_eq!(caller.snapshots().await["nodes"], json!([]));
    let received = caller.changes(&from).await;
    assert!(received.iter().all(|change| change["user"]["id"] == json!(ada.id)), "{received:?}");
    assert_eq!(received.last().unwrap()["user"], deleted["user"]);
}

/// The account that replaces a seller is not a seller.
#[tokio::test]
async fn a_hidden_account_that_replaces_a_user_is_not_named() {
    let test = test().await;
    let (ada, eve) = (test.create_user("ada@test.com").await, test.create_user("eve@test.com").await);
    set_roles(&test.app, &ada, &["seller"]).await;
    let shop = bearer(&test, &limited(&test, projection(&["seller"], "", None)).await).await;
    administration::merge(&test.app, &Actor::operator(), ada.id, eve.id, "the same person".to_owned()).await.unwrap();
    let received = everything_about(&shop, &ada).await;
    assert!(received.contains(&ada.id.0.to_string()) && received.contains("deletedAt"), "{received}");
    assert!(!received.contains(&eve.id.0.to_string()), "{received}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_change_of_its_projection_a_client_reads_all_users_again() {
    let test = test().await;
    let _tasks = tasks::spawn(&test.app);
    let ada = test.create_user("ada@test.com").await;
    let client = limited(&test, projection(&[], "", Some(&["firstName"]))).await;
    let caller = bearer(&test, &client).await;
    let before = caller.snapshots().await;
    let mut events = Events::open(&caller, json!({ "after": before["feedCursor"] })).await;
    assert_eq!(events.next_of_any_kind().await["kind"], "CURRENT");
    let wider = projection(&[], "", Some(&["firstName", "email"]));
    clients::set_projection(&test.app, &Actor::operator(), client.id, Some(wider)).await.unwrap();
    assert_eq!(events.next_code().await, "CURSOR_EXPIRED");
    assert!(events.is_complete().await);
    let answer = caller.send(operation!("user_changes"), json!({ "after": before["feedCursor"] })).await;
    assert_eq!(answer.code(), "CURSOR_EXPIRED");
    let after = caller.snapshots().await;
    assert_eq!(after["nodes"][0]["email"], "ada@test.com");
    let version = |page: &Value| page["nodes"][0]["version"].as_i64().unwrap();
    assert!(version(&after) > version(&before), "so that a copy accepts it");
    assert_eq!(caller.changes(&after["feedCursor"]).await, Vec::<Value>::new());
    assert_eq!(caller.send(USER, json!({ "id": ada.id })).await.data("user")["version"], version(&after));
    // Other clients are not affected.
    let other = bearer(&test, &test.service_client("other", "feed:read").await).await;
    assert_eq!(other.changes(&before["feedCursor"]).await, Vec::<Value>::new());
    assert_eq!(caller.changes(&Value::Null).await.len(), 1, "without a cursor, no cursor can expire");
}

#[tokio::test]
async fn pages_are_full_though_most_users_are_hidden() {
    let test = test().await;
    for number in 0..12 {
        let user = test.create_user(&format!("user{number}@test.com")).await;
        if number % 4 == 3 {
            set_roles(&test.app, &user, &["seller"]).await;
        }
    }
    let client = limited(&test, projection(&["seller"], "", Some(&["email"]))).await;
    let caller = bearer(&test, &client).await;
    let page = async |after: Value| {
        let answer = caller.send(operation!("user_snapshots"), json!({ "first": 2, "after": after })).await;
        answer.data("userSnapshots").clone()
    };
    let first = page(Value::Null).await;
    assert_eq!((first["nodes"].as_array().unwrap().len(), &first["pageInfo"]["hasNextPage"]), (2, &json!(true)));
    let second = page(first["pageInfo"]["endCursor"].clone()).await;
    assert_eq!(second["nodes"][0]["email"], "user11@test.com");
    assert_eq!(second["pageInfo"]["hasNextPage"], false);
}

/// A filter of a list could reveal hidden data, and administrative scopes would show everything.
#[tokio::test]
async fn a_limited_client_gets_no_lists_of_users_and_no_administrative_scopes() {
    let test = test().await;
    let ada = test.create_user("ada@test.com").await;
    let client = limited(&test, projection(&["seller"], "", None)).await;
    let caller = bearer(&test, &client).await;
    assert_eq!(caller.send(operation!("users"), json!({})).await.code(), "FORBIDDEN");
    let sessions = "query($id: ID!) { userSessions(userId: $id) { id } }";
    assert_eq!(caller.send(sessions, json!({ "id": ada.id })).await.code(), "FORBIDDEN");
    for scope in ["audit:read", "clients:write", "users:impersonate", "users:write", "webhooks:read", "webhooks:write"]
    {
        let client = test.service_client(scope, &format!("feed:read {scope}")).await;
        let shown = Some(projection(&["seller"], "", None));
        let refused = clients::set_projection(&test.app, &Actor::operator(), client.id, shown).await.unwrap_err();
        assert_eq!(refused.code().as_str(), "VALIDATION_FAILED", "{scope}");
    }
}

#[tokio::test]
async fn changing_a_projection_requires_its_scope_and_is_recorded() {
    let test = test().await;
    let root = test.signed_in("root@test.com", Rank::Superuser).await.caller;
    let create = "mutation($input: CreateClientInput!) { createClient(input: $input) { client { id projection { roles
        scopes fields } } } }";
    let shown = json!({ "roles": ["seller"], "scopes": [], "fields": ["email", "metadata.orders"] });
    let input = json!({ "name": "shop", "scopes": ["feed:read"], "projection": shown });
    let made = root.send(create, json!({ "input": input })).await.data("createClient")["client"].clone();
    assert_eq!(made["projection"], shown);
    let update = async |caller: &Caller, projection: Value| {
        caller.send(UPDATE, json!({ "input": { "id": made["id"], "projection": projection } })).await
    };
    let everything = update(&root, Value::Null).await;
    assert!(everything.data("updateClient")["client"]["projection"].is_null());
    for wrong in [
        json!({}),
        json!({ "fields": ["password"] }),
        json!({ "scopes": ["two scopes"] }),
        json!({ "roles": ["sellers"] }),
    ] {
        assert_eq!(update(&root, wrong.clone()).await.code(), "VALIDATION_FAILED", "{wrong}");
    }
    let nothing = root.send(UPDATE, json!({ "input": { "id": made["id"] } })).await;
    assert_eq!(nothing.code(), "VALIDATION_FAILED", "an omitted projection does not show more");
    let staff = test.signed_in("staff@test.com", Rank::Staff).await.caller;
    assert_eq!(update(&staff, Value::Null).await.code(), "FORBIDDEN");
    let writer = bearer(&test, &test.service_client("writer", "clients:write").await).await;
    assert_eq!(update(&writer, Value::Null).await.code(), "FORBIDDEN", "it has less than the client");
    let filter = json!({ "filter": { "action": "client.update" } });
    let events = root.send(operation!("audit_events"), filter).await;
    let event = &events.data("auditEvents")["edges"][0]["node"];
    assert_eq!(event["before"]["projection"]["users"]["roles"], json!(["seller"]));
    assert!(event["after"]["projection"].is_null());
}

#[test]
fn the_command_line_has_the_same_operations() {
    let folder = TempDir::new().unwrap();
    let output = |arguments: &[&str]| {
        let output = run(folder.path(), &[&["client"], arguments].concat(), "");
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    let made = output(&["create", "shop", "--scope", "feed:read", "--users-with-role", "staff", "--field", "email"]);
    let id = made.lines().next().unwrap().strip_prefix("client_id=").unwrap().to_owned();
    assert!(output(&["list"]).ends_with("audiences: graph; users with roles: staff; fields: email\n"));
    let updated = output(&["update", &id, "--users-with-scope", "orders:sell"]);
    assert!(updated.ends_with("audiences: graph; users with scopes: orders:sell\n"), "{updated}");
    assert!(output(&["update", &id, "--everything"]).ends_with("audiences: graph\n"));
    assert!(!run(folder.path(), &["client", "update", &id], "").status.success());
}
