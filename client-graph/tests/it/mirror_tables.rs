//! The choices of a service: the tables of the mirror, and the treatment of deleted users.

use std::time::Duration;

use client_graph::mirror::{self, Deletion, Mirror, Naming};
use client_graph::testing::TestIssuer;
use client_graph::{AuthGraph, Clock, Code, Error, User};
use sea_orm::{ConnectionTrait, DatabaseConnection, Statement};
use sea_orm_migration::{MigrationTrait, MigratorTrait};

use crate::following::{Following, count};
use crate::support::{TestDatabase, bearer};

/// Returns the text in the only row of a query.
async fn text(db: &DatabaseConnection, sql: &str) -> String {
    let row = db.query_one_raw(Statement::from_string(db.get_database_backend(), sql)).await.unwrap().unwrap();
    row.try_get_by_index(0).unwrap()
}

/// Creates a table with a foreign key to the mirror.
async fn refer_to_the_mirror(db: &DatabaseConnection, user: &User, on_delete: &str) {
    let kind = if db.get_database_backend() == sea_orm::DbBackend::Postgres { "uuid" } else { "uuid_text" };
    let table = format!("CREATE TABLE orders (buyer {kind} NOT NULL REFERENCES mirrored_users (id) {on_delete})");
    db.execute_unprepared(&table).await.unwrap();
    let backend = db.get_database_backend();
    let order = Statement::from_sql_and_values(backend, "INSERT INTO orders (buyer) VALUES ($1)", [user.id.0.into()]);
    db.execute_raw(order).await.unwrap();
}

#[tokio::test]
async fn a_deletion_follows_the_policy_of_the_service() {
    for (deletion, on_delete, email, orders) in [
        (Deletion::Tombstone, "", "ada@example.com", 1),
        (Deletion::Anonymise, "", "", 1),
        (Deletion::Cascade, "ON DELETE CASCADE", "", 0),
    ] {
        let (issuer, database) = (TestIssuer::start().await, TestDatabase::create().await);
        let db = database.connect().await;
        let mirror = Mirror::new(db.clone()).deletion(deletion);
        let ada = issuer.user("ada@example.com");
        mirror.apply(&ada).await.unwrap();
        refer_to_the_mirror(&db, &ada, on_delete).await;

        mirror.forget(ada.id, 3).await.unwrap();

        assert_eq!(mirror.user(ada.id).await.unwrap(), None, "{deletion:?}");
        assert_eq!(text(&db, "SELECT email FROM mirrored_users").await, email, "{deletion:?}");
        assert_eq!(count(&db, "SELECT COUNT(*) AS count FROM orders").await, orders, "{deletion:?}");
        // Older changes and a repeated deletion change nothing.
        mirror.apply(&User { version: 2, ..ada.clone() }).await.unwrap();
        mirror.forget(ada.id, 3).await.unwrap();
        assert_eq!(mirror.user(ada.id).await.unwrap(), None, "{deletion:?}");

        mirror.apply(&User { version: 4, email: "back@example.com".to_owned(), ..ada.clone() }).await.unwrap();
        assert_eq!(mirror.user(ada.id).await.unwrap().unwrap().email, "back@example.com", "{deletion:?}");
    }
}

#[tokio::test]
async fn rows_that_refer_to_a_user_are_deleted_only_if_configured() {
    let (issuer, database) = (TestIssuer::start().await, TestDatabase::create().await);
    let db = database.connect().await;
    let mirror = Mirror::new(db.clone()).deletion(Deletion::Cascade);
    let ada = issuer.user("ada@example.com");
    mirror.apply(&ada).await.unwrap();
    refer_to_the_mirror(&db, &ada, "").await;

    assert_eq!(mirror.forget(ada.id, 2).await.unwrap_err().code(), Code::Internal);
    assert_eq!(mirror.user(ada.id).await.unwrap().unwrap().version, 1, "the transaction was rolled back");
    assert_eq!(count(&db, "SELECT COUNT(*) AS count FROM orders").await, 1);
}

