//! A page of users as a gateway requests it: a thousand representations in one `_entities` call, from the request to
//! the bytes of the answer, without a socket.

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use auth_graph::http;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::Request;
use engine::accounts::Rank;
use engine::administration::{self, NewAccount};
use engine::app::App;
use engine::boot;
use engine::callers::Actor;
use model::clock::Clock;
use model::config::{Config, Sources};
use model::values::{NewPassword, PublicFields};
use serde_json::{Value, json};
use tower::ServiceExt;
use tracing::Subscriber;
use tracing::span::{Attributes, Id};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt};

use crate::auth_graph::PASSWORD;
use crate::samples::median;
use crate::table::{Row, Target, Unit};

const USERS: usize = 1_000;
const DOCUMENT: &str =
    "query($of: [_Any!]!) { _entities(representations: $of) { ... on User { id email firstName lastName } } }";
/// What an ordinary user sees of others.
const PROFILES: &str =
    "query($of: [_Any!]!) { _entities(representations: $of) { ... on User { id displayName pictureUrl } } }";
const LOGIN: &str = "mutation($input: LoginInput!) { login(input: $input) { ... on TokenPair { accessToken } } }";

/// Measures the call.
///
/// # Errors
/// When the database fails, or a user is missing from the answer.
pub fn rows(time: Duration) -> Result<Vec<Row>, Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(measure(time))
}

async fn measure(time: Duration) -> Result<Vec<Row>, Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let mut config = Config::load(&Sources::default())?;
    config.data_dir = folder.path().to_owned();
    // Cheap hashes: a thousand users are created.
    (config.passwords.memory_kib, config.passwords.iterations) = (8, 1);
    config.users.public_fields = PublicFields::try_from(vec!["displayName".to_owned(), "pictureUrl".to_owned()])?;
    let app = boot(config, Clock::default()).await?;
    let mut representations = Vec::new();
    for number in 0..USERS {
        let rank = if number == 0 { Rank::Staff } else { Rank::User };
        let id = create_user(&app, &email(number), rank).await?;
        representations.push(json!({ "__typename": "User", "id": id }));
    }
    let staff = "1,000 users in one `_entities` call";
    let mut rows = page(&app, &representations, (staff, 0, DOCUMENT), time).await?;
    let strangers = "1,000 public profiles of strangers in one `_entities` call";
    rows.extend(page(&app, &representations, (strangers, 1, PROFILES), time).await?);
    Ok(rows)
}

/// Measures a page as one of the users requests it.
async fn page(
    app: &App,
    representations: &[Value],
    (what, caller, document): (&str, usize, &str),
    time: Duration,
) -> Result<Vec<Row>, Box<dyn Error>> {
    let router = http::router(app)?;
    let input = json!({ "email": email(caller), "password": PASSWORD });
    let signed_in = send(&router, None, LOGIN, json!({ "input": input })).await?;
    let token = signed_in["data"]["login"]["accessToken"].as_str().ok_or("no user could sign in")?.to_owned();
    let variables = json!({ "of": representations });
    let ask = async || {
        // The task that follows the outbox does this, but it does not run here.
        app.tokens.revocations.complete_at(app.clock.now());
        send(&router, Some(&token), document, variables.clone()).await
    };

    let answer = ask().await?;
    let found = answer["data"]["_entities"].as_array().map_or(0, |all| all.iter().filter(|one| !one.is_null()).count());
    if found != USERS || !answer["errors"].is_null() {
        return Err(format!("{found} users instead of {USERS}: {}", answer["errors"][0]).into());
    }
    let count = Queries::default();
    let guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(count.clone()));
    ask().await?;
    drop(guard);

    let mut samples = Vec::new();
    let start = Instant::now();
    while start.elapsed() < time {
        app.tokens.revocations.complete_at(app.clock.now());
        let request = request(Some(&token), document, &variables)?;
        let began = Instant::now();
        let response = router.clone().oneshot(request).await?;
        to_bytes(response.into_body(), usize::MAX).await?;
        samples.push(began.elapsed().as_secs_f64() * 1e3);
    }
    let fields = if document == DOCUMENT { 4 } else { 3 };
    let notes = format!("median of {} calls; {fields} fields each, SQLite, without a socket", samples.len());
    Ok(vec![
        Row::new(what, median(samples), Unit::Milliseconds, Target::Below(10.0), notes),
        Row::new(
            "… its queries",
            count.0.load(Ordering::Relaxed) as f64,
            Unit::Count,
            Target::Exactly(1.0),
            "counted by the spans of SeaORM",
        ),
    ])
}

/// Counts the statements of the current thread.
#[derive(Clone, Default)]
struct Queries(Arc<AtomicUsize>);

impl<S: Subscriber> Layer<S> for Queries {
    fn on_new_span(&self, attributes: &Attributes<'_>, _: &Id, _: Context<'_, S>) {
        let (target, name) = (attributes.metadata().target(), attributes.metadata().name());
        if target.starts_with("sea_orm::driver") && ["execute", "query_one", "query_all"].contains(&name) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

async fn create_user(app: &App, email: &str, rank: Rank) -> Result<String, Box<dyn Error>> {
    let password = NewPassword::parse(PASSWORD.into())?;
    let (first_name, last_name) = ("Ada".to_owned(), "Lovelace".to_owned());
    let plain = NewAccount::plain(email.parse()?, Some(password));
    let metadata = json!({ "picture": "https://example.com/pictures/ada.png" });
    let new = NewAccount { first_name, last_name, rank, metadata, ..plain };
    let user = administration::create(app, &Actor::operator(), new).await?;
    Ok(user.id.to_string())
}

fn email(number: usize) -> String {
    format!("user-{number}@example.com")
}

fn request(token: Option<&str>, query: &str, variables: &Value) -> Result<Request<Body>, axum::http::Error> {
    let mut request = Request::post("/graphql").header("content-type", "application/json");
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let here = ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 4000)));
    request.extension(here).body(json!({ "query": query, "variables": variables }).to_string().into())
}

async fn send(router: &Router, token: Option<&str>, query: &str, variables: Value) -> Result<Value, Box<dyn Error>> {
    let response = router.clone().oneshot(request(token, query, &variables)?).await?;
    Ok(serde_json::from_slice(&to_bytes(response.into_body(), usize::MAX).await?)?)
}
