//! Powers are scopes and roles: no actor gives, takes or acts on what they do not hold.

use std::collections::BTreeSet;

use auth_graph::graphql;
use engine::accounts::{Deletion, Rank};
use engine::administration;
use engine::callers::Actor;
use model::config::{Config, Part};
use model::values::Scopes;
use serde_json::{Value, json};
use store::users::Model as User;
use subgraph::Directives;

use crate::federation::root_fields;
use crate::support::{Answer, Caller, PASSWORD, TestApp, operation, set_roles};

const ROLES: &str = "mutation($input: SetUserRolesInput!) { setUserRoles(input: $input) { user { roles } } }";
const CREATE: &str = "mutation($input: CreateUserInput!) { createUser(input: $input) { user { id } } }";
const CREATE_CLIENT: &str = "mutation($input: CreateClientInput!) { createClient(input: $input) { client { id } } }";

/// What the user of a row holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Held {
    Nothing,
    /// The role of the helper.
    SharedRole,
    /// A role without scopes.
    Label,
    /// A role with a scope that the helper does not have.
    RoleWithScope,
    /// A scope of their own that the helper does not have.
    Scope,
    Staff,
    Superuser,
}

const ALL: [Held; 7] =
    [Held::Nothing, Held::SharedRole, Held::Label, Held::RoleWithScope, Held::Scope, Held::Staff, Held::Superuser];

/// Each mutation that acts on a user, with its arguments after the identifier `$id`. `$other` is a user without powers.
const ACTIONS: [(&str, &str); 12] = [
    ("updateUser", "input: { id: $id, email: \"new@test.com\" }"),
    ("updateUser", "input: { id: $id, emailVerified: true }"),
    ("setUserPassword", "input: { id: $id, password: \"another long password\" }"),
    ("forcePasswordReset", "id: $id"),
    ("disableUser", "id: $id"),
    ("enableUser", "id: $id"),
    ("deleteUser", "id: $id"),
    ("deleteUser", "id: $id, forGood: true"),
    ("restoreUser", "id: $id"),
    ("mergeUsers", "input: { id: $id, into: $other, reason: \"a test\" }"),
    ("mergeUsers", "input: { id: $other, into: $id, reason: \"a test\" }"),
    ("impersonate", "input: { id: $id, reason: \"a test\" }"),
];

fn with_roles(config: &mut Config) {
    for (role, scopes) in [("helper", "users:read users:write users:impersonate"), ("finance", ""), ("seller", "sell")]
    {
        config.roles.insert(role.to_owned(), Scopes::parse(scopes).unwrap());
    }
}

async fn target(test: &TestApp, held: Held, email: &str) -> User {
    let rank = match held {
        Held::Staff => Rank::Staff,
        Held::Superuser => Rank::Superuser,
        _ => Rank::User,
    };
    let user = test.create(email, rank).await;
    match held {
        Held::SharedRole => set_roles(&test.app, &user, &["helper"]).await,
        Held::Label => set_roles(&test.app, &user, &["finance"]).await,
        Held::RoleWithScope => set_roles(&test.app, &user, &["seller"]).await,
        Held::Scope => {
            let scopes = Scopes::parse("orders:read").unwrap();
            administration::set_roles(&test.app, &Actor::operator(), user.id, Vec::new(), scopes).await.unwrap();
        }
        Held::Nothing | Held::Staff | Held::Superuser => {}
    }
    user
}

/// Makes an action on a new user with these powers.
async fn act(test: &TestApp, caller: &Caller, (field, arguments): (&str, &str), held: Held, row: usize) -> Answer {
    let user = target(test, held, &format!("target{row}@test.com")).await;
    let other = test.create_user(&format!("other{row}@test.com")).await;
    match field {
        "enableUser" => test.disable(user.id).await,
        "restoreUser" => {
            administration::delete(&test.app, &Actor::operator(), user.id, Deletion::Restorable, None).await.unwrap();
        }
        _ => {}
    }
    let arguments = arguments.replace("new@", &format!("new{row}@"));
    let result = if field == "impersonate" { "scope" } else { "user { id }" };
    let declared = if arguments.contains("$other") { "$id: ID!, $other: ID!" } else { "$id: ID!" };
    let document = format!("mutation({declared}) {{ {field}({arguments}) {{ {result} }} }}");
    caller.send(&document, json!({ "id": user.id, "other": other.id })).await
}

async fn signed_in_with(test: &TestApp, email: &str, roles: &[&str]) -> Caller {
    let user = test.create_user(email).await;
    set_roles(&test.app, &user, roles).await;
    test.sign_in(user).await.caller
}

