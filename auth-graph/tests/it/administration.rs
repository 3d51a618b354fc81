//! Changes that administrators make to accounts, and those that are forbidden.

use engine::accounts::Rank;
use engine::administration;
use engine::callers::Actor;
use engine::pagination::Page;
use model::values::Scopes;
use serde_json::{Value, json};
use store::changes::Kind;
use store::outbox;

use crate::support::{Answer, Caller, PASSWORD, SignedIn, TestApp, operation};

const CREATE: &str =
    "mutation($input: CreateUserInput!) { createUser(input: $input) { user { id email isStaff isSuperuser
    roles scopes emailVerified } } }";
const UPDATE: &str =
    "mutation($input: UpdateUserInput!) { updateUser(input: $input) { user { email emailVerified firstName
    lastName phoneNumber isStaff isSuperuser metadata version } } }";
const ROLES: &str =
    "mutation($input: SetUserRolesInput!) { setUserRoles(input: $input) { user { roles scopes version } } }";
const PASSWORDS: &str = "mutation($input: SetUserPasswordInput!) { setUserPassword(input: $input) { user { id } } }";
const RESET: &str = "mutation($id: ID!) { forcePasswordReset(id: $id) { user { id } } }";
const DISABLE: &str = "mutation($id: ID!) { disableUser(id: $id) { user { isActive version } } }";
const ENABLE: &str = "mutation($id: ID!) { enableUser(id: $id) { user { isActive } } }";
const DELETE: &str = "mutation($id: ID!) { deleteUser(id: $id) { user { id } } }";
const RESTORE: &str = "mutation($id: ID!) { restoreUser(id: $id) { user { id } } }";
const SESSIONS: &str = "query($id: ID!) { userSessions(userId: $id) { id clientId } }";
const REVOKE: &str = "mutation($id: ID!, $session: ID) { revokeUserSessions(userId: $id, sessionId: $session) {
    revokedSessions } }";
const IMPERSONATE: &str = "mutation($input: ImpersonateInput!) { impersonate(input: $input) { accessToken scope } }";

/// Creates an app with an additional role, a superuser, and a helper who may change users and little else.
async fn staffed() -> (TestApp, SignedIn, SignedIn) {
    let test = TestApp::with(|config| {
        config.roles.insert("writer".to_owned(), Scopes::parse("notes:write").unwrap());
        config.roles.insert("helper".to_owned(), Scopes::parse("users:read users:write users:impersonate").unwrap());
    })
    .await;
    let root = test.signed_in("root@test.com", Rank::Superuser).await;
    let helper = test.create_user("helper@test.com").await;
    let roles = vec!["helper".to_owned()];
    administration::set_roles(&test.app, &Actor::operator(), helper.id, roles, Scopes::default()).await.unwrap();
    let helper = test.sign_in(helper).await;
    (test, root, helper)
}

fn id(user: &SignedIn) -> Value {
    json!({ "id": user.user.id.to_string() })
}

async fn roles(caller: &Caller, of: &SignedIn, roles: Value, scopes: Value) -> Answer {
    let input = json!({ "id": of.user.id.to_string(), "roles": roles, "scopes": scopes });
    caller.send(ROLES, json!({ "input": input })).await
}

#[tokio::test]
async fn an_account_is_created_and_changed_and_its_user_signs_in() {
    let (test, root, _) = staffed().await;
    let input = json!({ "email": "Ada@Test.com", "password": PASSWORD, "isStaff": true, "roles": ["writer"] });
    let made = root.caller.send(CREATE, json!({ "input": input })).await;
    let made = &made.data("createUser")["user"];
    assert_eq!((&made["email"], &made["roles"]), (&json!("ada@test.com"), &json!(["staff", "writer"])));
    let input = json!({ "id": made["id"], "email": "lovelace@test.com", "firstName": " Ada ", "phoneNumber": "+44 20",
        "metadata": { "team": "engines" } });
    let changed = root.caller.send(UPDATE, json!({ "input": input })).await;
    let changed = &changed.data("updateUser")["user"];
    assert_eq!((&changed["firstName"], &changed["metadata"]["team"]), (&json!("Ada"), &json!("engines")));
    assert_eq!(changed["version"], 2);
    let signed_in = test.anonymous().login("lovelace@test.com", PASSWORD).await;
    assert_eq!(signed_in.data("login")["scope"], json!(["notes:write", "users:read"]));
    let again = root.caller.send(UPDATE, json!({ "input": input })).await;
    assert_eq!(again.data("updateUser")["user"]["version"], 2, "an update without a difference is not a change");
}

