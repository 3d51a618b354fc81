//! A database that was restored from a backup: its readers notice it, and their copies become correct again.

use engine::administration::{self, Update};
use engine::callers::Actor;
use engine::feed::{outbox as following, reset};
use engine::webhooks;
use model::values::UserId;
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter};
use serde_json::{Value, json};
use store::users::Model as User;
use store::{change_head, changes, outbox};

use crate::logs::Captured;
use crate::support::{Caller, Site, TestApp, operation};

async fn rename(test: &TestApp, id: UserId, name: &str) {
    let update = Update { first_name: Some(name.to_owned()), ..Update::default() };
    administration::update(&test.app, &Actor::operator(), id, update).await.unwrap();
}

/// Sets the database back to a position at which only this user existed.
async fn restore(test: &TestApp, position: i64, user: User) {
    let db = &test.app.db;
    changes::Entity::delete_many().filter(changes::Column::Position.gt(position)).exec(db).await.unwrap();
    let head = change_head::Entity::update_many().col_expr(change_head::Column::Position, Expr::value(position));
    head.filter(change_head::Column::Id.eq(1)).exec(db).await.unwrap();
    user.into_active_model().reset_all().update(db).await.unwrap();
}

async fn changes_after(caller: &Caller, after: &Value) -> crate::support::Answer {
    caller.send(operation!("user_changes"), json!({ "after": after })).await
}

