//! Reading users: permissions, and lists page by page.

use engine::accounts::Rank;
use serde_json::{Value, json};

use crate::support::{Caller, SignedIn, TestApp, operation};

async fn users(caller: &Caller, variables: Value) -> crate::support::Answer {
    caller.send(operation!("users"), variables).await
}

async fn admin_and_five(test: &TestApp) -> SignedIn {
    let admin = test.signed_in("root@test.com", Rank::Superuser).await;
    for number in 1..=5 {
        test.create_user(&format!("user{number}@test.com")).await;
    }
    admin
}

fn emails(answer: &crate::support::Answer) -> Vec<String> {
    let edges = answer.data("users")["edges"].as_array().unwrap();
    edges.iter().map(|edge| edge["node"]["email"].as_str().unwrap().replace("@test.com", "")).collect()
}

#[tokio::test]
async fn an_anonymous_caller_sees_no_user() {
    let test = TestApp::new().await;
    let user = test.create_user("ada@test.com").await;
    assert!(test.anonymous().me().await.data("me").is_null());
    let answer = test.anonymous().send(operation!("user"), json!({ "id": user.id.to_string() })).await;
    assert_eq!(answer.code(), "UNAUTHENTICATED");
    assert_eq!(users(&test.anonymous(), json!({})).await.code(), "UNAUTHENTICATED");
}

#[tokio::test]
async fn a_user_sees_themselves_and_cannot_distinguish_other_users_from_missing_ones() {
    let test = TestApp::new().await;
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    let stranger = test.create_user("eve@test.com").await;
    let see = async |id: &str| ada.caller.send(operation!("user"), json!({ "id": id })).await.data("user").clone();
    assert_eq!(see(&ada.user.id.to_string()).await["email"], "ada@test.com");
    assert!(see(&stranger.id.to_string()).await.is_null());
    assert!(see("00000000-0000-7000-8000-000000000000").await.is_null());
    assert!(see("not an identifier").await.is_null());
    assert_eq!(users(&ada.caller, json!({})).await.code(), "FORBIDDEN");
}

#[tokio::test]
async fn staff_see_all_users() {
    let test = TestApp::new().await;
    let staff = test.signed_in("staff@test.com", Rank::Staff).await;
    let ada = test.create_user("ada@test.com").await;
    let answer = staff.caller.send(operation!("user"), json!({ "id": ada.id.to_string() })).await;
    assert_eq!(answer.data("user")["email"], "ada@test.com");
    assert_eq!(emails(&users(&staff.caller, json!({})).await), ["staff", "ada"]);
}

#[tokio::test]
async fn pages_follow_each_other_both_ways() {
    let test = TestApp::new().await;
    let admin = admin_and_five(&test).await;
    let first = users(&admin.caller, json!({ "first": 4 })).await;
    assert_eq!(emails(&first), ["root", "user1", "user2", "user3"]);
    let info = &first.data("users")["pageInfo"];
    assert_eq!((&info["hasPreviousPage"], &info["hasNextPage"]), (&json!(false), &json!(true)));
    assert_eq!(first.data("users")["totalCount"], 6);

    let second = users(&admin.caller, json!({ "first": 4, "after": info["endCursor"] })).await;
    assert_eq!(emails(&second), ["user4", "user5"]);
    let info = &second.data("users")["pageInfo"];
    assert_eq!((&info["hasPreviousPage"], &info["hasNextPage"]), (&json!(true), &json!(false)));

    let back = users(&admin.caller, json!({ "last": 2, "before": info["startCursor"] })).await;
    assert_eq!(emails(&back), ["user2", "user3"]);
    let info = &back.data("users")["pageInfo"];
    assert_eq!((&info["hasPreviousPage"], &info["hasNextPage"]), (&json!(true), &json!(true)));
}

#[tokio::test]
async fn filters_apply_and_wildcards_are_literal() {
    let test = TestApp::new().await;
    let admin = admin_and_five(&test).await;
    test.create_user("under_score@test.com").await;
    let find = async |filter: Value| emails(&users(&admin.caller, json!({ "filter": filter })).await);
    assert_eq!(find(json!({ "email": "USER3@test.com" })).await, ["user3"]);
    assert_eq!(find(json!({ "search": "SER4" })).await, ["user4"]);
    assert_eq!(find(json!({ "search": "lovelace", "isStaff": true })).await, ["root"]);
    assert_eq!(find(json!({ "search": "r_s" })).await, ["under_score"]);
    assert!(find(json!({ "search": "%" })).await.is_empty());
    assert!(find(json!({ "isActive": false })).await.is_empty());
    for search in ["'; DROP TABLE users; --", "\\", "\u{0}", "\" OR \"\"=\""] {
        let answer = users(&admin.caller, json!({ "filter": { "search": search } })).await;
        assert!(answer.body["errors"].is_null() || answer.code() == "VALIDATION_FAILED", "{}", answer.text);
    }
    assert_eq!(find(json!({})).await.len(), 7);
}

#[tokio::test]
async fn the_results_of_a_search_have_pages_too() {
    let test = TestApp::new().await;
    let admin = admin_and_five(&test).await;
    let page = async |mut variables: Value| {
        variables["filter"] = json!({ "search": "user" });
        users(&admin.caller, variables).await
    };
    let first = page(json!({ "first": 2 })).await;
    assert_eq!(emails(&first), ["user1", "user2"], "there are more than a page");
    let info = &first.data("users")["pageInfo"];
    assert_eq!(info["hasNextPage"], true);
    let rest = page(json!({ "first": 9, "after": info["endCursor"] })).await;
    assert_eq!(emails(&rest), ["user3", "user4", "user5"], "and then fewer");
    assert_eq!(rest.data("users")["pageInfo"]["hasNextPage"], false);
    let last = page(json!({ "last": 2 })).await;
    assert_eq!(emails(&last), ["user4", "user5"]);
    let before = page(json!({ "last": 9, "before": last.data("users")["pageInfo"]["startCursor"] })).await;
    assert_eq!(emails(&before), ["user1", "user2", "user3"]);
    let disabled = json!({ "filter": { "search": "user", "isActive": false } });
    assert!(emails(&users(&admin.caller, disabled).await).is_empty());
}

/// In another service, they reached the query.
#[tokio::test]
async fn cve_2026_33503_and_cve_2026_33504_forged_cursors_and_lengths_are_rejected() {
    let test = TestApp::new().await;
    let admin = admin_and_five(&test).await;
    let page = users(&admin.caller, json!({ "first": 1 })).await;
    let good = page.data("users")["pageInfo"]["endCursor"].as_str().unwrap().to_owned();
    let flipped = format!("{}{}", if good.starts_with('A') { "B" } else { "A" }, &good[1..]);
    for variables in [
        json!({ "after": flipped }),
        json!({ "after": &good[..good.len() - 1] }),
        json!({ "after": format!("{good}A") }),
        json!({ "before": "' OR 1=1" }),
        json!({ "before": "" }),
        json!({ "first": -1 }),
        json!({ "first": 101 }),
        json!({ "last": i32::MAX }),
        json!({ "first": 1, "last": 1 }),
        json!({ "filter": { "email": "no address" } }),
    ] {
        assert_eq!(users(&admin.caller, variables.clone()).await.code(), "VALIDATION_FAILED", "{variables}");
    }
}