#[tokio::test]
async fn roles_reach_the_tokens_at_the_next_refresh() {
    let (test, root, _) = staffed().await;
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    let answer = roles(&root.caller, &ada, json!(["writer"]), json!(["orders:read"])).await;
    let user = &answer.data("setUserRoles")["user"];
    assert_eq!((&user["scopes"], &user["version"]), (&json!(["notes:write", "orders:read"]), &json!(2)));
    let refreshed = test.anonymous().refresh(&ada.refresh).await;
    assert_eq!(refreshed.data("refresh")["scope"], json!(["notes:write", "orders:read"]));
    for unknown in ["nobody", "superuser"] {
        let refused = roles(&root.caller, &ada, json!([unknown]), json!([])).await;
        assert_eq!(refused.code(), "VALIDATION_FAILED", "{unknown}");
    }
}

#[tokio::test]
async fn ghsa_vrh8_c9cm_wh8v_and_cve_2022_1245_no_actor_gives_more_than_they_hold() {
    let (test, root, helper) = staffed().await;
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    let caller = &helper.caller;
    assert_eq!(roles(caller, &ada, json!(["writer"]), json!([])).await.code(), "FORBIDDEN");
    assert_eq!(roles(caller, &helper, json!([]), json!(["clients:write"])).await.code(), "FORBIDDEN");
    roles(caller, &ada, json!(["helper"]), json!([])).await.data("setUserRoles");
    let of = |user: &SignedIn, field: &str, value: Value| {
        let mut input = id(user);
        input[field] = value;
        json!({ "input": input })
    };
    for flag in ["isStaff", "isSuperuser"] {
        assert_eq!(caller.send(UPDATE, of(&helper, flag, json!(true))).await.code(), "FORBIDDEN");
    }
    let input = json!({ "email": "new@test.com", "isSuperuser": true });
    assert_eq!(caller.send(CREATE, json!({ "input": input })).await.code(), "FORBIDDEN");
    let input = json!({ "email": "new@test.com", "roles": ["writer"] });
    assert_eq!(caller.send(CREATE, json!({ "input": input })).await.code(), "FORBIDDEN");

    // The helper cannot take over a user with more permissions either.
    roles(&root.caller, &ada, json!(["writer"]), json!([])).await.data("setUserRoles");
    assert_eq!(caller.send(UPDATE, of(&ada, "email", json!("mine@test.com"))).await.code(), "FORBIDDEN");
    assert_eq!(caller.send(PASSWORDS, of(&ada, "password", json!(PASSWORD))).await.code(), "FORBIDDEN");
    assert_eq!(caller.send(RESET, id(&ada)).await.code(), "FORBIDDEN");
    assert_eq!(caller.send(IMPERSONATE, of(&ada, "reason", json!("a ticket"))).await.code(), "FORBIDDEN");
    caller.send(UPDATE, of(&ada, "firstName", json!("Ada"))).await.data("updateUser");
    for mutation in [DISABLE, DELETE, RESET, REVOKE] {
        assert_eq!(caller.send(mutation, id(&root)).await.code(), "FORBIDDEN", "{mutation}");
    }
}