#[tokio::test]
async fn additional_columns_keep_their_values_in_every_change() {
    let (issuer, database) = (TestIssuer::start().await, TestDatabase::create().await);
    let db = database.connect().await;
    db.execute_unprepared("ALTER TABLE mirrored_users ADD COLUMN nickname TEXT").await.unwrap();
    let ada = issuer.user("ada@example.com");
    let service = Following::start(issuer.auth_graph().mirror(Mirror::new(db.clone())), &issuer);
    let mirror = service.auth.mirror().unwrap();
    service.knows(ada.id, 1).await;
    db.execute_unprepared("UPDATE mirrored_users SET nickname = 'the countess'").await.unwrap();
    let nickname = async || text(&db, "SELECT nickname FROM mirrored_users").await;

    let changed = User { version: 2, email: "new@example.com".to_owned(), is_active: false, ..ada.clone() };
    issuer.change_user(&changed);
    service.knows(ada.id, 2).await;
    assert_eq!(nickname().await, "the countess", "changed and disabled");
    issuer.delete_user(ada.id);
    service.until(async || mirror.user(ada.id).await.unwrap().is_none()).await;
    assert_eq!(nickname().await, "the countess", "deleted");
    mirror.apply(&User { version: 9, ..ada.clone() }).await.unwrap();
    assert_eq!(nickname().await, "the countess", "restored");
    service.stop().await;

    issuer.change_user(&User { version: 10, ..ada.clone() });
    issuer.expire_cursors();
    let service = Following::start(issuer.auth_graph().mirror(Mirror::new(db.clone())), &issuer);
    service.knows(ada.id, 10).await;
    assert_eq!((issuer.calls("UserSnapshots"), nickname().await.as_str()), (2, "the countess"), "read anew");
}

#[tokio::test]
async fn after_an_unknown_cursor_all_users_are_read_again() {
    let (issuer, database) = (TestIssuer::start().await, TestDatabase::create().await);
    let db = database.connect().await;
    let ada = issuer.user("ada@example.com");
    let service = Following::start(issuer.auth_graph().mirror(Mirror::new(db.clone())), &issuer);
    service.knows(ada.id, 1).await;
    service.stop().await;
    // The cursor is like one from before a replacement of the master secret.
    db.execute_unprepared("UPDATE mirror_feed SET cursor = 'of another secret'").await.unwrap();
    issuer.change_user(&User { version: 2, ..ada.clone() });
    let service = Following::start(issuer.auth_graph().mirror(Mirror::new(db.clone())), &issuer);
    service.knows(ada.id, 2).await;
    assert_eq!(issuer.calls("UserSnapshots"), 2, "read anew");
}

/// The migrations of a database with a second mirror.
struct TwoMirrors;

impl MigratorTrait for TwoMirrors {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        let mut migrations = mirror::migrations();
        migrations.extend(Naming::table("people").column_prefix("auth_").migrations());
        migrations
    }
}

#[tokio::test]
async fn two_mirrors_of_a_database_are_created_and_removed_independently() {
    let (issuer, database) = (TestIssuer::start().await, TestDatabase::create().await);
    let db = database.open().await;
    TwoMirrors::up(&db, None).await.unwrap();
    let people = || Mirror::named(db.clone(), Naming::table("people").column_prefix("auth_"));
    let (ada, eve) = (issuer.user("ada@example.com"), issuer.user("eve@example.com"));
    for mirror in [Mirror::new(db.clone()), people()] {
        let service = Following::start(issuer.auth_graph().mirror(mirror), &issuer);
        service.knows(ada.id, 1).await;
        service.stop().await;
    }
    assert_eq!(count(&db, "SELECT COUNT(*) AS count FROM mirror_feed").await, 2);

    TwoMirrors::down(&db, Some(2)).await.unwrap();
    let service = Following::start(issuer.auth_graph().mirror(Mirror::new(db.clone())), &issuer);
    issuer.change_user(&User { version: 2, ..ada.clone() });
    service.knows(ada.id, 2).await;
    service.stop().await;

    TwoMirrors::up(&db, None).await.unwrap();
    let service = Following::start(issuer.auth_graph().mirror(people()), &issuer);
    service.knows(ada.id, 2).await;
    service.knows(eve.id, 1).await;
    service.stop().await;
}

