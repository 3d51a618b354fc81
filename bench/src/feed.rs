//! The change feed between the real auth-graph and services that follow it: the first fill of a mirror, catching up,
//! many followers at once, and the delay until an ended session is rejected.
//!
//! The mirror on PostgreSQL is measured if `TEST_DATABASE_URL` names a server.

use std::error::Error;
use std::time::{Duration, Instant};

use client_graph::{AuthGraph, Credentials, SignIn};
use engine::administration::{self, NewAccount};
use engine::app::App;
use engine::boot;
use engine::callers::Actor;
use engine::clients::{self, NewClient};
use model::clock::Clock;
use model::config::{Config, Sources};
use model::values::{NewPassword, Scopes, UserId};
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use store::{changes, users};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::auth_graph::{Installation, PASSWORD, email};
use crate::follower::Following;
use crate::machine::resident;
use crate::process::Server;
use crate::table::{Row, Target, Unit};

const USERS: usize = 100_000;
const CHANGED: usize = 50_000;
const CONNECTIONS: usize = 1_000;
const SAMPLES: usize = 200;
/// The longest silence of a stream.
const PATIENCE: Duration = Duration::from_secs(30);
const FOLLOW: &str = include_str!("../../schema/operations/follow_user_changes.graphql");

/// Measures the feed.
///
/// # Errors
/// When a service fails, or a change does not arrive.
pub fn rows() -> Result<Vec<Row>, Box<dyn Error>> {
    let installation = Installation::create()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let source = runtime.block_on(Source::fill(&installation))?;
    let server = installation.start()?;
    let url = installation.url();
    let file = format!("sqlite://{}", installation.folder().join("mirror.db").display());
    let mut databases = vec![("SQLite", file)];
    databases.extend(std::env::var("TEST_DATABASE_URL").ok().map(|url| ("PostgreSQL", url)));
    let mut rows = Vec::new();
    for (version, (name, database)) in (2..).zip(databases) {
        let follow = |user: &UserId, version| {
            let following = Following {
                auth_graph: url.clone(),
                client: source.client,
                database: database.clone(),
                user: user.0,
                version,
            };
            following.run(&source.secret)
        };
        // The last user is one of those that never change.
        let filled = follow(&source.users[USERS - 1], 1)?;
        runtime.block_on(source.change(CHANGED))?;
        let caught_up = follow(&source.users[CHANGED - 1], version)?;
        rows.extend([
            Row::new(
                format!("a mirror of {USERS} users, filled, {name}"),
                filled.seconds,
                Unit::Seconds,
                Target::Below(30.0),
                "by the feed, from the start of the service; auth-graph runs on the same cores",
            ),
            Row::new(
                "… resident memory of the service at most",
                filled.megabytes,
                Unit::Megabytes,
                Target::Below(100.0),
                "a process that does nothing else",
            ),
            Row::new(
                format!("changes applied, per second, {name}"),
                CHANGED as f64 / caught_up.seconds,
                Unit::Count,
                Target::AtLeast(5_000.0),
                format!(
                    "{CHANGED} that waited at auth-graph, from the start of the service; {:.0} MB",
                    caught_up.megabytes
                ),
            ),
        ]);
    }
    rows.extend(runtime.block_on(many_connections(&source, &server, &url))?);
    rows.push(runtime.block_on(revocation(&source, &url))?);
    Ok(rows)
}

/// The database of auth-graph, written without the service.
struct Source {
    app: App,
    users: Vec<UserId>,
    client: Uuid,
    secret: SecretString,
}

impl Source {
    async fn fill(installation: &Installation) -> Result<Self, Box<dyn Error>> {
        let flags = installation.settings();
        let app =
            boot(Config::load(&Sources { flags, ..Sources::default() })?, Clock::default()).await.map_err(text)?;
        let (first_name, last_name) = ("Ada".to_owned(), "Lovelace".to_owned());
        let password = NewPassword::parse(PASSWORD.into()).map_err(text)?;
        let email = "pattern@example.com".parse().map_err(text)?;
        let pattern = NewAccount { first_name, last_name, ..NewAccount::plain(email, Some(password)) };
        let pattern = administration::create(&app, &Actor::operator(), pattern).await.map_err(text)?;
        let now = app.clock.now();
        let mut users: Vec<UserId> = (0..USERS).map(|_| UserId::generate(now)).collect();
        users.sort_unstable();
        let txn = store::begin(&app.db).await?;
        for page in users.chunks(500) {
            let rows = page.iter().map(|id| {
                let email = format!("{}@example.com", id.0).parse().expect("it is an address");
                users::Model { id: *id, email, ..pattern.clone() }.into_active_model().reset_all()
            });
            users::Entity::insert_many(rows).exec_without_returning(&txn).await?;
            changes::append_created(&txn, page, now).await?;
        }
        txn.commit().await?;
        let scopes = Scopes::parse("feed:read").map_err(text)?;
        let reader = NewClient { name: "bench".to_owned(), scopes, audiences: Vec::new(), projection: None };
        let reader = clients::create(&app, &Actor::operator(), reader).await.map_err(text)?;
        Ok(Self { app, users, client: reader.client.id.0, secret: reader.secret })
    }