#[tokio::test]
async fn a_superuser_with_a_lesser_token_has_lesser_powers() {
    let (test, root, _) = staffed().await;
    let input = json!({ "email": "root@test.com", "password": PASSWORD, "scope": ["users:write"] });
    let lesser = test.anonymous().send(operation!("login"), json!({ "input": input })).await;
    let lesser = test.bearer(lesser.data("login")["accessToken"].as_str().unwrap());
    let input = json!({ "id": root.user.id.to_string(), "firstName": "Root" });
    assert_eq!(lesser.send(UPDATE, json!({ "input": input })).await.code(), "FORBIDDEN");
}

#[tokio::test]
async fn the_last_superuser_stays() {
    let (test, root, _) = staffed().await;
    let demote = json!({ "input": { "id": root.user.id.to_string(), "isSuperuser": false } });
    assert_eq!(root.caller.send(DISABLE, id(&root)).await.code(), "CONFLICT");
    assert_eq!(root.caller.send(DELETE, id(&root)).await.code(), "CONFLICT");
    assert_eq!(root.caller.send(UPDATE, demote.clone()).await.code(), "CONFLICT");
    root.caller.me().await.data("me");
    let second = test.signed_in("second@test.com", Rank::Superuser).await;
    let other = json!({ "input": { "id": second.user.id.to_string(), "isSuperuser": false } });
    let (first, second) = tokio::join!(root.caller.send(UPDATE, demote), second.caller.send(UPDATE, other));
    let refused = [first, second].iter().filter(|answer| !answer.body["errors"].is_null()).count();
    assert_eq!(refused, 1, "one of the two remains");
}

#[tokio::test]
async fn ghsa_2vg6_77g8_24mp_disabling_or_deleting_a_user_ends_their_sessions() {
    let (test, root, _) = staffed().await;
    for (number, mutation) in [DISABLE, DELETE, RESET].into_iter().enumerate() {
        let user = test.signed_in(&format!("user{number}@test.com"), Rank::User).await;
        root.caller.send(mutation, id(&user)).await;
        assert_eq!(user.caller.me().await.code(), "TOKEN_REVOKED", "{mutation}");
        assert_eq!(test.anonymous().refresh(&user.refresh).await.code(), "TOKEN_REVOKED", "{mutation}");
        let email = user.user.email.as_str();
        assert_eq!(test.anonymous().login(email, PASSWORD).await.code(), "INVALID_CREDENTIALS", "{mutation}");
    }
    let user = test.signed_in("ada@test.com", Rank::User).await;
    let input = json!({ "id": user.user.id.to_string(), "password": "another long password" });
    root.caller.send(PASSWORDS, json!({ "input": input })).await.data("setUserPassword");
    assert_eq!(user.caller.me().await.code(), "TOKEN_REVOKED");
    test.anonymous().login("ada@test.com", "another long password").await.data("login");
}

#[tokio::test]
async fn a_disabled_user_is_enabled_and_a_deleted_one_restored() {
    let (test, root, _) = staffed().await;
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    root.caller.send(DISABLE, id(&ada)).await.data("disableUser");
    root.caller.send(ENABLE, id(&ada)).await.data("enableUser");
    root.caller.send(DELETE, id(&ada)).await.data("deleteUser");
    for mutation in [DELETE, DISABLE, ENABLE, RESET] {
        assert_eq!(root.caller.send(mutation, id(&ada)).await.code(), "NOT_FOUND");
    }
    root.caller.send(RESTORE, id(&ada)).await.data("restoreUser");
    let written = outbox::after(&test.app.db, 0, 100).await.unwrap().into_iter();
    let written: Vec<Kind> = written
        .filter(|change| change.changed_user() == Some(ada.user.id) && change.version > 3)
        .map(|change| change.kind)
        .collect();
    assert_eq!(written, [Kind::UserDeleted, Kind::UserUpdated], "other services are notified of both");
    assert_eq!(root.caller.send(RESTORE, id(&ada)).await.code(), "NOT_FOUND");
    test.anonymous().login("ada@test.com", PASSWORD).await.data("login");
}

