//! The promises about both services together, each with a test: with the real auth-graph, over an unreliable network.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use client_graph::mirror::Mirror;
use engine::accounts::{self, Deletion};
use engine::administration;
use engine::callers::Actor;
use futures_util::future::join_all;
use model::values::UserId as AuthUserId;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, ConnectionTrait, DatabaseConnection, EntityTrait, QueryFilter, QueryOrder, Statement};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use store::users;
use uuid::Uuid;

use crate::following::{Following, count};
use crate::support::TestDatabase;
use crate::world::{Feed, PASSWORD, World, record};

const WHOAMI: &str = include_str!("../../operations/whoami.graphql");
const ADD_NOTE: &str = include_str!("../../operations/add_note.graphql");

/// Prints the delay, which `make bench` measures on an idle machine. If twenty plain requests take longer than a second
/// on a busy machine, their time is the limit. One sample of 102 may be late, because the promise is a p99.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_ends_at_auth_graph_is_rejected_by_a_client_service_within_a_second() {
    const EACH: usize = 34;
    let world = World::strict().await;
    let auth = &world.app.auth;
    let people = world.add_users(2 * EACH).await;
    let mut seen = 0;
    while auth.feed_age().is_none() {
        seen = auth.feed_moved(seen).await;
    }
    let (mut delays, mut requests) = (Vec::new(), Vec::new());
    for sample in 0..3 * EACH {
        let person = &people[sample % (2 * EACH)];
        let pair = world.sign_in_elsewhere(&person.email.to_string()).await;
        assert_eq!(world.test_view(pair.access_token.expose_secret()).await, 200);
        let (auth_app, operator) = (&world.auth_app, Actor::operator());
        match sample / EACH {
            0 => assert_eq!(administration::revoke_all_sessions(auth_app, &operator, person.id).await.unwrap(), 1),
            1 => drop(administration::disable(auth_app, &operator, person.id, None).await.unwrap()),
            _ => drop(administration::delete(auth_app, &operator, person.id, Deletion::ForGood, None).await.unwrap()),
        }
        let ended = Instant::now();
        let refused = async {
            while auth.authenticate(&pair.access_token).await.is_ok() {
                seen = auth.feed_moved(seen).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), refused).await.expect("the feed reports it");
        delays.push(ended.elapsed());
        let asked = Instant::now();
        assert_eq!(world.test_view(pair.access_token.expose_secret()).await, 401);
        requests.push(asked.elapsed());
    }
    delays.sort();
    requests.sort();
    let (half, most) = (delays[delays.len() / 2], delays[delays.len() * 99 / 100]);
    println!("from the commit at auth-graph to the refusal, {} samples: p50 {half:?}, p99 {most:?}", delays.len());
    let twenty_requests = 20 * requests[requests.len() * 99 / 100];
    assert!(most < twenty_requests.max(Duration::from_secs(1)), "{delays:?}, and plain requests: {requests:?}");
}

/// The data of a user that is compared between auth-graph and the mirror.
type Facts = (Uuid, i64, String, String, bool, bool);

async fn source(world: &World) -> Vec<Facts> {
    let users = users::Entity::find().order_by_asc(users::Column::Id).all(&world.auth_app.db).await.unwrap();
    let facts = users.into_iter().map(|user| {
        let gone = user.deleted_at.is_some();
        let email = if gone { String::new() } else { user.email.to_string() };
        (user.id.0, user.version, email, user.first_name, user.is_active, gone)
    });
    facts.collect()
}

async fn mirrored(db: &DatabaseConnection) -> Vec<Facts> {
    let sql = "SELECT id, version, email, first_name, is_active, deleted_at FROM mirrored_users ORDER BY id";
    let rows = db.query_all_raw(Statement::from_string(db.get_database_backend(), sql)).await.unwrap();
    let facts = rows.iter().map(|row| {
        let deleted_at: Option<DateTime<Utc>> = row.try_get("", "deleted_at").unwrap();
        let text = |name| row.try_get("", name).unwrap();
        let (id, version) = (row.try_get("", "id").unwrap(), row.try_get("", "version").unwrap());
        (id, version, text("email"), text("first_name"), row.try_get("", "is_active").unwrap(), deleted_at.is_some())
    });
    facts.collect()
}