#[tokio::test]
async fn nobody_acts_on_an_account_that_holds_a_role_or_scope_that_they_do_not_hold() {
    let test = TestApp::with(with_roles).await;
    let root = test.signed_in("root@test.com", Rank::Superuser).await.caller;
    let helper = signed_in_with(&test, "helper@test.com", &["helper"]).await;
    let financier = signed_in_with(&test, "financier@test.com", &["helper", "finance"]).await;
    let service = test.service_client("support", "users:read users:write users:impersonate").await;
    let service = test.bearer(&service.token().await);
    let mut row = 0;
    for action in ACTIONS {
        for held in ALL {
            for (name, caller, may) in [
                ("helper", &helper, matches!(held, Held::Nothing | Held::SharedRole)),
                ("financier", &financier, matches!(held, Held::Nothing | Held::SharedRole | Held::Label)),
                ("service", &service, held == Held::Nothing && action.0 != "impersonate"),
                ("root", &root, true),
            ] {
                row += 1;
                let answer = act(&test, caller, action, held, row).await;
                let row = format!("{name} {action:?} {held:?}: {}", answer.text);
                match may {
                    true => assert!(answer.body["errors"].is_null(), "{row}"),
                    false => assert_eq!(answer.code(), "FORBIDDEN", "{row}"),
                }
            }
        }
    }
}

#[tokio::test]
async fn ending_sessions_needs_the_powers_of_the_user() {
    let test = TestApp::with(with_roles).await;
    let helper = signed_in_with(&test, "helper@test.com", &["helper"]).await;
    let revoke = "mutation($id: ID!) { revokeUserSessions(userId: $id) { revokedSessions } }";
    for held in ALL {
        let user = target(&test, held, &format!("{held:?}@test.com")).await;
        let answer = helper.send(revoke, json!({ "id": user.id })).await;
        let may = matches!(held, Held::Nothing | Held::SharedRole);
        assert_eq!(answer.body["errors"].is_null(), may, "{held:?}: {}", answer.text);
    }
}

/// A new mutation of administration must be in the table, or give its reason here.
#[test]
fn every_mutation_on_other_users_is_in_the_table() {
    let elsewhere = ["createUser", "inviteUser", "revokeUserSessions", "setUserRoles"];
    let in_table = ACTIONS.iter().map(|(field, _)| *field).chain(elsewhere).map(str::to_owned);
    let guarded = |declaration: &str| ["users:write", "users:impersonate"].iter().any(|s| declaration.contains(s));
    let declared = root_fields(&graphql::federation_sdl(Part::Full, Directives::Included)).into_iter();
    let declared = declared.filter(|(operation, _, line)| operation == "mutation" && guarded(line));
    assert_eq!(declared.map(|(_, field, _)| field).collect::<BTreeSet<_>>(), in_table.collect::<BTreeSet<_>>());
}

async fn give(caller: &Caller, to: &User, roles: Value, scopes: Value) -> Answer {
    caller.send(ROLES, json!({ "input": { "id": to.id, "roles": roles, "scopes": scopes } })).await
}

#[tokio::test]
async fn a_role_or_scope_is_given_and_taken_only_by_an_actor_who_holds_it() {
    let test = TestApp::with(with_roles).await;
    let helper = signed_in_with(&test, "helper@test.com", &["helper"]).await;
    let financier = signed_in_with(&test, "financier@test.com", &["helper", "finance"]).await;
    let service = test.service_client("provisioning", "users:read users:write users:impersonate").await;
    let service = test.bearer(&service.token().await);
    let plain = target(&test, Held::Nothing, "plain@test.com").await;
    let label = target(&test, Held::Label, "label@test.com").await;
    let scoped = target(&test, Held::Scope, "scoped@test.com").await;
    for (to, roles, scopes) in [
        (&plain, json!(["finance"]), json!([])),
        (&plain, json!(["finance", "helper"]), json!([])),
        (&plain, json!([]), json!(["sell"])),
        (&label, json!([]), json!([])),
        (&label, json!(["helper"]), json!([])),
        (&scoped, json!([]), json!([])),
    ] {
        let refused = give(&helper, to, roles.clone(), scopes.clone()).await;
        assert_eq!(refused.code(), "FORBIDDEN", "{} {roles} {scopes}", to.email);
    }
    let (new, role) = (json!({ "email": "new@test.com", "roles": ["finance"] }), json!(["helper"]));
    assert_eq!(helper.send(CREATE, json!({ "input": new })).await.code(), "FORBIDDEN");
    assert_eq!(service.send(CREATE, json!({ "input": new })).await.code(), "FORBIDDEN", "a client has no roles");
    assert_eq!(give(&service, &plain, role, json!([])).await.code(), "FORBIDDEN");
    // What stays as it is needs no power.
    give(&helper, &label, json!(["finance", "helper"]), json!([])).await.data("setUserRoles");
    give(&helper, &scoped, json!([]), json!(["orders:read", "users:read"])).await.data("setUserRoles");
    give(&financier, &plain, json!(["finance"]), json!([])).await.data("setUserRoles");
    give(&financier, &plain, json!([]), json!([])).await.data("setUserRoles");
    financier.send(CREATE, json!({ "input": new })).await.data("createUser");
}