#[tokio::test]
async fn the_table_and_its_columns_have_the_configured_names() {
    let (issuer, database) = (TestIssuer::start().await, TestDatabase::create().await);
    let db = database.connect().await;
    let naming = Naming::table("people").column_prefix("auth_");
    TwoMirrors::up(&db, None).await.unwrap();
    db.execute_unprepared("ALTER TABLE people ADD COLUMN id INTEGER DEFAULT 7").await.unwrap();
    let users: Vec<User> = (0..3).map(|number| issuer.user(&format!("user{number}@example.com"))).collect();
    let service = Following::start(issuer.auth_graph().mirror(Mirror::named(db.clone(), naming)), &issuer);
    for user in &users {
        service.knows(user.id, 1).await;
    }
    issuer.change_user(&User { version: 2, ..users[0].clone() });
    service.knows(users[0].id, 2).await;
    issuer.delete_user(users[1].id);
    service.until(async || service.auth.mirror().unwrap().user(users[1].id).await.unwrap().is_none()).await;

    let known = "SELECT COUNT(*) AS count FROM people WHERE auth_email LIKE 'user%' AND id = 7";
    assert_eq!(count(&db, known).await, 2);
    assert_eq!(count(&db, "SELECT COUNT(*) AS count FROM people WHERE auth_deleted_at IS NOT NULL").await, 1);
    assert_eq!(count(&db, "SELECT COUNT(*) AS count FROM mirrored_users").await, 0);
    assert_eq!(count(&db, "SELECT COUNT(*) AS count FROM mirror_feed WHERE name = 'people'").await, 1);
}

#[tokio::test]
async fn a_mirror_without_a_database_is_in_memory() {
    let issuer = TestIssuer::start().await;
    let (ada, eve) = (issuer.user("ada@example.com"), issuer.user("eve@example.com"));
    let service = Following::start(issuer.auth_graph().mirror(Mirror::in_memory()), &issuer);
    service.knows(eve.id, 1).await;
    let context = service.auth.context(&bearer(&issuer.token_for(&ada).sign())).await;
    assert_eq!(context.user().await.unwrap().email, "ada@example.com");
    assert_eq!(context.user_by_id(eve.id).await.unwrap().unwrap().email, "eve@example.com");

    issuer.change_user(&User { version: 3, ..ada.clone() });
    service.knows(ada.id, 3).await;
    let mirror = service.auth.mirror().unwrap();
    mirror.apply(&User { version: 2, ..ada.clone() }).await.unwrap();
    assert_eq!(mirror.user(ada.id).await.unwrap().unwrap().version, 3, "older changes are ignored");
    issuer.delete_user(ada.id);
    service.until(async || mirror.user(ada.id).await.unwrap().is_none()).await;
    assert_eq!(issuer.calls("Me"), 0, "the feed had sent all users");
}

#[tokio::test]
async fn a_mirror_in_memory_also_loads_users_on_first_sight() {
    let issuer = TestIssuer::start().await;
    let auth = issuer.auth_graph().mirror(Mirror::in_memory()).build().unwrap();
    let context = auth.context(&bearer(&issuer.token_for(&issuer.user("ada@example.com")).sign())).await;
    for _ in 0..2 {
        assert_eq!(context.user().await.unwrap().email, "ada@example.com");
    }
    assert_eq!(issuer.calls("Me"), 1);
}

#[tokio::test]
async fn a_mirror_in_memory_cannot_have_a_hook() {
    let issuer = TestIssuer::start().await;
    let mirror = Mirror::in_memory().on_user(|_, _| Box::pin(async { Ok(()) }));
    let problems = issuer.auth_graph().mirror(mirror).build().unwrap_err();
    assert!(problems.to_string().contains("on_user"), "{problems}");
}

/// Follows the feed, stops while a user is deleted and the change about it expires, and follows again.
async fn return_after_an_unannounced_deletion(issuer: &TestIssuer, mirror: Mirror) -> (Following, [User; 2]) {
    let (ada, eve) = (issuer.user("ada@example.com"), issuer.user("eve@example.com"));
    for number in 0..250 {
        issuer.user(&format!("user{number}@example.com"));
    }
    let service = Following::start(issuer.auth_graph().mirror(mirror.clone()), issuer);
    service.knows(ada.id, 1).await;
    service.knows(eve.id, 1).await;
    service.stop().await;
    issuer.clock().advance(Duration::from_secs(3600));
    issuer.lose_user(ada.id);
    let service = Following::start(issuer.auth_graph().mirror(mirror.clone()), issuer);
    service.until(async || mirror.user(ada.id).await.unwrap().is_none()).await;
    (service, [ada, eve])
}

