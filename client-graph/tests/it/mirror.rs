//! The mirror: one row for each user, for writes in any order.

use client_graph::mirror::Mirror;
use client_graph::testing::TestIssuer;
use client_graph::{AuthGraph, Code, User};
use futures_util::future::join_all;
use futures_util::poll;
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DbBackend, SqliteTransactionMode, Statement, TransactionOptions,
    TransactionTrait,
};

use crate::support::{TestDatabase, bearer};

async fn rows(db: &DatabaseConnection) -> i64 {
    let sql = "SELECT COUNT(*) AS count FROM mirrored_users";
    let row = db.query_one_raw(Statement::from_string(db.get_database_backend(), sql)).await.unwrap().unwrap();
    row.try_get("", "count").unwrap()
}

async fn with_mirror(issuer: &TestIssuer, db: &DatabaseConnection) -> AuthGraph {
    issuer.auth_graph().mirror(Mirror::new(db.clone())).build().unwrap()
}

#[tokio::test]
async fn the_first_request_of_a_user_creates_the_row_with_one_call() {
    let (issuer, database) = (TestIssuer::start().await, TestDatabase::create().await);
    let db = database.connect().await;
    let auth = with_mirror(&issuer, &db).await;
    let ada = issuer.user("ada@example.com");
    let headers = bearer(&issuer.token_for(&ada).sign());

    let user = auth.context(&headers).await.user().await.unwrap();

    assert_eq!((user.id, user.email.as_str(), user.version), (ada.id, "ada@example.com", 1));
    assert_eq!((user.roles, user.scopes, user.metadata), (ada.roles, ada.scopes, ada.metadata));
    assert_eq!((user.date_joined, user.updated_at), (ada.date_joined, ada.updated_at));
    assert_eq!(issuer.calls("Me"), 1);
}

#[tokio::test]
async fn a_warm_request_makes_no_call_and_reads_nothing() {
    let (issuer, database) = (TestIssuer::start().await, TestDatabase::create().await);
    let db = database.connect().await;
    let auth = with_mirror(&issuer, &db).await;
    let headers = bearer(&issuer.token_for(&issuer.user("ada@example.com")).sign());
    auth.context(&headers).await.user().await.unwrap();
    let calls = issuer.all_calls();

    // Without the table every query would fail.
    db.execute_unprepared("DROP TABLE mirrored_users").await.unwrap();
    let context = auth.context(&headers).await;
    assert!(context.principal().is_ok());
    assert_eq!(context.user().await.unwrap_err().code(), Code::Internal);
    assert_eq!(issuer.all_calls(), calls);
}

#[tokio::test]
async fn a_locked_database_is_unavailable() {
    let (issuer, database) = (TestIssuer::start().await, TestDatabase::create().await);
    let elsewhere = database.connect().await;
    let db = database.open_with(1).await;
    let auth = with_mirror(&issuer, &db).await;
    let headers = bearer(&issuer.token_for(&issuer.user("ada@example.com")).sign());
    let immediate = TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..TransactionOptions::default()
    };
    let lock = elsewhere.begin_with_options(immediate).await.unwrap();
    let (impatient, patient) = match db.get_database_backend() {
        DbBackend::Postgres => {
            lock.execute_unprepared("LOCK TABLE mirrored_users").await.unwrap();
            // This is long enough for tasks that do not wait for other tasks, such as the second of these.
            ("SET statement_timeout = 1000", "SET statement_timeout = 0")
        }
        _ => ("PRAGMA busy_timeout = 0", "PRAGMA busy_timeout = 5000"),
    };
    db.execute_unprepared(impatient).await.unwrap();

    let error = auth.context(&headers).await.user().await.unwrap_err();
    assert_eq!((error.code(), error.retry_after_seconds()), (Code::Unavailable, Some(1)));
    lock.rollback().await.unwrap();
    db.execute_unprepared(patient).await.unwrap();
    assert!(auth.context(&headers).await.user().await.is_ok());
}