/// The profile and the metadata of a user with more powers can be changed.
#[tokio::test]
async fn a_profile_needs_no_powers_of_its_user() {
    let test = TestApp::with(with_roles).await;
    let helper = signed_in_with(&test, "helper@test.com", &["helper"]).await;
    let label = target(&test, Held::Label, "label@test.com").await;
    let input = json!({ "id": label.id, "firstName": "Ada", "metadata": { "team": "engines" } });
    let update = "mutation($input: UpdateUserInput!) { updateUser(input: $input) { user { id } } }";
    helper.send(update, json!({ "input": input })).await.data("updateUser");
}

#[tokio::test]
async fn a_role_is_held_only_by_a_token_with_all_of_its_scopes() {
    let test = TestApp::with(with_roles).await;
    let user = test.create_user("helper@test.com").await;
    set_roles(&test.app, &user, &["helper"]).await;
    let input = json!({ "email": "helper@test.com", "password": PASSWORD, "scope": ["users:write"] });
    let lesser = test.anonymous().send(operation!("login"), json!({ "input": input })).await;
    let lesser = test.bearer(lesser.data("login")["accessToken"].as_str().unwrap());
    let peer = target(&test, Held::SharedRole, "peer@test.com").await;
    assert_eq!(give(&lesser, &peer, json!([]), json!([])).await.code(), "FORBIDDEN");
    let plain = target(&test, Held::Nothing, "plain@test.com").await;
    give(&lesser, &plain, json!([]), json!(["users:write"])).await.data("setUserRoles");
}

/// A superuser is limited by the configuration of the role and by the scopes of their token.
#[tokio::test]
async fn a_superuser_without_every_scope_of_administration_has_limited_powers() {
    let shorter = TestApp::with(|config| {
        with_roles(config);
        config.roles.insert("superuser".to_owned(), Scopes::parse("users:read users:write clients:write").unwrap());
    })
    .await;
    let root = shorter.signed_in("root@test.com", Rank::Superuser).await;
    let plain = target(&shorter, Held::Nothing, "plain@test.com").await;
    for (roles, scopes) in [(json!(["finance"]), json!([])), (json!([]), json!(["audit:read"]))] {
        assert_eq!(give(&root.caller, &plain, roles, scopes).await.code(), "FORBIDDEN");
    }
    assert_eq!(give(&root.caller, &root.user, json!([]), json!(["audit:read"])).await.code(), "FORBIDDEN");
    let client = json!({ "input": { "name": "reports", "scopes": ["audit:read"] } });
    assert_eq!(root.caller.send(CREATE_CLIENT, client).await.code(), "FORBIDDEN");
    give(&root.caller, &plain, json!([]), json!(["users:read"])).await.data("setUserRoles");

    let whole = TestApp::with(with_roles).await;
    let root = whole.signed_in("root@test.com", Rank::Superuser).await;
    let plain = target(&whole, Held::Nothing, "plain@test.com").await;
    give(&root.caller, &plain, json!(["finance"]), json!(["anything"])).await.data("setUserRoles");
    let input = json!({ "email": "root@test.com", "password": PASSWORD, "scope": ["users:read", "users:write"] });
    let lesser = whole.anonymous().send(operation!("login"), json!({ "input": input })).await;
    let lesser = whole.bearer(lesser.data("login")["accessToken"].as_str().unwrap());
    assert_eq!(give(&lesser, &plain, json!([]), json!([])).await.code(), "FORBIDDEN");
}

#[tokio::test]
async fn a_client_is_changed_and_disabled_only_by_an_actor_who_holds_its_scopes() {
    let test = TestApp::with(|config| {
        config.roles.insert("operations".to_owned(), Scopes::parse("clients:write users:read").unwrap());
    })
    .await;
    let caller = signed_in_with(&test, "operations@test.com", &["operations"]).await;
    let (weak, strong) = (test.service_client("weak", "users:read").await, test.service_client("strong", "a").await);
    for mutation in [
        "mutation($id: ID!) { rotateClientSecret(id: $id) { client { id } } }",
        "mutation($id: ID!) { updateClient(input: { id: $id, projection: { fields: [\"email\"] } }) { client { id } } }",
        "mutation($id: ID!) { disableClient(id: $id) { client { id } } }",
    ] {
        assert_eq!(caller.send(mutation, json!({ "id": strong.id })).await.code(), "FORBIDDEN", "{mutation}");
        let answer = caller.send(mutation, json!({ "id": weak.id })).await;
        assert!(answer.body["errors"].is_null(), "{}", answer.text);
    }
    strong.token().await;
}