#[tokio::test]
async fn a_user_who_was_deleted_during_a_long_outage_is_deleted_in_the_mirror() {
    let (issuer, database) = (TestIssuer::start().await, TestDatabase::create().await);
    let db = database.connect().await;
    db.execute_unprepared("CREATE TABLE departures (id TEXT)").await.unwrap();
    let mirror = Mirror::new(db.clone()).on_user(|change, txn| {
        Box::pin(async move {
            if change.after.is_none() && change.before.is_some() {
                txn.execute_unprepared("INSERT INTO departures VALUES ('once')").await.map_err(Error::internal)?;
            }
            Ok(())
        })
    });
    let (service, [ada, eve]) = return_after_an_unannounced_deletion(&issuer, mirror).await;
    assert_eq!(count(&db, "SELECT COUNT(*) AS count FROM mirrored_users WHERE email = ''").await, 1, "erased");
    assert_eq!(count(&db, "SELECT COUNT(*) AS count FROM departures").await, 1, "the hook was called");
    assert_eq!(service.auth.mirror().unwrap().user(eve.id).await.unwrap().unwrap().version, 1);

    // The deletion was only inferred, so that a change of auth-graph itself overwrites it.
    service.auth.mirror().unwrap().apply(&ada).await.unwrap();
    assert!(service.auth.mirror().unwrap().user(ada.id).await.unwrap().is_some());
}

#[tokio::test]
async fn a_mirror_in_memory_also_infers_such_deletions() {
    let issuer = TestIssuer::start().await;
    let (service, [_, eve]) = return_after_an_unannounced_deletion(&issuer, Mirror::in_memory()).await;
    assert_eq!(service.auth.mirror().unwrap().user(eve.id).await.unwrap().unwrap().version, 1);
}

#[tokio::test]
async fn a_user_who_does_not_exist_any_more_is_deleted_although_the_row_was_just_written() {
    let (issuer, database) = (TestIssuer::start().await, TestDatabase::create().await);
    for mirror in [Mirror::new(database.connect().await), Mirror::in_memory()] {
        let clock = Clock::standing_at(issuer.clock().now());
        let service = Following::start(issuer.auth_graph().clock(clock).mirror(mirror.clone()), &issuer);
        let (ada, eve) = (issuer.user("ada@example.com"), issuer.user("eve@example.com"));
        service.knows(eve.id, 1).await;

        // As after a restore: the user and the change are gone, and every cursor has expired.
        issuer.take_down();
        issuer.lose_user(eve.id);
        issuer.bring_up();

        service.until(async || mirror.user(eve.id).await.unwrap().is_none()).await;
        assert_eq!(mirror.user(ada.id).await.unwrap().unwrap().version, 1);
        service.stop().await;
    }
}

#[tokio::test]
async fn a_user_can_be_provisioned_before_the_first_sign_in() {
    let (issuer, database) = (TestIssuer::start().await, TestDatabase::create().await);
    let (id, secret) = issuer.service_client();
    let mirror = Mirror::new(database.connect().await);
    let auth: AuthGraph = issuer.auth_graph().service_client(id, secret).mirror(mirror).build().unwrap();
    let ada = issuer.user("ada@example.com");
    assert_eq!(auth.mirror().unwrap().user(ada.id).await.unwrap(), None);

    assert_eq!(auth.provision(ada.id).await.unwrap().email, "ada@example.com");
    assert_eq!(auth.provision(ada.id).await.unwrap().email, "ada@example.com");

    assert_eq!(auth.mirror().unwrap().user(ada.id).await.unwrap().unwrap().version, 1);
    assert_eq!((issuer.calls("UserSnapshot"), issuer.calls("Me")), (1, 0), "asked once");
    let nobody = "0193f7c8-0000-7000-8000-000000000000".parse().unwrap();
    assert_eq!(auth.provision(nobody).await.unwrap_err().code(), Code::NotFound);
}