/// In another service, the identifier of another user's object gave access to it.
#[tokio::test]
async fn cve_2026_105209_an_administrator_lists_and_ends_only_sessions_of_the_named_user() {
    let (test, root, helper) = staffed().await;
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    let eve = test.signed_in("eve@test.com", Rank::User).await;
    let sessions = helper.caller.send(SESSIONS, id(&ada)).await;
    let mut one = id(&eve);
    one["session"] = sessions.data("userSessions")[0]["id"].clone();
    assert_eq!(helper.caller.send(REVOKE, one.clone()).await.code(), "NOT_FOUND");
    one["id"] = json!(ada.user.id.to_string());
    assert_eq!(helper.caller.send(REVOKE, one).await.data("revokeUserSessions")["revokedSessions"], 1);
    assert_eq!(ada.caller.me().await.code(), "TOKEN_REVOKED");
    assert_eq!(root.caller.send(REVOKE, id(&eve)).await.data("revokeUserSessions")["revokedSessions"], 1);
    assert_eq!(eve.caller.send(SESSIONS, id(&ada)).await.code(), "TOKEN_REVOKED");
}

#[tokio::test]
async fn an_impersonator_is_named_in_the_token_and_cannot_administer() {
    let (test, root, helper) = staffed().await;
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    let input = json!({ "id": helper.user.id.to_string(), "reason": "ticket 7" });
    let granted = root.caller.send(IMPERSONATE, json!({ "input": input })).await;
    let token = granted.data("impersonate")["accessToken"].as_str().unwrap().to_owned();
    let acting = test.bearer(&token);
    assert_eq!(acting.me().await.data("me")["email"], "helper@test.com");
    let verified = test
        .anonymous()
        .send("mutation($t: String!) { verify(token: $t) { claims { sub act authTime } } }", json!({ "t": token }))
        .await;
    let claims = &verified.data("verify")["claims"];
    assert_eq!(claims["act"], root.user.id.to_string());
    assert_eq!(claims["authTime"], "1970-01-01T00:00:00+00:00", "the user has given no proof of identity");
    let client = test.service_client("orders", "").await;
    let described = client.caller.form("/oauth/introspect", &[("token", &token)]).await;
    assert_eq!(described.body["act"], json!({ "sub": root.user.id }));
    assert_eq!(acting.send(DISABLE, id(&ada)).await.code(), "FORBIDDEN");
    let sessions = helper.caller.send(operation!("my_login_sessions"), json!({})).await;
    assert_eq!(sessions.data("myLoginSessions")[0]["clientId"], "impersonation");
    helper.caller.send(operation!("revoke_session"), json!({ "id": sessions.data("myLoginSessions")[0]["id"] })).await;
    assert_eq!(acting.me().await.code(), "TOKEN_REVOKED");
    let no_reason = json!({ "input": { "id": ada.user.id.to_string(), "reason": " " } });
    assert_eq!(root.caller.send(IMPERSONATE, no_reason).await.code(), "VALIDATION_FAILED");
    let service = test.service_client("support", "users:impersonate").await;
    let service = test.bearer(&service.token().await);
    assert_eq!(service.send(IMPERSONATE, json!({ "input": input })).await.code(), "FORBIDDEN");
}

