//! Rows that grow with use: their partitions, and the indexes that are built while the service runs.

use chrono::{DateTime, Utc};
use engine::purge;
use sea_orm::{ConnectionTrait, DbBackend, EntityTrait, PaginatorTrait, Statement};
use serde_json::json;
use store::{indexes, months};

use crate::support::TestApp;

/// Returns the values of a query with one text in each row.
async fn texts(test: &TestApp, query: &str) -> Vec<String> {
    let query = Statement::from_string(DbBackend::Postgres, query);
    let rows = test.app.db.query_all_raw(query).await.unwrap();
    rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect()
}

async fn months_of_login_events(test: &TestApp) -> Vec<String> {
    let partitions = "SELECT relname::text FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
        WHERE inhparent = 'login_events'::regclass AND relname LIKE 'login_events_2%' ORDER BY relname";
    texts(test, partitions).await
}

#[tokio::test]
async fn months_of_events_are_prepared_and_dropped() {
    let test = TestApp::new().await;
    if test.app.db.get_database_backend() != DbBackend::Postgres {
        return;
    }
    let start: DateTime<Utc> = "2040-11-15T12:00:00Z".parse().unwrap();
    test.app.clock.advance(start - test.app.clock.now());
    test.create_user("ada@test.com").await;
    let sign_in_of = async |month: &str| {
        let time: DateTime<Utc> = format!("{month}-20T00:00:00Z").parse().unwrap();
        test.app.clock.advance(time - test.app.clock.now());
        assert_eq!(test.anonymous().login("ada@test.com", "wrong").await.code(), "INVALID_CREDENTIALS");
    };
    assert_eq!(months::prepare(&test.app.db, start).await.unwrap(), 4, "two for each table");
    assert_eq!(months::prepare(&test.app.db, start).await.unwrap(), 0);
    assert_eq!(months_of_login_events(&test).await, ["login_events_2040_12", "login_events_2041_01"]);
    // One without a month, and one in each of the months.
    for month in ["2040-11", "2040-12", "2041-01"] {
        sign_in_of(month).await;
    }
    let holding = "SELECT tableoid::regclass::text FROM login_events ORDER BY id";
    let expected = ["login_events_other", "login_events_2040_12", "login_events_2041_01"];
    assert_eq!(texts(&test, holding).await, expected);

    // 90 days after the end of December, but not of January.
    test.app.clock.advance("2041-04-02T00:00:00Z".parse::<DateTime<Utc>>().unwrap() - test.app.clock.now());
    purge(&test.app, test.app.clock.now()).await.unwrap();
    assert_eq!(texts(&test, holding).await, ["login_events_2041_01"]);
    let left = ["login_events_2041_01", "login_events_2041_05", "login_events_2041_06"];
    assert_eq!(months_of_login_events(&test).await, left);
}

/// The lease of housekeeping is over when its holder stands still, and another replica begins.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_that_prepare_months_at_once_create_each_of_them_once() {
    let test = TestApp::new().await;
    if test.app.db.get_database_backend() != DbBackend::Postgres {
        return;
    }
    let start: DateTime<Utc> = "2040-11-15T12:00:00Z".parse().unwrap();
    for year in 0..4 {
        let time = start + chrono::Duration::days(365 * year);
        let at_once = futures_util::future::join_all((0..6).map(|_| months::prepare(&test.app.db, time))).await;
        let created: usize = at_once.into_iter().map(Result::unwrap).sum();
        assert_eq!(created, 4, "two for each table");
    }
}

/// An index that was left unfinished is built again.
#[tokio::test]
async fn indexes_are_built_while_the_service_runs() {
    let test = TestApp::new().await;
    let built = indexes::build(&test.app.db).await.unwrap();
    assert_eq!(indexes::build(&test.app.db).await.unwrap(), 0);
    if test.app.db.get_database_backend() != DbBackend::Postgres {
        return;
    }
    assert_eq!(built, 5);
    let unfinished = "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'users_staff'::regclass";
    test.app.db.execute_unprepared(unfinished).await.unwrap();
    assert_eq!(indexes::build(&test.app.db).await.unwrap(), 1);
    let invalid = "SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid";
    assert_eq!(texts(&test, invalid).await, [""; 0]);
}

/// A filter that no index leads to would read every event that is kept.
#[tokio::test]
async fn a_list_of_events_without_a_user_or_a_start_has_the_last_30_days() {
    let test = TestApp::with(|config| config.tokens.session_lifetime = chrono::Duration::days(300)).await;
    let root = test.signed_in("root@test.com", engine::accounts::Rank::Superuser).await;
    test.app.clock.advance(chrono::Duration::days(31));
    let root = test.sign_in(root.user).await;
    let count = async |filter: serde_json::Value| {
        let list = "query($filter: LoginEventFilter) { loginEvents(filter: $filter) { edges { node { id } } } }";
        let answer = root.caller.send(list, json!({ "filter": filter })).await;
        answer.data("loginEvents")["edges"].as_array().unwrap().len()
    };
    assert_eq!(count(json!({ "granted": true })).await, 1);
    assert_eq!(count(json!({ "granted": true, "from": "2000-01-01T00:00:00Z" })).await, 2);
    assert_eq!(count(json!({ "userId": root.user.id.to_string() })).await, 2);
    let audited = async |filter: serde_json::Value| {
        let list = "query($filter: AuditEventFilter) { auditEvents(filter: $filter) { edges { node { id } } } }";
        let answer = root.caller.send(list, json!({ "filter": filter })).await;
        answer.data("auditEvents")["edges"].as_array().unwrap().len()
    };
    assert_eq!(audited(json!({ "action": "user.create" })).await, 0);
    assert_eq!(audited(json!({ "action": "user.create", "targetId": root.user.id.to_string() })).await, 1);
    assert_eq!(store::audit_events::Entity::find().count(&test.app.db).await.unwrap(), 1);
}