#[tokio::test]
async fn the_row_is_used_during_an_outage_of_the_issuer() {
    let (issuer, database) = (TestIssuer::start().await, TestDatabase::create().await);
    let db = database.connect().await;
    let auth = with_mirror(&issuer, &db).await;
    let (ada, eve) = (issuer.user("ada@example.com"), issuer.user("eve@example.com"));
    let context = auth.context(&bearer(&issuer.token_for(&ada).sign())).await;
    context.user().await.unwrap();

    issuer.take_down();
    assert_eq!(context.user().await.unwrap().id, ada.id);
    let first = auth.context(&bearer(&issuer.token_for(&eve).sign())).await;
    assert_eq!(first.user().await.unwrap_err().code(), Code::Unavailable);
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_parallel_first_requests_of_forty_users_create_forty_rows() {
    let (issuer, database) = (TestIssuer::start().await, TestDatabase::create().await);
    let db = database.connect().await;
    let auth = with_mirror(&issuer, &db).await;
    let users: Vec<User> = (0..40).map(|number| issuer.user(&format!("user{number}@example.com"))).collect();

    let requests = (0..8).flat_map(|_| &users).map(|user| {
        let (auth, headers) = (auth.clone(), bearer(&issuer.token_for(user).sign()));
        tokio::spawn(async move { auth.context(&headers).await.user().await })
    });
    let outcomes = join_all(requests).await;

    assert_eq!(outcomes.len(), 320);
    for outcome in outcomes {
        outcome.unwrap().unwrap();
    }
    assert_eq!(rows(&db).await, 40);
    assert_eq!(issuer.calls("Me"), 40);
}

#[tokio::test]
async fn the_end_of_one_session_does_not_affect_another_one_of_the_same_time() {
    let issuer = TestIssuer::start().await;
    let auth = issuer.auth_graph().mirror(Mirror::in_memory()).build().unwrap();
    let ada = issuer.user("ada@example.com");
    let (ended, good) = (issuer.token_for(&ada), issuer.token_for(&ada));
    let session = ended.session_id();
    let contexts = (auth.context(&bearer(&ended.sign())).await, auth.context(&bearer(&good.sign())).await);
    issuer.revoke(session);
    let (first, second) = tokio::join!(contexts.0.user(), contexts.1.user());
    assert_eq!(first.unwrap_err().code(), Code::TokenRevoked);
    assert_eq!(second.unwrap().id, ada.id);
}

#[tokio::test(flavor = "multi_thread")]
async fn parallel_writers_of_several_processes_end_with_the_newest_version() {
    let (issuer, database) = (TestIssuer::start().await, TestDatabase::create().await);
    let (first, second) = (database.connect().await, database.connect().await);
    let ada = issuer.user("ada@example.com");
    let writes = (1..=40).map(|version| {
        let mirror = Mirror::new(if version % 2 == 0 { first.clone() } else { second.clone() });
        let user = User { version, first_name: format!("Ada {version}"), ..ada.clone() };
        tokio::spawn(async move { mirror.apply(&user).await })
    });
    for written in join_all(writes).await {
        written.unwrap().unwrap();
    }
    let user = Mirror::new(first.clone()).user(ada.id).await.unwrap().unwrap();
    assert_eq!((user.version, user.first_name.as_str()), (40, "Ada 40"));
    assert_eq!(rows(&first).await, 1);
}

#[tokio::test]
async fn an_older_or_equal_version_changes_nothing() {
    let (issuer, database) = (TestIssuer::start().await, TestDatabase::create().await);
    let mirror = Mirror::new(database.connect().await);
    let ada = issuer.user("ada@example.com");
    mirror.apply(&User { version: 5, first_name: "New".to_owned(), ..ada.clone() }).await.unwrap();
    for version in [1, 4, 5] {
        mirror.apply(&User { version, first_name: "Old".to_owned(), ..ada.clone() }).await.unwrap();
        assert_eq!(mirror.user(ada.id).await.unwrap().unwrap().first_name, "New");
    }
}

#[tokio::test]
async fn an_address_that_passes_to_another_user_creates_a_second_row() {
    let (issuer, database) = (TestIssuer::start().await, TestDatabase::create().await);
    let db = database.connect().await;
    let mirror = Mirror::new(db.clone());
    let (old, new) = (issuer.user("info@example.com"), issuer.user("info@example.com"));
    mirror.apply(&old).await.unwrap();
    mirror.apply(&new).await.unwrap();
    assert_eq!(rows(&db).await, 2);
    assert_eq!(mirror.user(old.id).await.unwrap().unwrap().id, old.id);
    assert_eq!(mirror.user(new.id).await.unwrap().unwrap().id, new.id);
}

#[tokio::test]
async fn a_deleted_user_stays_deleted_and_no_personal_data_is_kept() {
    let (issuer, database) = (TestIssuer::start().await, TestDatabase::create().await);
    let db = database.connect().await;
    let mirror = Mirror::new(db.clone());
    let ada = issuer.user("ada@example.com");
    mirror.apply(&User { version: 3, ..ada.clone() }).await.unwrap();

    mirror.forget(ada.id, 5).await.unwrap();
    mirror.apply(&User { version: 4, ..ada.clone() }).await.unwrap();

    assert_eq!(mirror.user(ada.id).await.unwrap(), None);
    assert_eq!(rows(&db).await, 1, "other rows may refer to it");
    let sql = "SELECT email FROM mirrored_users";
    let row = db.query_one_raw(Statement::from_string(db.get_database_backend(), sql)).await.unwrap().unwrap();
    assert_eq!(row.try_get::<String>("", "email").unwrap(), "");
}

#[tokio::test]
async fn a_deletion_that_arrives_first_is_kept() {
    let (issuer, database) = (TestIssuer::start().await, TestDatabase::create().await);
    let mirror = Mirror::new(database.connect().await);
    let ada = issuer.user("ada@example.com");
    mirror.forget(ada.id, 2).await.unwrap();
    mirror.apply(&ada).await.unwrap();
    assert_eq!(mirror.user(ada.id).await.unwrap(), None);
}

#[tokio::test]
async fn a_disabled_user_is_rejected_and_a_restored_one_is_accepted() {
    let (issuer, database) = (TestIssuer::start().await, TestDatabase::create().await);
    let auth = with_mirror(&issuer, &database.connect().await).await;
    let ada = issuer.user("ada@example.com");
    let disabled = User { is_active: false, version: 2, ..ada.clone() };
    issuer.change_user(&disabled);
    auth.mirror().unwrap().apply(&disabled).await.unwrap();
    let context = auth.context(&bearer(&issuer.token_for(&ada).sign())).await;
    assert_eq!(context.user().await.unwrap_err().code(), Code::TokenRevoked);

    issuer.change_user(&User { version: 3, ..ada.clone() });
    assert_eq!(context.user().await.unwrap().version, 3);
}

#[tokio::test]
async fn other_users_are_read_from_the_mirror() {
    let (issuer, database) = (TestIssuer::start().await, TestDatabase::create().await);
    let auth = with_mirror(&issuer, &database.connect().await).await;
    let (ada, eve) = (issuer.user("ada@example.com"), issuer.user("eve@example.com"));
    let context = auth.context(&bearer(&issuer.token_for(&ada).sign())).await;
    assert_eq!(context.user_by_id(eve.id).await.unwrap(), None);
    auth.mirror().unwrap().apply(&eve).await.unwrap();
    assert_eq!(context.user_by_id(eve.id).await.unwrap().unwrap().email, "eve@example.com");
}

#[tokio::test]
async fn without_a_mirror_the_error_names_the_fix() {
    let issuer = TestIssuer::start().await;
    let auth = issuer.auth_graph().build().unwrap();
    let context = auth.context(&bearer(&issuer.token_for(&issuer.user("ada@example.com")).sign())).await;
    let error = context.user().await.unwrap_err();
    assert_eq!(error.code(), Code::Internal);
    assert!(format!("{error:?}").contains("AuthGraphBuilder::mirror"));
}

/// launchbadge/sqlx#4393: the next statement on the connection became part of a transaction that was never ended.
#[tokio::test]
async fn a_write_is_rolled_back_when_its_caller_disconnects() {
    let (issuer, database) = (TestIssuer::start().await, TestDatabase::create().await);
    let db = database.connect().await;
    db.execute_unprepared("CREATE TABLE marks (number INTEGER)").await.unwrap();
    let single = database.open_with(1).await;
    let (mirror, ada) = (Mirror::new(single.clone()), issuer.user("ada@example.com"));
    for polls in 0..20 {
        {
            let mut writing = Box::pin(mirror.apply(&ada));
            for _ in 0..polls {
                if poll!(&mut writing).is_ready() {
                    break;
                }
                tokio::task::yield_now().await;
            }
        }
        // A statement outside a transaction is visible to all connections as soon as it has ended.
        single.execute_unprepared(&format!("INSERT INTO marks VALUES ({polls})")).await.unwrap();
        let sql = format!("SELECT number FROM marks WHERE number = {polls}");
        let found = db.query_one_raw(Statement::from_string(db.get_database_backend(), sql)).await.unwrap();
        assert!(found.is_some(), "after {polls} polls");
    }
}
