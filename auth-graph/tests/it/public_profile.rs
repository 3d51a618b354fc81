//! The public profile: what every signed-in caller sees of others, and that nothing else is shown.

use engine::accounts::{Deletion, Rank};
use engine::administration::{self, Update};
use engine::callers::Actor;
use engine::clients;
use model::values::{Projection, PublicFields, RolesAndScopes};
use serde_json::{Value, json};
use store::users::Model as User;

use crate::support::{Caller, TestApp, count_queries, operation};

const PROFILE: &str = operation!("public_profile");
const ENTITIES: &str = "query($of: [_Any!]!) { _entities(representations: $of) { ... on User { id displayName
    pictureUrl } } }";
const NOT_PUBLIC: [&str; 17] = [
    "email",
    "username",
    "firstName",
    "lastName",
    "phoneNumber",
    "locale",
    "dateJoined",
    "lastLogin",
    "isActive",
    "isStaff",
    "isSuperuser",
    "emailVerified",
    "roles",
    "scopes",
    "metadata",
    "updatedAt",
    "version",
];

async fn with(public: &[&str]) -> TestApp {
    let public = PublicFields::try_from(public.iter().map(|&name| name.to_owned()).collect::<Vec<_>>()).unwrap();
    TestApp::with(|config| config.users.public_fields = public).await
}

/// Creates an app in which the demo's fields are public, and a user with a picture.
async fn public() -> (TestApp, User) {
    let test = with(&["displayName", "pictureUrl"]).await;
    let eve = test.create_user("eve@test.com").await;
    let metadata = Some(json!({ "picture": "https://example.com/eve.png", "salary": "a secret figure" }));
    let update = Update { metadata, ..Update::default() };
    let eve = administration::update(&test.app, &Actor::operator(), eve.id, update).await.unwrap();
    (test, eve)
}

fn of(user: &User) -> Value {
    json!({ "id": user.id, "displayName": "Ada Lovelace", "pictureUrl": "https://example.com/eve.png" })
}

async fn entities(caller: &Caller, ids: &[Value]) -> Value {
    let of: Vec<Value> = ids.iter().map(|id| json!({ "__typename": "User", "id": id })).collect();
    caller.send(ENTITIES, json!({ "of": of })).await.data("_entities").clone()
}

#[tokio::test]
async fn every_signed_in_caller_sees_the_public_profile_of_others() {
    let (test, eve) = public().await;
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    let root = test.signed_in("root@test.com", Rank::Superuser).await;
    let service = test.bearer(&test.service_client("shop", "").await.token().await);
    let input = json!({ "id": ada.user.id.to_string(), "reason": "ticket 7" });
    let document = "mutation($input: ImpersonateInput!) { impersonate(input: $input) { accessToken } }";
    let granted = root.caller.send(document, json!({ "input": input })).await;
    let acting = test.bearer(granted.data("impersonate")["accessToken"].as_str().unwrap());
    for caller in [&ada.caller, &service, &acting, &root.caller] {
        assert_eq!(caller.send(PROFILE, json!({ "id": eve.id })).await.data("user"), &of(&eve));
        assert_eq!(entities(caller, &[json!(eve.id), json!("x")]).await, json!([of(&eve), null]));
    }
}

#[tokio::test]
async fn any_other_field_is_refused_at_the_field_and_the_list_stays() {
    let (test, eve) = public().await;
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    for field in NOT_PUBLIC {
        let query = format!("query($id: ID!) {{ user(id: $id) {{ displayName {field} }} me {{ {field} }} }}");
        let answer = ada.caller.send(&query, json!({ "id": eve.id })).await;
        assert_eq!(answer.code(), "FORBIDDEN", "{field}");
        let error = answer.error();
        assert_eq!(error["path"], json!(["user", field]));
        assert_eq!(error["extensions"]["reason"], "MISSING_SCOPE");
        assert_eq!(error["extensions"]["requiredScopes"], json!(["users:read"]));
        let user = answer.body["data"]["user"].as_object().unwrap();
        assert_eq!((&user["displayName"], user.get(field)), (&json!("Ada Lovelace"), Some(&Value::Null)), "{field}");
    }
    let query = "query($of: [_Any!]!) { _entities(representations: $of) { ... on User { id email } } }";
    let ids = [&ada.user, &eve].map(|user| json!({ "__typename": "User", "id": user.id }));
    let answer = ada.caller.send(query, json!({ "of": ids })).await;
    assert_eq!((answer.code(), &answer.error()["path"]), ("FORBIDDEN", &json!(["_entities", 1, "email"])));
    let expected = json!([{ "id": ada.user.id, "email": "ada@test.com" }, { "id": eve.id, "email": null }]);
    assert_eq!(answer.body["data"]["_entities"], expected);
    for secret in ["eve@test.com", "a secret figure"] {
        assert!(!answer.text.contains(secret), "{}", answer.text);
    }
}

