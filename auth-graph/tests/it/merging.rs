//! Merging two accounts.

use engine::accounts::Rank;
use engine::administration::{self, Update};
use engine::callers::Actor;
use engine::easyjwt;
use model::values::Scopes;
use sea_orm::EntityTrait;
use serde_json::{Value, json};
use store::audit_events;

use crate::support::{Answer, Caller, MailingApp, SignedIn, TestApp, operation};

const MERGE: &str = "mutation($input: MergeUsersInput!) { mergeUsers(input: $input) { user { id email firstName
    metadata dateJoined version roles } } }";

async fn merge(caller: &Caller, one: &SignedIn, into: &SignedIn) -> Answer {
    let input = json!({ "id": one.user.id.to_string(), "into": into.user.id.to_string(), "reason": "the same person" });
    caller.send(MERGE, json!({ "input": input })).await
}

async fn set_metadata(test: &TestApp, of: &SignedIn, metadata: Value) {
    let update = Update { metadata: Some(metadata), ..Update::default() };
    administration::update(&test.app, &Actor::operator(), of.user.id, update).await.unwrap();
}

#[tokio::test]
async fn a_merged_account_is_deleted_and_its_identifier_leads_to_the_other() {
    let site = MailingApp::new().await;
    let test = &site.test;
    let root = test.signed_in("root@test.com", Rank::Superuser).await;
    let old = test.signed_in("old@test.com", Rank::User).await;
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    set_metadata(test, &old, json!({ "plan": "gold", "theme": "dark" })).await;
    set_metadata(test, &ada, json!({ "theme": "light" })).await;
    let number = easyjwt::number_of(&test.app, old.user.id).await.unwrap();

    let merged = merge(&root.caller, &old, &ada).await;
    let user = &merged.data("mergeUsers")["user"];
    assert_eq!((&user["id"], &user["email"]), (&json!(ada.user.id.to_string()), &json!("ada@test.com")));
    assert_eq!(user["metadata"], json!({ "plan": "gold", "theme": "light" }));
    assert_eq!(user["dateJoined"], json!(old.user.date_joined.to_rfc3339()));
    assert_eq!(easyjwt::number_of(&test.app, ada.user.id).await.unwrap(), number);

    assert_eq!(old.caller.me().await.code(), "TOKEN_REVOKED");
    assert_eq!(test.anonymous().refresh(&old.refresh).await.code(), "TOKEN_REVOKED");
    ada.caller.me().await.data("me");
    let found = root.caller.send(operation!("user"), json!({ "id": old.user.id.to_string() })).await;
    assert_eq!(found.data("user")["id"], ada.user.id.to_string());
    let entities = "query($r: [_Any!]!) { _entities(representations: $r) { ... on User { id email } } }";
    let asked = [&old, &ada].map(|user| json!({ "__typename": "User", "id": user.user.id.to_string() }));
    let found = root.caller.send(entities, json!({ "r": asked })).await;
    let one = json!({ "id": ada.user.id.to_string(), "email": "ada@test.com" });
    assert_eq!(found.data("_entities"), &json!([one, one]), "for a gateway too");
    let received = site.mail().await;
    assert_eq!((received.to.as_str(), received.subject.as_str()), ("old@test.com", "Your accounts were merged"));
    test.create_user("old@test.com").await;

    let recorded = audit_events::Entity::find().all(&test.app.db).await.unwrap();
    let recorded: Vec<_> = recorded.into_iter().filter(|event| event.action == "user.merge").collect();
    assert_eq!(recorded.len(), 2);
    assert!(recorded.iter().all(|event| event.reason.as_deref() == Some("the same person")));
    assert_eq!(merge(&root.caller, &old, &ada).await.code(), "NOT_FOUND", "it was deleted");
}

/// The account that gains nothing is recorded too: the record says with whom it was merged.
#[tokio::test]
async fn both_accounts_of_a_merge_are_recorded_when_one_gains_nothing() {
    let test = TestApp::new().await;
    let root = test.signed_in("root@test.com", Rank::Superuser).await;
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    let younger = test.signed_in("younger@test.com", Rank::User).await;
    merge(&root.caller, &younger, &ada).await.data("mergeUsers");
    let recorded = audit_events::Entity::find().all(&test.app.db).await.unwrap();
    let merged = recorded.iter().filter(|event| event.action == "user.merge");
    let mut targets: Vec<_> = merged.map(|event| event.target_id.clone()).collect();
    targets.sort_unstable();
    assert_eq!(targets, [ada.user.id.to_string(), younger.user.id.to_string()]);
}