    /// Changes the given number of users, beginning with the first.
    async fn change(&self, count: usize) -> Result<(), Box<dyn Error>> {
        let txn = store::begin(&self.app.db).await?;
        for page in self.users[..count].chunks(500) {
            users::Entity::update_many()
                .col_expr(users::Column::Version, Expr::col(users::Column::Version).add(1))
                .filter(users::Column::Id.is_in(page.iter().copied()))
                .exec(&txn)
                .await?;
            changes::append_created(&txn, page, self.app.clock.now()).await?;
        }
        txn.commit().await?;
        Ok(())
    }

    fn service(&self, url: &str) -> Result<AuthGraph, Box<dyn Error>> {
        Ok(AuthGraph::builder(url).audience("graph").service_client(self.client, self.secret.clone()).build()?)
    }
}

/// Opens many readers of one auth-graph's stream, and measures a change that reaches all of them.
async fn many_connections(source: &Source, server: &Server, url: &str) -> Result<Vec<Row>, Box<dyn Error>> {
    let token = source.service(url)?.service_token().await?;
    let body = json!({ "query": FOLLOW }).to_string();
    let request = format!(
        "POST /graphql HTTP/1.1\r\nhost: {}\r\naccept: text/event-stream\r\nauthorization: Bearer {}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        server.address,
        token.expose_secret(),
        body.len(),
    );
    let mut readers = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let mut stream = TcpStream::connect(server.address).await?;
        stream.write_all(request.as_bytes()).await?;
        readers.spawn(until(stream, "CURRENT"));
    }
    let mut ready = Vec::with_capacity(CONNECTIONS);
    while let Some(stream) = readers.join_next().await {
        ready.push(stream??.0);
    }
    let mut readers: JoinSet<_> = ready.into_iter().map(|stream| until(stream, "USER_CREATED")).collect();
    let memory = resident(server.id()).0;
    source.change(1).await?;
    let changed = Instant::now();
    let mut latest = Duration::ZERO;
    while let Some(reader) = readers.join_next().await {
        latest = latest.max(reader??.1.saturating_duration_since(changed));
    }
    Ok(vec![
        Row::new(
            format!("a change reaches {CONNECTIONS} readers of one auth-graph"),
            latest.as_secs_f64(),
            Unit::Seconds,
            Target::Below(1.0),
            "from its commit in another process to the last of them",
        ),
        Row::new(
            "… resident memory of auth-graph meanwhile",
            memory,
            Unit::Megabytes,
            Target::Below(200.0),
            format!("with {} users behind it, {:.0} MB at most", USERS, resident(server.id()).1),
        ),
    ])
}

/// Reads until a word arrives, and returns the time of its arrival.
async fn until(mut stream: TcpStream, word: &'static str) -> std::io::Result<(TcpStream, Instant)> {
    let mut text = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let read = tokio::time::timeout(PATIENCE, stream.read(&mut chunk)).await??;
        if read == 0 || text.starts_with(b"HTTP/1.1 4") {
            return Err(std::io::Error::other(String::from_utf8_lossy(&text).into_owned()));
        }
        text.extend_from_slice(&chunk[..read]);
        if text.windows(word.len()).any(|window| window == word.as_bytes()) {
            return Ok((stream, Instant::now()));
        }
    }
}

/// Measures the delay until a service rejects an ended session.
async fn revocation(source: &Source, url: &str) -> Result<Row, Box<dyn Error>> {
    let (service, elsewhere) = (source.service(url)?, AuthGraph::builder(url).audience("graph").build()?);
    let following = service.clone();
    let task = tokio::spawn(async move { following.run_feed(std::future::pending()).await });
    let mut seen = 0;
    while service.feed_age().is_none() {
        seen = service.feed_moved(seen).await;
    }
    let mut delays = Vec::with_capacity(SAMPLES);
    for number in 0..SAMPLES {
        let credentials = Credentials { email: email(number), password: PASSWORD.into(), scope: None };
        let SignIn::TokenPair(pair) = elsewhere.login(credentials).await? else {
            return Err("a second factor was requested".into());
        };
        service.authenticate(&pair.access_token).await?;
        elsewhere.logout(pair.refresh_token.ok_or("no refresh token")?).await?;
        let ended = Instant::now();
        while service.authenticate(&pair.access_token).await.is_ok() {
            seen = service.feed_moved(seen).await;
        }
        delays.push(ended.elapsed().as_secs_f64() * 1e3);
    }
    task.abort();
    delays.sort_by(f64::total_cmp);
    Ok(Row::new(
        "an ended session is refused by a service, p99",
        delays[SAMPLES * 99 / 100],
        Unit::Milliseconds,
        Target::Below(100.0),
        format!("from the answer to the log-out, {SAMPLES} times; p50 {:.2} ms", delays[SAMPLES / 2]),
    ))
}

fn text(error: impl std::fmt::Display) -> Box<dyn Error> {
    error.to_string().into()
}
