//! Failures of the database in the middle of a request: the errors of callers, and the recovery of the service.

use model::error::{Code, Error};
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, ConnectionTrait, DbBackend, DbErr, EntityTrait, QueryFilter, Statement};
use store::{change_head, outbox};

use crate::support::TestApp;

/// The server terminates the connection, as it does when it stops.
#[tokio::test]
async fn a_lost_connection_is_reported_as_unavailable() {
    let test = TestApp::with(|config| config.database.max_connections = 1).await;
    let db = &test.app.db;
    if db.get_database_backend() != DbBackend::Postgres {
        return;
    }
    let elsewhere = test.replica().await;
    let txn = store::begin(db).await.unwrap();
    let pid = Statement::from_string(DbBackend::Postgres, "SELECT pg_backend_pid()");
    let pid: i32 = txn.query_one_raw(pid).await.unwrap().unwrap().try_get_by_index(0).unwrap();
    elsewhere.db.execute_unprepared(&format!("SELECT pg_terminate_backend({pid}, 10000)")).await.unwrap();
    for _ in ["reported by the server", "found out"] {
        assert_eq!(Error::from(move_on(&txn).await.unwrap_err()).code(), Code::Unavailable);
    }
    drop(txn);
    move_on(db).await.unwrap();
}

/// SQLite rolls a transaction back by itself when the disk is full. sqlx 0.9.0 does not notice. Later writes of the
/// connection were invisible to others, and lost when the process ended.
#[tokio::test]
async fn writes_after_a_full_disk_are_visible_to_others() {
    let test = TestApp::with(|config| config.database.max_connections = 1).await;
    let db = &test.app.db;
    if db.get_database_backend() != DbBackend::Sqlite {
        return;
    }
    let elsewhere = test.replica().await;
    db.execute_unprepared("CREATE TABLE large (content BLOB)").await.unwrap();
    let txn = store::begin(db).await.unwrap();
    txn.execute_unprepared("PRAGMA max_page_count = 1").await.unwrap();
    // It is a single row. With several rows, SQLite would only roll back the statement.
    let full = txn.execute_unprepared("INSERT INTO large VALUES (randomblob(100000))").await.unwrap_err();
    drop(txn);
    assert_eq!(Error::from(full).code(), Code::Unavailable);

    db.execute_unprepared("PRAGMA max_page_count = 1000000").await.unwrap();
    drop(store::begin(db).await.unwrap());
    let before = outbox::last(&elsewhere.db).await.unwrap();
    let txn = store::begin(db).await.unwrap();
    move_on(&txn).await.unwrap();
    txn.commit().await.unwrap();
    assert_eq!(outbox::last(&elsewhere.db).await.unwrap(), before + 1);
}

#[tokio::test]
async fn a_database_that_another_program_locks_is_busy() {
    let test = TestApp::with(|config| config.database.max_connections = 1).await;
    if test.app.db.get_database_backend() != DbBackend::Sqlite {
        return;
    }
    let impatient = test.replica().await;
    impatient.db.execute_unprepared("PRAGMA busy_timeout = 0").await.unwrap();
    let _locked = store::begin(&test.app.db).await.unwrap();
    let busy = move_on(&impatient.db).await.unwrap_err();
    assert_eq!(Error::from(busy).code(), Code::Unavailable);
}

async fn move_on(db: &impl ConnectionTrait) -> Result<(), DbErr> {
    let further = Expr::col(change_head::Column::Position).add(1);
    let moving = change_head::Entity::update_many().col_expr(change_head::Column::Position, further);
    moving.filter(change_head::Column::Id.eq(1)).exec(db).await.map(drop)
}