/// Such an end would be recorded nowhere under the name of the actor. `revokeUserSessions` is recorded.
#[tokio::test]
async fn an_impersonator_ends_no_session_but_their_own() {
    let (test, root, _) = staffed().await;
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    let input = json!({ "id": ada.user.id.to_string(), "reason": "ticket 7" });
    let granted = root.caller.send(IMPERSONATE, json!({ "input": input })).await;
    let acting = test.bearer(granted.data("impersonate")["accessToken"].as_str().unwrap());
    let sessions = acting.send("{ myLoginSessions { id current } }", json!({})).await;
    let id_of = |current: bool| {
        let sessions = sessions.data("myLoginSessions").as_array().unwrap().iter();
        sessions.clone().find(|session| session["current"] == current).unwrap()["id"].clone()
    };
    assert_eq!(acting.send(operation!("logout"), json!({ "everywhere": true })).await.code(), "FORBIDDEN");
    assert_eq!(acting.send(operation!("revoke_session"), json!({ "id": id_of(false) })).await.code(), "FORBIDDEN");
    ada.caller.me().await.data("me");
    acting.send(operation!("revoke_session"), json!({ "id": id_of(true) })).await.data("revokeSession");
    assert_eq!(acting.me().await.code(), "TOKEN_REVOKED");
    let granted = root.caller.send(IMPERSONATE, json!({ "input": input })).await;
    let acting = test.bearer(granted.data("impersonate")["accessToken"].as_str().unwrap());
    assert_eq!(acting.send(operation!("logout"), json!({})).await.data("logout")["revokedSessions"], 1);
    ada.caller.me().await.data("me");
}

#[tokio::test]
async fn invalid_values_and_unknown_users_are_rejected() {
    let (test, root, _) = staffed().await;
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    let mut spelt_out = id(&ada);
    spelt_out["metadata"] = json!({ "a": "six characters: \\u0000" });
    root.caller.send(UPDATE, json!({ "input": spelt_out })).await.data("updateUser");
    for (field, value) in [
        ("firstName", json!("a".repeat(151))),
        ("lastName", json!("a\u{0}")),
        ("phoneNumber", json!("1".repeat(33))),
        ("email", json!("nobody")),
        ("metadata", json!([1])),
        ("metadata", json!({ "a": ["\u{0}"] })),
        ("metadata", json!({ "a\u{0}": 1 })),
        ("metadata", json!({ "a": "b".repeat(20_000) })),
    ] {
        let mut input = id(&ada);
        input[field] = value;
        assert_eq!(root.caller.send(UPDATE, json!({ "input": input })).await.code(), "VALIDATION_FAILED", "{field}");
    }
    let taken = json!({ "input": { "id": ada.user.id.to_string(), "email": "root@test.com" } });
    assert_eq!(root.caller.send(UPDATE, taken).await.code(), "CONFLICT");
    let taken = json!({ "input": { "email": "ADA@test.com" } });
    assert_eq!(root.caller.send(CREATE, taken).await.code(), "CONFLICT");
    for mutation in [DISABLE, ENABLE, DELETE, RESTORE, RESET, REVOKE, SESSIONS] {
        let nobody = json!({ "id": "00000000-0000-7000-8000-000000000000" });
        assert_eq!(root.caller.send(mutation, nobody).await.code(), "NOT_FOUND", "{mutation}");
        assert_eq!(root.caller.send(mutation, json!({ "id": "x" })).await.code(), "VALIDATION_FAILED", "{mutation}");
        assert_eq!(ada.caller.send(mutation, id(&ada)).await.code(), "FORBIDDEN", "{mutation}");
        assert_eq!(test.anonymous().send(mutation, id(&ada)).await.code(), "UNAUTHENTICATED", "{mutation}");
    }
}

#[tokio::test]
async fn a_search_finds_parts_of_the_address_and_of_the_full_name() {
    let test = TestApp::new().await;
    test.create_user("grace@test.com").await;
    let found_by = [
        ("ADA LOVE", 1),
        ("ace@t", 1),
        ("lace@", 0),
        ("100%", 0),
        ("grace@test.com", 1),
        ("grace@test.com Ada", 1),
        ("grace@test.org", 0),
        ("@test.com", 1),
        ("@test.org", 0),
    ];
    for (text, found) in found_by {
        let filter = store::users::Filter { search: Some(text.parse().unwrap()), ..Default::default() };
        let listing = engine::accounts::list(&test.app, &filter, &Page::default()).await.unwrap();
        assert_eq!(listing.rows.len(), found, "{text}");
    }
}