#[tokio::test]
async fn an_anonymous_caller_must_sign_in() {
    let (test, eve) = public().await;
    let nobody = test.anonymous();
    for id in [json!(eve.id), json!("00000000-0000-7000-8000-000000000000"), json!("x")] {
        assert_eq!(nobody.send(PROFILE, json!({ "id": id })).await.code(), "UNAUTHENTICATED", "{id}");
        let representations = json!([{ "__typename": "User", "id": id }]);
        assert_eq!(nobody.send(ENTITIES, json!({ "of": representations })).await.code(), "UNAUTHENTICATED", "{id}");
    }
    let bad = test.bearer("outdated");
    assert_eq!(bad.send(PROFILE, json!({ "id": eve.id })).await.code(), "TOKEN_INVALID");
}

#[tokio::test]
async fn without_public_fields_existence_is_not_told() {
    let test = TestApp::new().await;
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    let eve = test.create_user("eve@test.com").await;
    test.app.tokens.revocations.complete_at(test.app.clock.now());
    for id in [json!(eve.id), json!("00000000-0000-7000-8000-000000000000"), json!("x")] {
        let asked = async { ada.caller.send(PROFILE, json!({ "id": id })).await.data("user").clone() };
        assert_eq!(
            count_queries(asked).await,
            (Value::Null, 0),
            "{id}: no query, so that the time tells nothing either"
        );
        assert_eq!(count_queries(entities(&ada.caller, std::slice::from_ref(&id))).await, (json!([null]), 0), "{id}");
    }
}

#[tokio::test]
async fn a_disabled_user_keeps_the_profile_and_a_deleted_one_is_as_one_who_never_was() {
    let (test, eve) = public().await;
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    test.disable(eve.id).await;
    assert_eq!(entities(&ada.caller, &[json!(eve.id)]).await, json!([of(&eve)]));
    administration::delete(&test.app, &Actor::operator(), eve.id, Deletion::Restorable, None).await.unwrap();
    let never = json!("00000000-0000-7000-8000-000000000000");
    assert_eq!(entities(&ada.caller, &[json!(eve.id), never]).await, json!([null, null]));
    assert_eq!(ada.caller.send(PROFILE, json!({ "id": eve.id })).await.data("user"), &Value::Null);
}

#[tokio::test]
async fn a_thousand_profiles_of_strangers_are_one_query() {
    let (test, eve) = public().await;
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    let mut ids = vec![json!(eve.id)];
    for number in 0..20 {
        ids.push(json!(test.create_user(&format!("user-{number}@test.com")).await.id));
    }
    ids.resize_with(1_000, || json!(uuid::Uuid::new_v4()));
    test.app.tokens.revocations.complete_at(test.app.clock.now());
    let (answer, queries) = count_queries(entities(&ada.caller, &ids)).await;
    assert_eq!(queries, 1);
    assert_eq!(answer.as_array().unwrap().iter().filter(|user| !user.is_null()).count(), 21);
}

#[tokio::test]
async fn refusals_of_a_long_list_do_not_make_the_answer_long() {
    let (test, eve) = public().await;
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    let of = vec![json!({ "__typename": "User", "id": eve.id }); 1_000];
    let query = "query($of: [_Any!]!) { _entities(representations: $of) { ... on User { id email roles version } } }";
    let answer = ada.caller.send(query, json!({ "of": of })).await;
    assert_eq!(answer.body["errors"].as_array().unwrap().len(), 1_000);
    let users = answer.body["data"]["_entities"].as_array().unwrap();
    let hidden = json!({ "id": eve.id, "email": null, "roles": null, "version": null });
    assert!(users.len() == 1_000 && users.iter().all(|user| *user == hidden));
}

