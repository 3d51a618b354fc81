//! Users of the client service as a gateway requests them: many at once, with one query.

use client_graph::{User, UserId};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::queries::count_queries;
use crate::service::{Service, code};

/// Query for representations of users, with a page of the notes of each.
const ENTITIES: &str = "query($of: [_Any!]!, $first: Int, $after: String) { _entities(representations: $of) { \
    ... on User { notes(first: $first, after: $after) { nodes { text } pageInfo { hasNextPage endCursor } } } } }";

fn representations(ids: &[UserId]) -> Value {
    ids.iter().map(|id| json!({ "__typename": "User", "id": id })).collect()
}

fn texts(page: &Value) -> Vec<&str> {
    page["nodes"].as_array().unwrap().iter().map(|note| note["text"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn an_entity_has_only_the_notes_of_its_user() {
    let service = Service::start().await;
    let ((ada, hers), (eve, other)) = (service.user("ada@example.com"), service.user("eve@example.com"));
    service.add_note(&hers, "hers").await;
    service.add_note(&other, "other").await;
    let query =
        "query($of: [_Any!]!) { _entities(representations: $of) { ... on User { id notes { nodes { text } } } } }";
    let of = [&json!(ada.id), &json!(eve.id), &json!("not-a-uuid")].map(|id| json!({ "__typename": "User", "id": id }));
    let answer = service.graphql(Some(&hers), query, json!({ "of": of })).await;
    let entities = &answer["data"]["_entities"];
    assert_eq!(entities[0], json!({ "id": ada.id, "notes": { "nodes": [{ "text": "hers" }] } }));
    assert_eq!(entities[1]["notes"]["nodes"], json!([{ "text": "other" }]));
    assert_eq!(entities[2], Value::Null);
}

#[tokio::test]
async fn the_notes_of_a_thousand_users_are_one_query() {
    let service = Service::start().await;
    let ((ada, hers), (eve, other)) = (service.user("ada@example.com"), service.user("eve@example.com"));
    for text in ["first", "second", "third"] {
        service.issuer.clock().advance(std::time::Duration::from_millis(5));
        service.add_note(&hers, text).await;
    }
    service.add_note(&other, "other").await;
    let strangers = std::iter::repeat_with(|| UserId(Uuid::new_v4())).take(998);
    let all: Vec<UserId> = [ada.id].into_iter().chain(strangers).chain([eve.id]).collect();
    let ask = async |of: &[UserId], after: Value| {
        let variables = json!({ "of": representations(of), "first": 2, "after": after });
        count_queries(service.graphql(Some(&hers), ENTITIES, variables)).await
    };

    let (answer, queries) = ask(&all, Value::Null).await;

    assert_eq!((queries, answer.get("errors")), (1, None));
    let pages: Vec<&Value> =
        answer["data"]["_entities"].as_array().unwrap().iter().map(|user| &user["notes"]).collect();
    assert_eq!(pages.len(), 1000);
    assert_eq!((texts(pages[0]), &pages[0]["pageInfo"]["hasNextPage"]), (vec!["third", "second"], &json!(true)));
    assert_eq!((texts(pages[999]), &pages[999]["pageInfo"]["hasNextPage"]), (vec!["other"], &json!(false)));
    assert!(pages[1..999].iter().all(|page| texts(page).is_empty()));
    let alone = ask(&[ada.id], Value::Null).await;
    assert_eq!((alone.1, &alone.0["data"]["_entities"][0]["notes"]), (1, pages[0]), "a single user has the same page");

    let cursor = &pages[0]["pageInfo"]["endCursor"];
    let (answer, queries) = ask(&[ada.id; 1000], cursor.clone()).await;
    assert_eq!((queries, answer.get("errors")), (1, None), "the next page of one user, even if the user occurs twice");
    assert_eq!(texts(&answer["data"]["_entities"][999]["notes"]), ["first"]);
    let (answer, _) = ask(&[ada.id, eve.id], cursor.clone()).await;
    assert_eq!(code(&answer), "VALIDATION_FAILED", "a cursor of another user's notes");
}

#[tokio::test]
async fn the_notes_of_all_authors_of_a_page_are_one_query() {
    let service = Service::start().await;
    let mut token = String::new();
    for name in ["ada", "eve", "kim"] {
        token = service.user(&format!("{name}@example.com")).1;
        service.add_note(&token, name).await;
    }
    let query = "{ notes { nodes { text author { notes { nodes { text author { notes { nodes { text } } } } } } } } }";

    let (answer, queries) = count_queries(service.graphql(Some(&token), query, json!({}))).await;

    assert_eq!(
        (queries, answer.get("errors")),
        (2, None),
        "one query for all notes, and one for those of their authors"
    );
    for note in answer["data"]["notes"]["nodes"].as_array().unwrap() {
        let own = &note["author"]["notes"]["nodes"][0];
        assert_eq!((&own["text"], &own["author"]["notes"]["nodes"][0]["text"]), (&note["text"], &note["text"]));
    }
}

/// Notes with the public profiles of their authors.
const AUTHORS: &str = "{ notes { nodes { text author { id displayName pictureUrl } } } }";

/// Returns a service whose mirror has two authors, one of whom has a picture, and the token of another user.
async fn with_authors(settings: &[(&str, &str)]) -> (Service, String) {
    let service = Service::start_with(settings).await;
    for name in ["ada", "eve"] {
        let (user, token) = service.user(&format!("{name}@example.com"));
        let metadata = json!({ "picture": format!("https://example.com/{name}.png") });
        service.issuer.change_user(&User { first_name: name.to_owned(), metadata, ..user });
        service.add_note(&token, name).await;
    }
    let (_, token) = service.user("kim@example.com");
    (service, token)
}

#[tokio::test]
async fn notes_have_their_authors_names_from_the_mirror_and_auth_graph_is_not_asked() {
    let (service, token) = with_authors(&[("users.public_fields", "displayName,pictureUrl")]).await;
    let calls = service.issuer.all_calls();
    let (answer, queries) = count_queries(service.graphql(Some(&token), AUTHORS, json!({}))).await;
    assert_eq!((queries, answer.get("errors")), (2, None), "one query for the notes, and one for their authors");
    assert_eq!(service.issuer.all_calls(), calls);
    let nodes = answer["data"]["notes"]["nodes"].as_array().unwrap();
    assert_eq!(nodes.len(), 2);
    for note in nodes {
        let name = note["text"].as_str().unwrap();
        assert!(note["author"]["displayName"].as_str().unwrap().starts_with(name), "{note}");
        assert_eq!(note["author"]["pictureUrl"], format!("https://example.com/{name}.png"));
    }
}

#[tokio::test]
async fn a_profile_that_is_not_public_is_refused_at_its_fields_and_the_notes_stay() {
    let (service, token) = with_authors(&[("users.public_fields", "displayName")]).await;
    let answer = service.graphql(Some(&token), AUTHORS, json!({})).await;
    let errors = answer["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 2, "{answer}");
    for error in errors {
        assert_eq!(error["path"][4], "pictureUrl");
        assert_eq!(
            (&error["extensions"]["code"], &error["extensions"]["reason"]),
            (&json!("FORBIDDEN"), &json!("MISSING_SCOPE"))
        );
        assert_eq!(error["extensions"]["requiredScopes"], json!(["users:read"]));
    }
    for note in answer["data"]["notes"]["nodes"].as_array().unwrap() {
        let author = note["author"].as_object().unwrap();
        assert!(author["displayName"].is_string() && author.get("pictureUrl") == Some(&Value::Null), "{note}");
    }

    let (eve, hers) = service.user("eve2@example.com");
    service.add_note(&hers, "own").await;
    let own = "{ notes(first: 1) { nodes { author { id pictureUrl } } } }";
    let answer = service.graphql(Some(&hers), own, json!({})).await;
    assert_eq!(answer["data"]["notes"]["nodes"][0]["author"], json!({ "id": eve.id, "pictureUrl": null }));
    assert_eq!(answer.get("errors"), None, "users see their own profile");
    let staff = service.issuer.token_for(&service.issuer.user("staff@example.com")).scope("users:read").sign();
    assert_eq!(service.graphql(Some(&staff), AUTHORS, json!({})).await.get("errors"), None);
}
