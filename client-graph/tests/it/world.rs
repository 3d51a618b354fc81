//! The real auth-graph and the client service on free ports, each with its own database, and a network between them.

use std::net::SocketAddr;

use client_graph::service::{App, Config, Sources, serve};
use client_graph::{AuthGraph, AuthGraphBuilder, Clock, Credentials, SignIn, TokenPair};
use engine::accounts::{self, Rank};
use engine::administration::{self, NewAccount};
use engine::app::App as AuthApp;
use engine::boot;
use engine::callers::Actor;
use engine::clients::{self, NewClient};
use model::clock::Clock as AuthClock;
use model::config::{Config as AuthConfig, Sources as AuthSources};
use model::values::{NewPassword, Scopes, UserId as AuthUserId};
use reqwest::{Client, Response};
use sea_orm::{ActiveModelTrait, DatabaseConnection, EntityTrait, IntoActiveModel};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use store::{changes, user_credentials, users};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::network::Network;
use crate::support::TestDatabase;

pub const PASSWORD: &str = "correct horse battery";

/// Mode of the feed in the client service.
#[derive(Clone, Copy, PartialEq)]
pub enum Feed {
    Followed,
    Ignored,
}

pub struct World {
    /// Address of auth-graph, which is that of the network.
    pub auth_url: String,
    pub client_url: String,
    pub app: App,
    pub clock: Clock,
    pub auth_app: AuthApp,
    pub network: Network,
    pub http: Client,
    auth: JoinHandle<()>,
    reader: (String, SecretString),
    databases: [TestDatabase; 2],
}

impl World {
    /// Starts both services with three users.
    pub async fn start(algorithm: &str) -> Self {
        Self::start_with(Feed::Followed, &[("tokens.algorithm", algorithm)]).await
    }

    /// Starts an auth-graph that executes only the trusted documents of the library.
    pub async fn strict() -> Self {
        Self::start_with(Feed::Followed, &[("graphql.allowed_documents", "trusted")]).await
    }