/// An administrator has said which users and fields the client may see; the public profile does not widen that.
#[tokio::test]
async fn a_limited_client_sees_the_public_profile_within_its_limits() {
    let (test, eve) = public().await;
    let limited = async |name: &str, roles: &[&str], fields: Option<&[&str]>| {
        let users = RolesAndScopes { roles: roles.iter().map(|&role| role.to_owned()).collect(), ..Default::default() };
        let fields: Option<Vec<String>> = fields.map(|fields| fields.iter().map(|&field| field.to_owned()).collect());
        let client = test.service_client(name, "feed:read").await;
        let projection = Projection::parse(users, fields.as_deref()).unwrap();
        clients::set_projection(&test.app, &Actor::operator(), client.id, Some(projection)).await.unwrap();
        test.bearer(&client.token().await)
    };
    let sellers = limited("sellers", &["staff"], None).await;
    assert_eq!(entities(&sellers, &[json!(eve.id)]).await, json!([null]));
    let names = limited("names", &[], Some(&["displayName"])).await;
    let answer = names.send(PROFILE, json!({ "id": eve.id })).await;
    assert_eq!(answer.body["data"]["user"]["displayName"], "Ada Lovelace");
    assert_eq!((answer.code(), &answer.error()["extensions"]["reason"]), ("FORBIDDEN", &json!("LIMITED_CLIENT")));
    let pictures = limited("pictures", &[], Some(&["displayName", "pictureUrl"])).await;
    let snapshot = pictures.send(operation!("user_snapshot"), json!({ "id": eve.id })).await;
    let snapshot = snapshot.data("userSnapshot");
    assert_eq!((&snapshot["firstName"], &snapshot["lastName"]), (&json!("Ada"), &json!("Lovelace")), "for a mirror");
    assert_eq!(snapshot["metadata"], json!({ "picture": "https://example.com/eve.png" }));
    assert_eq!((&snapshot["email"], &snapshot["phoneNumber"]), (&Value::Null, &Value::Null));
}

#[tokio::test]
async fn a_copy_of_a_stranger_is_not_a_public_profile() {
    let (test, eve) = public().await;
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    let answer = ada.caller.send(operation!("user_snapshot"), json!({ "id": eve.id })).await;
    assert_eq!(answer.data("userSnapshot"), &Value::Null);
}

#[tokio::test]
async fn single_keys_of_the_metadata_and_the_language_can_be_public() {
    let test = with(&["locale", "metadata.nickname"]).await;
    let eve = test.create_user("eve@test.com").await;
    let metadata = Some(json!({ "nickname": "evie", "salary": 7 }));
    let update = Update { metadata, ..Update::default() };
    administration::update(&test.app, &Actor::operator(), eve.id, update).await.unwrap();
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    let query = "query($id: ID!) { user(id: $id) { locale metadata } }";
    let answer = ada.caller.send(query, json!({ "id": eve.id })).await;
    assert_eq!(answer.data("user"), &json!({ "locale": null, "metadata": { "nickname": "evie" } }));
    let query = "query($id: ID!) { user(id: $id) { displayName } }";
    assert_eq!(ada.caller.send(query, json!({ "id": eve.id })).await.code(), "FORBIDDEN");
    assert_eq!(ada.caller.send("{ me { displayName } }", json!({})).await.data("me")["displayName"], "Ada Lovelace");
}

#[tokio::test]
async fn users_set_and_remove_their_picture() {
    let (test, _) = public().await;
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    let query =
        "mutation($input: UpdateProfileInput!) { updateProfile(input: $input) { user { pictureUrl metadata } } }";
    let set = async |url: Value| ada.caller.send(query, json!({ "input": { "pictureUrl": url } })).await;
    ada.caller.send(operation!("set_metadata"), json!({ "metadata": { "theme": "dark" } })).await.data("setMetadata");
    let user = set(json!(" https://example.com/ada b.png ")).await.data("updateProfile")["user"].clone();
    let url = "https://example.com/ada%20b.png";
    assert_eq!(user, json!({ "pictureUrl": url, "metadata": { "theme": "dark", "picture": url } }));
    for bad in ["http://example.com/a.png", "javascript:alert(1)", "https://a:b@example.com/", "ada.png", ""] {
        let refused = set(json!(bad)).await;
        assert_eq!(
            (refused.code(), &refused.error()["extensions"]["field"]),
            ("VALIDATION_FAILED", &json!("pictureUrl"))
        );
    }
    let user = set(Value::Null).await.data("updateProfile")["user"].clone();
    assert_eq!(user, json!({ "pictureUrl": null, "metadata": { "theme": "dark" } }));
    let odd = json!({ "metadata": { "picture": "javascript:alert(1)" } });
    ada.caller.send(operation!("set_metadata"), odd).await.data("setMetadata");
    assert_eq!(ada.caller.send("{ me { pictureUrl } }", json!({})).await.data("me")["pictureUrl"], Value::Null);
}

#[tokio::test]
async fn a_reserved_picture_is_not_set_by_users() {
    let test = TestApp::with(|config| config.accounts.reserved_metadata = vec!["picture".to_owned()]).await;
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    let query = "mutation($input: UpdateProfileInput!) { updateProfile(input: $input) { user { id } } }";
    let input = json!({ "input": { "pictureUrl": "https://example.com/ada.png" } });
    assert_eq!(ada.caller.send(query, input).await.code(), "VALIDATION_FAILED");
}