/// Reserved keys hold what services take for a membership or a permission.
#[tokio::test]
async fn a_merge_passes_on_no_reserved_metadata_and_each_name_that_is_missing() {
    let test = TestApp::with(|config| config.accounts.reserved_metadata = vec!["billing".to_owned()]).await;
    let root = test.signed_in("root@test.com", Rank::Superuser).await;
    let old = test.signed_in("old@test.com", Rank::User).await;
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    let powerful = json!({ "_accessGroup": { "path": "com" }, "billing": { "plan": "gold" }, "theme": "dark" });
    let names = |first: &str, last: &str| (Some(first.to_owned()), Some(last.to_owned()));
    for (user, (first_name, last_name), metadata) in
        [(&old, names("One", ""), powerful), (&ada, names("", "Two"), json!({ "_team": "a" }))]
    {
        let private_metadata = Some(metadata.clone());
        let update = Update { first_name, last_name, metadata: Some(metadata), private_metadata, ..Update::default() };
        administration::update(&test.app, &Actor::operator(), user.user.id, update).await.unwrap();
    }
    merge(&root.caller, &old, &ada).await.data("mergeUsers");
    let user = engine::accounts::by_id(&test.app, ada.user.id).await.unwrap();
    let kept = json!({ "_team": "a", "theme": "dark" });
    assert_eq!((&user.metadata, &user.private_metadata), (&kept, &kept));
    assert_eq!((user.first_name.as_str(), user.last_name.as_str()), ("One", "Two"));
}

#[tokio::test]
async fn the_feed_names_the_account_that_replaces_a_merged_one() {
    let test = TestApp::new().await;
    let root = test.signed_in("root@test.com", Rank::Superuser).await;
    let old = test.signed_in("old@test.com", Rank::User).await;
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    merge(&root.caller, &old, &ada).await.data("mergeUsers");
    let reader = test.service_client("mirror", "feed:read").await;
    let reader = test.bearer(&reader.token().await);
    let query = "{ userSnapshots { edges { node { id deletedAt mergedInto email } } } }";
    let snapshots = reader.send(query, json!({})).await;
    let edges = snapshots.data("userSnapshots")["edges"].as_array().unwrap();
    let gone = edges.iter().find(|edge| edge["node"]["id"] == old.user.id.to_string()).unwrap();
    assert_eq!(gone["node"]["mergedInto"], ada.user.id.to_string());
    assert!(gone["node"]["email"].is_null() && !gone["node"]["deletedAt"].is_null());
}

#[tokio::test]
async fn no_actor_merges_accounts_with_more_permissions() {
    let test = TestApp::with(|config| {
        config.roles.insert("helper".to_owned(), Scopes::parse("users:read users:write").unwrap());
        config.roles.insert("writer".to_owned(), Scopes::parse("notes:write").unwrap());
    })
    .await;
    let root = test.signed_in("root@test.com", Rank::Superuser).await;
    let helper = test.create_user("helper@test.com").await;
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    let writer = test.signed_in("writer@test.com", Rank::User).await;
    for (user, role) in [(helper.id, "helper"), (writer.user.id, "writer")] {
        let roles = vec![role.to_owned()];
        administration::set_roles(&test.app, &Actor::operator(), user, roles, Scopes::default()).await.unwrap();
    }
    let helper = test.sign_in(helper).await;
    for (one, into) in [(&writer, &ada), (&ada, &writer), (&root, &ada), (&ada, &root)] {
        assert_eq!(merge(&helper.caller, one, into).await.code(), "FORBIDDEN");
    }
    assert_eq!(merge(&ada.caller, &ada, &writer).await.code(), "FORBIDDEN");
    assert_eq!(merge(&root.caller, &ada, &ada).await.code(), "VALIDATION_FAILED");
    assert_eq!(merge(&root.caller, &root, &ada).await.code(), "CONFLICT", "a superuser must remain");
    let merged = merge(&root.caller, &writer, &ada).await;
    assert_eq!(merged.data("mergeUsers")["user"]["roles"], json!([]), "roles are not merged");
}
