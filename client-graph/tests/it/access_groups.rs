//! Tests of the example with permissions of the service itself.

use async_graphql::{EmptyMutation, EmptySubscription, Request, Schema};
use client_graph::User;
use client_graph::testing::TestIssuer;
use sea_orm_migration::{MigrationTrait, SchemaManager};
use serde_json::{Value, json};

use crate::following::Following;
use crate::support::{TestDatabase, bearer};

#[path = "../../examples/access_groups.rs"]
#[expect(dead_code, reason = "the example runs by itself as well")]
mod example;

#[test]
fn whole_segments_are_compared() {
    for held in ["com.dept.team", "com.dept", "com"] {
        assert!(example::opens(held, "com.dept.team"), "{held}");
    }
    for held in ["", ".", "com.dept.te", "co", "com.dept.team.lead", "com.dept.", "com..team", "org.dept.team"] {
        assert!(!example::opens(held, "com.dept.team"), "{held}");
    }
}

#[tokio::test]
async fn the_table_of_the_service_follows_the_metadata_and_a_guard_reads_it() {
    let (issuer, database) = (TestIssuer::start().await, TestDatabase::create().await);
    let db = database.connect().await;
    example::Memberships.up(&SchemaManager::new(&db)).await.unwrap();
    let service = Following::start(issuer.auth_graph().mirror(example::mirror(db.clone())), &issuer);
    let schema = Schema::build(example::Query, EmptyMutation, EmptySubscription).data(db.clone()).finish();
    let mut ada = issuer.user("ada@example.com");
    let token = issuer.token_for(&ada).sign();
    let report = async |token: Option<&str>| {
        let headers = token.map(bearer).unwrap_or_default();
        let request = Request::new("{ report }").data(service.auth.context(&headers).await);
        let answer = serde_json::to_value(schema.execute(request).await).unwrap();
        answer["errors"][0]["extensions"]["code"].as_str().unwrap_or_default().to_owned()
    };
    assert_eq!(report(None).await, "UNAUTHENTICATED");
    for (path, code) in [
        (Value::Null, "FORBIDDEN"),
        (json!("com.dept.team"), ""),
        (json!("com.dept.te"), "FORBIDDEN"),
        (json!("com.dept"), ""),
        (json!(["com"]), "FORBIDDEN"),
        (json!(""), "FORBIDDEN"),
    ] {
        ada = User { version: ada.version + 1, metadata: json!({ "_accessGroup": { "path": path } }), ..ada };
        issuer.change_user(&ada);
        service.knows(ada.id, ada.version).await;
        assert_eq!(report(Some(&token)).await, code, "{path}");
    }
    ada = User { version: ada.version + 1, metadata: json!({ "_accessGroup": { "path": "com" } }), ..ada };
    issuer.change_user(&ada);
    service.knows(ada.id, ada.version).await;
    assert!(example::group_of(&db, ada.id).await.unwrap().is_some());
    issuer.delete_user(ada.id);
    service.until(async || example::group_of(&db, ada.id).await.unwrap().is_none()).await;
}
