//! Support for the tests: an app with its own database, and callers that send operations to it.

mod accounts;
mod answer;
mod database;
mod events;
mod feed;
mod hashing;
mod hook;
mod mails;
mod oauth;
mod process;
mod queries;
mod webhooks;

use std::net::SocketAddr;

use auth_graph::http::{self, Remembered};
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderValue, Request, Response};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use engine::accounts::Rank;
use engine::administration::{self, NewAccount};
use engine::app::App;
use engine::boot;
use engine::callers::Actor;
use model::clock::Clock;
use model::config::{Config, Sources};
use model::values::{NewPassword, Scopes, UserId};
use secrecy::SecretString;
use serde_json::{Value, json};
use store::users::Model as User;
use tempfile::TempDir;
use tower::ServiceExt;

pub use answer::Answer;
pub use database::fresh as fresh_database;
pub use events::Events;
pub use hashing::BusyHasher;
pub use hook::{HOOK_SECRET, Hook, ReceivedRequest, answer as hook_answer};
pub use mails::{MailingApp, Sink};
pub use oauth::ServiceClient;
pub use process::{Process, create_user};
pub use queries::count_queries;
pub use webhooks::{CREATE as CREATE_WEBHOOK, LIST as LIST_WEBHOOKS, LOG as WEBHOOK_LOG, Site, deliver_due};

/// Issuer of the tests.
pub const ISSUER: &str = "https://auth.test";
/// Password of every user.
pub const PASSWORD: &str = "correct horse battery";

/// Includes one of the operations in `schema/operations`.
macro_rules! operation {
    ($name:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../schema/operations/", $name, ".graphql"))
    };
}
pub(crate) use operation;

/// The subscription to the feed.
pub const FOLLOW: &str = operation!("follow_user_changes");

/// An app with a database of its own.
pub struct TestApp {
    pub app: App,
    /// Cache of answers about tokens in the router.
    pub remembered: Remembered,
    router: Router,
    folder: TempDir,
}

impl TestApp {
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// Creates an app with a changed configuration. Its clock is paused.
    pub async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let folder = TempDir::new().unwrap();
        let mut config = configuration(&folder).await;
        change(&mut config);
        let app = boot(config, Clock::standing_at(Clock::default().now())).await.unwrap();
        let remembered = Remembered::new(&app);
        Self { router: http::router_with(&app, &remembered).unwrap(), remembered, app, folder }
    }

    /// Creates another process on the same database, with the same clock.
    pub async fn replica(&self) -> App {
        boot(self.app.config.clone(), self.app.clock.clone()).await.unwrap()
    }

    pub fn router(&self) -> Router {
        self.router.clone()
    }

    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    pub async fn create_user(&self, email: &str) -> User {
        self.create(email, Rank::User).await
    }

    pub async fn create(&self, email: &str, rank: Rank) -> User {
        let password = NewPassword::parse(PASSWORD.into()).unwrap();
        let (first_name, last_name) = ("Ada".to_owned(), "Lovelace".to_owned());
        let plain = NewAccount::plain(email.parse().unwrap(), Some(password));
        let new = NewAccount { first_name, last_name, rank, ..plain };
        administration::create(&self.app, &Actor::operator(), new).await.unwrap()
    }

    pub async fn disable(&self, id: UserId) {
        disable(&self.app, id).await;
    }

    pub async fn enable(&self, id: UserId) {
        enable(&self.app, id).await;
    }

    pub fn anonymous(&self) -> Caller {
        Caller { router: self.router.clone(), headers: Vec::new(), address: "192.0.2.1:4000".parse().unwrap() }
    }

    /// Creates a user and signs them in.
    pub async fn signed_in(&self, email: &str, rank: Rank) -> SignedIn {
        let user = self.create(email, rank).await;
        self.sign_in(user).await
    }

    pub async fn sign_in(&self, user: User) -> SignedIn {
        self.sign_in_with(user, PASSWORD).await
    }

    pub async fn sign_in_with(&self, user: User, password: &str) -> SignedIn {
        let answer = self.anonymous().login(user.email.as_str(), password).await;
        let pair = answer.data("login");
        let access = pair["accessToken"].as_str().unwrap().to_owned();
        let refresh = pair["refreshToken"].as_str().unwrap().to_owned();
        let caller = self.anonymous().with_header("authorization", &format!("Bearer {access}"));
        SignedIn { user, caller, access, refresh }
    }
}