/// Changes users in the database of auth-graph, and records it in the outbox.
async fn change(world: &World, ids: &[AuthUserId], name: &str) {
    let txn = store::begin(&world.auth_app.db).await.unwrap();
    for page in ids.chunks(1000) {
        users::Entity::update_many()
            .col_expr(users::Column::Version, Expr::col(users::Column::Version).add(1))
            .col_expr(users::Column::FirstName, Expr::value(name))
            .filter(users::Column::Id.is_in(page.iter().copied()))
            .exec(&txn)
            .await
            .unwrap();
    }
    record(&txn, ids, world.auth_app.clock.now()).await;
    txn.commit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_changes_during_an_outage_of_a_service_reach_it_over_an_unreliable_network() {
    let mut world = World::start_with(Feed::Ignored, &[]).await;
    let database = TestDatabase::create().await;
    let db = database.connect().await;
    let ids: Vec<AuthUserId> = world.add_users(10_000).await.into_iter().map(|user| user.id).collect();
    let follow = |world: &World| Following::with(world.service().mirror(Mirror::new(db.clone())));
    let all = "SELECT COUNT(*) AS count FROM mirrored_users";
    let service = follow(&world);
    service.until(async || count(&db, all).await == 10_003).await;
    service.stop().await;
    let place = "SELECT cursor FROM mirror_feed";
    let row = db.query_one_raw(Statement::from_string(db.get_database_backend(), place)).await.unwrap().unwrap();
    let early: String = row.try_get("", "cursor").unwrap();

    change(&world, &ids, "Changed").await;
    for id in &ids[..20] {
        administration::delete(&world.auth_app, &Actor::operator(), *id, Deletion::ForGood, None).await.unwrap();
    }
    let service = follow(&world);
    let mut seen = 0;
    for round in 0..10 {
        seen = service.auth.feed_moved(seen).await;
        match round {
            4 => {
                world.stop_auth_graph().await;
                change(&world, &ids[20..30], "Changed meanwhile").await;
                world.start_auth_graph().await;
            }
            1 | 6 => {
                world.network.stall();
                administration::disable(&world.auth_app, &Actor::operator(), ids[40 + round], None).await.unwrap();
                world.network.holds_data().await;
                world.network.restore();
            }
            _ => world.network.cut(),
        }
    }
    service.stop().await;
    // All changes are sent again, to a mirror that has them.
    let backend = db.get_database_backend();
    let back = Statement::from_sql_and_values(backend, "UPDATE mirror_feed SET cursor = $1", [early.into()]);
    db.execute_raw(back).await.unwrap();
    let service = follow(&world);
    service.auth.feed_moved(0).await;
    change(&world, &ids[9_999..], "Last").await;
    let last = client_graph::UserId(ids[9_999].0);
    service.knows(last, 3).await;

    let (source, mirror) = (source(&world).await, mirrored(&db).await);
    assert_eq!(source.len(), 10_003);
    let differing: Vec<_> = source.iter().zip(&mirror).filter(|(ours, theirs)| ours != theirs).take(3).collect();
    assert!(source == mirror, "{} rows, and {differing:?}", mirror.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn users_of_the_maximum_size_are_mirrored() {
    let world = World::start_with(Feed::Ignored, &[]).await;
    let metadata = json!({ "key": "x".repeat(16 * 1024 - r#"{"key":""}"#.len()) });
    let name = || Expr::value("𝔸".repeat(150));
    let change = users::Entity::update_many()
        .col_expr(users::Column::Metadata, Expr::value(metadata))
        .col_expr(users::Column::FirstName, name())
        .col_expr(users::Column::LastName, name());
    change.exec(&world.auth_app.db).await.unwrap();
    // Creates users like the changed one, more than fit into one response.
    world.add_users(300).await;
    let database = TestDatabase::create().await;
    let db = database.connect().await;
    let service = Following::with(world.service().mirror(Mirror::new(db.clone())));
    service.until(async || count(&db, "SELECT COUNT(*) AS count FROM mirrored_users").await == 303).await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_minutes_without_auth_graph_affect_no_caller() {
    let mut world = World::start_with(Feed::Followed, &[("tokens.access_lifetime", "1h")]).await;
    let mut seen = 0;
    while world.app.auth.feed_status().mirror_age.is_none() {
        seen = world.app.auth.feed_moved(seen).await;
    }
    let (access, refresh) = world.sign_in("ada@example.com").await;
    assert_eq!(world.test_view(&access).await, 200);
    let sign_in = async |world: &World| {
        let credentials = json!({ "email": "eve@example.com", "password": PASSWORD });
        let started = Instant::now();
        let answer = world.post("/auth/token/", None, credentials).await;
        let told_when = answer.headers().contains_key("retry-after");
        let (status, body) = (answer.status().as_u16(), answer.json::<Value>().await.unwrap());
        // The client waits three seconds for a response. The rest allows for a busy machine.
        assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());
        (status, body["code"].as_str().unwrap_or_default().to_owned(), told_when)
    };
    let unavailable = (503, "UNAVAILABLE".to_owned(), true);

    // At first auth-graph hangs, then it is down.
    world.network.stall();
    assert_eq!(sign_in(&world).await, unavailable);
    world.stop_auth_graph().await;
    change(
        &world,
        &[accounts::by_email(&world.auth_app, &"eve@example.com".parse().unwrap()).await.unwrap().id],
        "Eva",
    )
    .await;
    for minute in 1..=10 {
        world.clock.advance(Duration::from_secs(60));
        for _ in 0..5 {
            assert_eq!(world.test_view(&access).await, 200, "minute {minute}");
        }
        let input = json!({ "input": { "text": format!("minute {minute}") } });
        let added = world.graphql(&access, ADD_NOTE, input).await;
        assert_eq!(added["data"]["addNote"]["note"]["text"], format!("minute {minute}"), "{added}");
        assert_eq!(sign_in(&world).await, unavailable, "minute {minute}");
    }
    assert!(world.app.auth.feed_age().unwrap() >= Duration::from_secs(590), "the age of the feed is known");

    world.start_auth_graph().await;
    world.clock.advance(Duration::from_secs(2));
    let mirror = world.app.auth.mirror().unwrap();
    let eve = accounts::by_email(&world.auth_app, &"eve@example.com".parse().unwrap()).await.unwrap();
    let eve = client_graph::UserId(eve.id.0);
    let caught_up = async {
        while mirror.user(eve).await.unwrap().is_none_or(|user| user.first_name != "Eva") {
            seen = world.app.auth.feed_moved(seen).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), caught_up).await.expect("the feed continues");
    let refreshed = world.post("/auth/token/refresh/", None, json!({ "refresh": refresh })).await;
    assert_eq!(refreshed.status(), 200, "no user was signed out");
    let notes = world.graphql(&access, "{ notes(first: 100) { nodes { text } } }", json!({})).await;
    assert_eq!(notes["data"]["notes"]["nodes"].as_array().unwrap().len(), 10, "{notes}");
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_parallel_first_requests_of_forty_users_are_all_answered() {
    let world = World::start_with(Feed::Ignored, &[]).await;
    let mut tokens = Vec::new();
    for person in world.add_users(40).await {
        tokens.push(world.sign_in_elsewhere(&person.email.to_string()).await.access_token);
    }
    let mut answers = Vec::new();
    // The requests are not sent all at once: the client waits three seconds for auth-graph, which is short on a busy
    // machine.
    for some in tokens.chunks(10) {
        let requests = (0..8).flat_map(|_| some).map(async |token| {
            let answer = world.post("/graphql", Some(token.expose_secret()), json!({ "query": WHOAMI })).await;
            (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
        });
        answers.extend(join_all(requests).await);
    }
    assert_eq!(answers.len(), 320);
    let mut met = Vec::new();
    for (status, body) in &answers {
        assert_eq!(*status, 200, "{body}");
        assert_eq!(body["data"]["whoami"]["user"]["version"], 1, "{body}");
        met.push(body["data"]["whoami"]["subject"].as_str().unwrap());
    }
    met.sort_unstable();
    met.dedup();
    assert_eq!(met.len(), 40);
    let rows = "SELECT COUNT(*) AS count FROM mirrored_users";
    assert_eq!(count(&world.client_database().await, rows).await, 40);
}