#[tokio::test]
async fn a_reader_that_knows_lost_changes_starts_again_and_accepts_the_restored_state() {
    let test = TestApp::new().await;
    let client = test.service_client("reader", "feed:read").await;
    let caller = test.bearer(&client.token().await);
    let ada = test.create_user("ada@test.com").await;
    let backup = outbox::last(&test.app.db).await.unwrap();
    for name in ["Augusta", "Countess"] {
        rename(&test, ada.id, name).await;
    }
    let page = changes_after(&caller, &Value::Null).await;
    let known = page.data("userChanges")["nodes"].as_array().unwrap().last().unwrap().clone();
    restore(&test, backup, ada.clone()).await;
    reset::announce(&test.app).await.unwrap();

    // There are as many new changes as lost ones, so that the position alone does not show the restore.
    for name in ["Byron", "Lovelace", "King"] {
        rename(&test, ada.id, name).await;
    }
    assert_eq!(changes_after(&caller, &known["cursor"]).await.code(), "CURSOR_EXPIRED");
    let snapshots = caller.send(operation!("user_snapshots"), json!({})).await;
    let now = &snapshots.data("userSnapshots")["nodes"][0];
    assert!(now["version"].as_i64() > known["user"]["version"].as_i64(), "{now} {known}");
    assert_eq!(now["firstName"], "King");
    let oldest = changes_after(&caller, &Value::Null).await;
    assert_eq!(oldest.data("userChanges")["nodes"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn a_cursor_of_another_history_has_expired_whatever_its_position() {
    let test = TestApp::new().await;
    let client = test.service_client("reader", "feed:read").await;
    let caller = test.bearer(&client.token().await);
    let ada = test.create_user("ada@test.com").await;
    let backup = outbox::last(&test.app.db).await.unwrap();
    let mut cursors = Vec::new();
    // The same backup is restored twice, so that the same positions are given to other changes.
    for names in [["Augusta", "Countess"], ["Byron", "King"]] {
        restore(&test, backup, ada.clone()).await;
        reset::announce(&test.app).await.unwrap();
        for name in names {
            rename(&test, ada.id, name).await;
        }
        let page = changes_after(&caller, &Value::Null).await;
        let nodes = page.data("userChanges")["nodes"].as_array().unwrap().clone();
        assert_eq!(nodes.len(), 2);
        for node in &nodes {
            assert!(changes_after(&caller, &node["cursor"]).await.body["errors"].is_null());
        }
        cursors.push(nodes[0]["cursor"].clone());
    }
    assert_ne!(cursors[0], cursors[1]);
    for operation in [operation!("user_changes"), operation!("revocations")] {
        let answer = caller.send(operation, json!({ "after": cursors[0] })).await;
        assert_eq!(answer.code(), "CURSOR_EXPIRED");
    }
}

#[tokio::test]
async fn replicas_share_the_history_and_read_each_others_cursors() {
    let test = TestApp::new().await;
    let replica = test.replica().await;
    let client = test.service_client("reader", "feed:read").await;
    let caller = test.bearer(&client.token().await);
    test.create_user("ada@test.com").await;
    let before = changes_after(&caller, &Value::Null).await.data("userChanges")["nodes"][0]["cursor"].clone();
    reset::announce(&replica).await.unwrap();
    // A replica that runs notices the gap when it follows the outbox.
    test.create_user("bob@test.com").await;
    following::catch_up(&test.app).await.unwrap();
    assert_eq!(changes_after(&caller, &before).await.code(), "CURSOR_EXPIRED");
    let page = changes_after(&caller, &Value::Null).await;
    let after = &page.data("userChanges")["nodes"][0]["cursor"];
    assert!(changes_after(&caller, after).await.body["errors"].is_null());
}

/// The restore was not reported: the history is the same, and the readers know more than the database.
#[tokio::test]
async fn a_restore_that_was_not_reported_expires_the_cursors_of_lost_changes_and_is_logged() {
    let captured = Captured::default();
    let subscriber = tracing_subscriber::fmt().with_writer(captured.clone()).with_ansi(false).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let reported = |who: &str| {
        let lines: Vec<String> = captured.text().lines().map(str::to_owned).collect();
        lines.iter().any(|line| line.contains("run `auth-graph restored`") && line.contains(who))
    };
    let test = TestApp::new().await;
    let client = test.service_client("reader", "feed:read").await;
    let ada = test.create_user("ada@test.com").await;
    let backup = outbox::last(&test.app.db).await.unwrap();
    for name in ["Augusta", "Countess"] {
        rename(&test, ada.id, name).await;
    }
    following::catch_up(&test.app).await.unwrap();
    let caller = test.bearer(&client.token().await);
    let page = changes_after(&caller, &Value::Null).await;
    let known = page.data("userChanges")["nodes"].as_array().unwrap().last().unwrap()["cursor"].clone();
    restore(&test, backup, ada.clone()).await;

    for operation in [operation!("user_changes"), operation!("revocations")] {
        let answer = caller.send(operation, json!({ "after": known })).await;
        assert_eq!(answer.code(), "CURSOR_EXPIRED");
    }
    assert!(reported("a reader of the feed"), "{}", captured.text());

    test.app.clock.advance(chrono::Duration::minutes(2));
    following::catch_up(&test.app).await.unwrap();
    assert!(reported("this replica"), "{}", captured.text());
}

#[tokio::test]
async fn a_webhook_that_knows_lost_changes_is_logged() {
    let captured = Captured::default();
    let subscriber = tracing_subscriber::fmt().with_writer(captured.clone()).with_ansi(false).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let site = Site::new().await;
    assert!(webhooks::with_work(&site.test.app).await.is_ok());
    assert!(!captured.text().contains("auth-graph restored"));
    store::webhooks::move_to(&site.test.app.db, 1000).await.unwrap();
    webhooks::with_work(&site.test.app).await.unwrap();
    assert!(captured.text().contains("a webhook"), "{}", captured.text());
}

/// The first attempt was found to be wrong, and the same backup is put back once more.
#[tokio::test]
async fn a_second_restore_of_the_same_backup_has_higher_versions_than_the_first() {
    let test = TestApp::new().await;
    let ada = test.create_user("ada@test.com").await;
    let backup = outbox::last(&test.app.db).await.unwrap();
    let restored = async || {
        restore(&test, backup, ada.clone()).await;
        reset::announce(&test.app).await.unwrap();
        store::users::find(&test.app.db, ada.id).await.unwrap().unwrap().version
    };
    let first = restored().await;
    for name in ["Byron", "Lovelace", "King"] {
        rename(&test, ada.id, name).await;
    }
    test.app.clock.advance(chrono::Duration::minutes(1));
    assert!(restored().await > first + 3);
}