pub async fn disable(app: &App, id: UserId) {
    administration::disable(app, &Actor::operator(), id, None).await.unwrap();
}

pub async fn enable(app: &App, id: UserId) {
    administration::enable(app, &Actor::operator(), id).await.unwrap();
}

/// Replaces the roles of a user.
pub async fn set_roles(app: &App, user: &User, roles: &[&str]) {
    let roles = roles.iter().map(|&role| role.to_owned()).collect();
    administration::set_roles(app, &Actor::operator(), user.id, roles, Scopes::default()).await.unwrap();
}

/// A signed-in user.
pub struct SignedIn {
    pub user: User,
    pub caller: Caller,
    pub access: String,
    pub refresh: String,
}

/// A sender of requests.
#[derive(Clone)]
pub struct Caller {
    router: Router,
    headers: Vec<(String, String)>,
    address: SocketAddr,
}

impl Caller {
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn at_address(mut self, address: &str) -> Self {
        self.address = SocketAddr::new(address.parse().unwrap(), 4000);
        self
    }

    /// Sends an operation.
    pub async fn send(&self, query: &str, variables: Value) -> Answer {
        self.post("/graphql", json!({ "query": query, "variables": variables })).await
    }

    /// Requests a page or a document.
    pub async fn get(&self, path: &str) -> Answer {
        self.request(Request::get(path).body(Body::empty()).unwrap()).await
    }

    /// Sends JSON to another path.
    pub async fn post(&self, path: &str, body: Value) -> Answer {
        let request = Request::post(path).header("content-type", "application/json");
        self.request(request.body(body.to_string().into()).unwrap()).await
    }

    /// Sends any request.
    pub async fn request(&self, request: Request<Body>) -> Answer {
        Answer::read(self.open(request).await).await
    }

    /// Sends any request, and does not read the response.
    pub async fn open(&self, mut request: Request<Body>) -> Response<Body> {
        for (name, value) in &self.headers {
            let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
            request.headers_mut().append(name.parse::<axum::http::HeaderName>().unwrap(), value);
        }
        request.extensions_mut().insert(ConnectInfo(self.address));
        self.router.clone().oneshot(request).await.unwrap()
    }

    pub async fn login(&self, email: &str, password: &str) -> Answer {
        self.send(operation!("login"), json!({ "input": { "email": email, "password": password } })).await
    }

    pub async fn refresh(&self, token: &str) -> Answer {
        self.send(operation!("refresh"), json!({ "refreshToken": token })).await
    }

    pub async fn verify(&self, token: &str) -> Answer {
        self.send(operation!("verify"), json!({ "token": token })).await
    }

    pub async fn logout(&self, token: &str) -> Answer {
        self.send(operation!("logout"), json!({ "refreshToken": token })).await
    }

    pub async fn me(&self) -> Answer {
        self.send(operation!("me"), json!({})).await
    }
}

/// Returns the claims of an access token.
pub fn claims_of(token: &str) -> Value {
    let payload = BASE64_URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    serde_json::from_slice(&payload).unwrap()
}

/// Returns the configuration of a test, in which passwords are hashed with the minimum cost of argon2.
pub async fn configuration(folder: &TempDir) -> Config {
    let mut config = Config::load(&Sources::default()).unwrap();
    config.data_dir = folder.path().join("data");
    config.server.public_url = ISSUER.to_owned();
    config.passwords.memory_kib = 8;
    config.passwords.iterations = 1;
    config.passwords.threads = 1;
    config.database.max_connections = 8;
    if let Some(url) = database::fresh().await {
        config.database.url = SecretString::from(url);
    }
    config
}