    pub async fn start_with(feed: Feed, settings: &[(&str, &str)]) -> Self {
        let databases = [TestDatabase::create().await, TestDatabase::create().await];
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let network = Network::open(listener.local_addr().unwrap()).await;
        let auth_url = format!("http://{}", network.address);
        let mut flags = databases[0].settings();
        flags.push(("server.public_url".to_owned(), auth_url.clone()));
        flags.push(("server.trusted_proxies".to_owned(), "[\"127.0.0.1/32\"]".to_owned()));
        flags.extend(settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
        let mut config = AuthConfig::load(&AuthSources { flags, ..AuthSources::default() }).unwrap();
        // Cheap hashes let sign-ins finish in time on a busy machine.
        (config.passwords.memory_kib, config.passwords.iterations) = (8, 1);
        let auth_app = boot(config, AuthClock::default()).await.unwrap();
        let people =
            [("ada@example.com", Rank::User), ("eve@example.com", Rank::User), ("staff@example.com", Rank::Staff)];
        for (email, rank) in people {
            let password = NewPassword::parse(PASSWORD.into()).unwrap();
            let (first_name, last_name) = ("Ada".to_owned(), "Lovelace".to_owned());
            let plain = NewAccount::plain(email.parse().unwrap(), Some(password));
            let new = NewAccount { first_name, last_name, rank, ..plain };
            administration::create(&auth_app, &Actor::operator(), new).await.unwrap();
        }
        let reader = NewClient {
            name: "client-service".to_owned(),
            scopes: Scopes::parse("feed:read users:read").unwrap(),
            audiences: Vec::new(),
            projection: None,
        };
        let reader = clients::create(&auth_app, &Actor::operator(), reader).await.unwrap();
        let reader = (reader.client.id.to_string(), reader.secret);
        let auth = serve_auth_graph(auth_app.clone(), listener);

        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client_url = format!("http://{}", listener.local_addr().unwrap());
        let mut flags = vec![("database.url".to_owned(), databases[1].url.clone())];
        flags.extend(databases[1].settings());
        flags.push(("auth.url".to_owned(), auth_url.clone()));
        if feed == Feed::Followed {
            flags.push(("auth.client_id".to_owned(), reader.0.clone()));
            flags.push(("auth.client_secret".to_owned(), reader.1.expose_secret().to_owned()));
        }
        let config = Config::load(&Sources { flags, ..Sources::default() }).unwrap();
        let clock = Clock::default();
        let app = App::boot(config, clock.clone()).await.unwrap();
        tokio::spawn(serve(app.clone(), listener, std::future::pending()));
        let http = Client::new();
        Self { auth_url, client_url, app, clock, auth_app, network, http, auth, reader, databases }
    }

    /// Connects to the database of the client service.
    pub async fn client_database(&self) -> DatabaseConnection {
        self.databases[1].open().await
    }

    /// Returns a service client that may read the feed, with its secret.
    pub fn reader(&self) -> [String; 2] {
        [self.reader.0.clone(), self.reader.1.expose_secret().to_owned()]
    }

    /// Returns the builder of a further service that may follow the feed.
    pub fn service(&self) -> AuthGraphBuilder {
        let (id, secret) = self.reader.clone();
        AuthGraph::builder(&self.auth_url).audience("graph").service_client(id, secret)
    }

    pub async fn post(&self, path: &str, token: Option<&str>, body: Value) -> Response {
        let mut request = self.http.post(format!("{}{path}", self.client_url)).json(&body);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        request.send().await.unwrap()
    }

    pub async fn graphql(&self, token: &str, query: &str, variables: Value) -> Value {
        let body = json!({ "query": query, "variables": variables });
        self.post("/graphql", Some(token), body).await.json().await.unwrap()
    }

    pub async fn test_view(&self, token: &str) -> u16 {
        let request = self.http.get(format!("{}/api/test/", self.client_url)).bearer_auth(token);
        request.send().await.unwrap().status().as_u16()
    }

    pub async fn sign_in(&self, email: &str) -> (String, String) {
        let answer = self.post("/auth/token/", None, json!({ "email": email, "password": PASSWORD })).await;
        assert_eq!(answer.status(), 200);
        let pair: Value = answer.json().await.unwrap();
        (pair["access"].as_str().unwrap().to_owned(), pair["refresh"].as_str().unwrap().to_owned())
    }

    /// Signs in at auth-graph itself, like at another service.
    pub async fn sign_in_elsewhere(&self, email: &str) -> TokenPair {
        let credentials = Credentials { email: email.to_owned(), password: PASSWORD.into(), scope: None };
        let directly = AuthGraph::builder(&self.auth_url).audience("graph").build().unwrap();
        let SignIn::TokenPair(pair) = directly.login(credentials).await.unwrap() else { panic!("a second factor") };
        *pair
    }

    /// Creates many users at once, with the same password.
    pub async fn add_users(&self, count: usize) -> Vec<users::Model> {
        let now = self.auth_app.clock.now();
        let pattern = accounts::by_email(&self.auth_app, &"ada@example.com".parse().unwrap()).await.unwrap();
        let password = user_credentials::of_user(&self.auth_app.db, pattern.id).await.unwrap().remove(0);
        let added: Vec<users::Model> = (0..count)
            .map(|number| users::Model {
                id: AuthUserId::generate(now),
                email: format!("user{number}@example.com").parse().unwrap(),
                ..pattern.clone()
            })
            .collect();
        let txn = store::begin(&self.auth_app.db).await.unwrap();
        for page in added.chunks(500) {
            let rows = page.iter().map(|user| user.clone().into_active_model().reset_all());
            users::Entity::insert_many(rows).exec_without_returning(&txn).await.unwrap();
            let password = |user: &users::Model| user_credentials::Model { user_id: user.id, ..password.clone() };
            user_credentials::insert_many(&txn, page.iter().map(password).collect()).await.unwrap();
        }
        record(&txn, &added.iter().map(|user| user.id).collect::<Vec<_>>(), now).await;
        txn.commit().await.unwrap();
        added
    }

    /// Stops auth-graph and closes all its connections.
    pub async fn stop_auth_graph(&mut self) {
        self.auth.abort();
        // An aborted task ends with an error.
        assert!((&mut self.auth).await.is_err());
        self.network.take_down();
    }

    /// Starts auth-graph again on its database, at another address.
    pub async fn start_auth_graph(&mut self) {
        let config = self.auth_app.config.clone();
        self.auth_app = boot(config, self.auth_app.clock.clone()).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let target: SocketAddr = listener.local_addr().unwrap();
        self.auth = serve_auth_graph(self.auth_app.clone(), listener);
        self.network.redirect_to(target);
        self.network.restore();
    }
}

/// Records a change of these users in the outbox. Readers find the current state of the users.
pub async fn record(txn: &sea_orm::DatabaseTransaction, users: &[AuthUserId], now: chrono::DateTime<chrono::Utc>) {
    for page in users.chunks(1000) {
        changes::append_created(txn, page, now).await.unwrap();
    }
}

fn serve_auth_graph(app: AuthApp, listener: TcpListener) -> JoinHandle<()> {
    tokio::spawn(async move { auth_graph::http::serve(app, listener, std::future::pending()).await.unwrap() })
}
