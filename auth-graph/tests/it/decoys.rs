//! An unknown address takes as long as a known one, even if users were imported with hashes of another system.

use chrono::Duration;
use engine::transfer::Record;
use sea_orm::EntityTrait;
use sea_orm::sea_query::Expr;
use serde_json::json;
use store::{user_credentials, users};
use uuid::Uuid;

use crate::import::{FOREIGN_HASHES, FOREIGN_PASSWORD, import, record};
use crate::support::{PASSWORD, TestApp};

fn foreign_hash() -> &'static str {
    FOREIGN_HASHES.lines().next().unwrap().split_once('\t').unwrap().1
}

#[tokio::test]
async fn an_unknown_address_takes_as_long_as_an_imported_user() {
    let test = TestApp::with(|config| config.rest.enabled = true).await;
    let hash = foreign_hash();
    import(&test.app, "decoy", vec![record("ada@test.com", hash), record("eve@test.com", hash)]).await;
    let nobody = "nobody@test.com".parse().unwrap();
    let decoy = users::candidate(&test.app.db, &nobody).await.unwrap().decoy;
    assert_eq!(decoy.as_deref(), Some(hash));
    // The decoy is only compared. It signs no user in.
    assert_eq!(test.anonymous().login("nobody@test.com", FOREIGN_PASSWORD).await.code(), "INVALID_CREDENTIALS");
    // A decoy that cannot be compared makes the log-in fail, which shows that it is used.
    let unusable =
        user_credentials::Entity::update_many().col_expr(user_credentials::Column::Secret, Expr::value("no hash"));
    unusable.exec(&test.app.db).await.unwrap();
    assert_eq!(test.anonymous().login("nobody@test.com", FOREIGN_PASSWORD).await.code(), "INTERNAL");
    let body = json!({ "email": "nobody@test.com", "password": FOREIGN_PASSWORD, "new_password": PASSWORD });
    let answer = test.anonymous().post("/auth/password-change/", body).await;
    assert_eq!(answer.status, 500, "{}", answer.text);
}

/// Otherwise the time of an answer would reveal imported users after other users have registered.
#[tokio::test]
async fn an_unknown_address_takes_as_long_as_an_imported_user_even_years_after_the_import() {
    let test = TestApp::new().await;
    let hash = foreign_hash();
    let years = test.app.clock.now() - Duration::days(10 * 365);
    let users = (0..50_i32).map(|month| {
        let date_joined = Some(years + Duration::days(30) * month);
        Record { date_joined, ..record(&format!("user-{month}@test.com"), hash) }
    });
    import(&test.app, "of years", users.collect()).await;
    test.app.clock.advance(Duration::days(365));
    for number in 0..3 {
        test.create_user(&format!("later-{number}@test.com")).await;
    }
    let mut foreign = 0;
    for number in 0..100 {
        let nobody = format!("nobody-{number}@test.com").parse().unwrap();
        let decoy = users::candidate(&test.app.db, &nobody).await.unwrap().decoy;
        foreign += i32::from(decoy.as_deref() == Some(hash));
    }
    // 50 of the 53 users were imported.
    assert!((60..=100).contains(&foreign), "{foreign} of 100");
}

/// Imports keep the identifiers of other systems, which are random (version 4). Those of this service begin with the
/// time (version 7), so all of them are close to each other.
#[tokio::test]
async fn decoys_are_drawn_evenly_whatever_the_identifiers_are() {
    let test = TestApp::new().await;
    let hash = foreign_hash();
    let users = (0..40_u128).map(|number| {
        // Spread over the whole range, as random ones are.
        let id = Uuid::from_u128((number * (u128::MAX / 40)) & !(0xf << 76) | 4 << 76);
        Record { id: Some(id.to_string()), ..record(&format!("imported-{number}@test.com"), hash) }
    });
    import(&test.app, "with identifiers", users.collect()).await;
    for number in 0..40 {
        test.create_user(&format!("registered-{number}@test.com")).await;
    }
    let share = async || {
        let mut foreign = 0;
        for number in 0..200 {
            let nobody = format!("nobody-{number}@test.com").parse().unwrap();
            let decoy = users::candidate(&test.app.db, &nobody).await.unwrap().decoy;
            foreign += i32::from(decoy.as_deref() == Some(hash));
        }
        foreign
    };
    let foreign = share().await;
    assert!((50..150).contains(&foreign), "{foreign} of 200");

    // Rows of an older version have no place until the service has run for a while.
    let places = user_credentials::Column::Place;
    let without = user_credentials::Entity::update_many().col_expr(places, Expr::value(Option::<i64>::None));
    without.exec(&test.app.db).await.unwrap();
    assert!([0, 200].contains(&share().await), "one of them is the decoy of all addresses");
    engine::build_indexes(&test.app).await.unwrap();
    assert_eq!(share().await, foreign);
}

/// Some systems write a time in the far future for an unknown time. Such a user would be the decoy of all addresses
/// forever.
#[tokio::test]
async fn no_user_has_an_identifier_of_a_future_time() {
    let test = TestApp::new().await;
    let date_joined = Some("9999-01-01T00:00:00Z".parse().unwrap());
    let strange = Record { date_joined, ..record("strange@test.com", foreign_hash()) };
    import(&test.app, "strange", vec![strange]).await;
    test.app.clock.advance(Duration::seconds(1));
    let later = test.create_user("later@test.com").await;
    let strange = users::find_by_email(&test.app.db, &"strange@test.com".parse().unwrap()).await.unwrap().unwrap();
    assert!(strange.id < later.id, "{} and {}", strange.id, later.id);
}
