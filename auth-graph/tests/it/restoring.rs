//! A database that was restored from a backup: its readers notice it, and their copies become correct again.

use engine::administration::{self, Update};
use engine::callers::Actor;
use engine::feed::reset;
use model::values::UserId;
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter};
use serde_json::{Value, json};
use store::users::Model as User;
use store::{change_head, changes, outbox};

use crate::support::{Caller, TestApp, operation};

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
