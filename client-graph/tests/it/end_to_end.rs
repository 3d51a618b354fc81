//! The client service with the real auth-graph: what the README promises, over sockets.

use auth_graph::auth::accounts::{self, NewUser, Rank};
use auth_graph::auth::boot;
use auth_graph::auth::clients::{self, NewClient};
use auth_graph::clock::Clock as AuthClock;
use auth_graph::config::{Config as AuthConfig, Sources as AuthSources};
use auth_graph::values::{NewPassword, Scopes};
use client_graph::service::{App, Config, Sources, serve};
use client_graph::{AuthGraph, Clock, Code, Credentials, SignIn};
use reqwest::{Client, Response};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::support::TestDatabase;

const PASSWORD: &str = "correct horse battery";
const WHOAMI: &str = include_str!("../../operations/whoami.graphql");
const ADD_NOTE: &str = include_str!("../../operations/add_note.graphql");
const LOGIN: &str = include_str!("../../../schema/operations/login.graphql");
const REFRESH: &str = include_str!("../../../schema/operations/refresh.graphql");
const LOGOUT: &str = include_str!("../../../schema/operations/logout.graphql");

/// Both services on free ports, each with a database of its own.
struct World {
    auth_url: String,
    client_url: String,
    app: App,
    http: Client,
    auth: JoinHandle<()>,
    _databases: [TestDatabase; 2],
}

impl World {
    async fn start(algorithm: &str) -> Self {
        Self::start_with(algorithm, "any").await
    }

    /// An auth-graph that runs nothing but what it knows the library to send.
    async fn strict() -> Self {
        Self::start_with("ES256", "trusted").await
    }

    async fn start_with(algorithm: &str, documents: &str) -> Self {
        let databases = [TestDatabase::create().await, TestDatabase::create().await];
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut flags = databases[0].settings();
        flags.push(("server.bind".to_owned(), address.to_string()));
        flags.push(("server.trusted_proxies".to_owned(), "[\"127.0.0.1/32\"]".to_owned()));
        flags.push(("tokens.algorithm".to_owned(), algorithm.to_owned()));
        flags.push(("graphql.allowed_documents".to_owned(), documents.to_owned()));
        let config = AuthConfig::load(&AuthSources { flags, ..AuthSources::default() }).unwrap();
        let auth_app = boot(config, AuthClock::default()).await.unwrap();
        let users =
            [("ada@example.com", Rank::User), ("eve@example.com", Rank::User), ("staff@example.com", Rank::Staff)];
        for (email, rank) in users {
            let password = NewPassword::parse(PASSWORD.into()).unwrap();
            let (first_name, last_name) = ("Ada".to_owned(), "Lovelace".to_owned());
            let new = NewUser { email: email.parse().unwrap(), password, first_name, last_name, rank };
            accounts::create(&auth_app, new).await.unwrap();
        }
        let reader = NewClient {
            name: "client-service".to_owned(),
            scopes: Scopes::parse("feed:read").unwrap(),
            audiences: Vec::new(),
        };
        let reader = clients::create(&auth_app, &auth_graph::auth::Actor::operator(), reader).await.unwrap();
        let auth = tokio::spawn(async move {
            auth_graph::http::serve(auth_app, listener, std::future::pending()).await.unwrap();
        });

        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client_url = format!("http://{}", listener.local_addr().unwrap());
        let auth_url = format!("http://{address}");
        let mut flags = databases[1].settings();
        flags.push(("auth.url".to_owned(), auth_url.clone()));
        flags.push(("auth.client_id".to_owned(), reader.client.id.to_string()));
        flags.push(("auth.client_secret".to_owned(), reader.secret.expose_secret().to_owned()));
        let config = Config::load(&Sources { flags, ..Sources::default() }).unwrap();
        let app = App::boot(config, Clock::default()).await.unwrap();
        tokio::spawn(serve(app.clone(), listener, std::future::pending()));
        Self { auth_url, client_url, app, http: Client::new(), auth, _databases: databases }
    }

    async fn post(&self, path: &str, token: Option<&str>, body: Value) -> Response {
        let mut request = self.http.post(format!("{}{path}", self.client_url)).json(&body);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        request.send().await.unwrap()
    }

    async fn graphql(&self, token: &str, query: &str, variables: Value) -> Value {
        let body = json!({ "query": query, "variables": variables });
        self.post("/graphql", Some(token), body).await.json().await.unwrap()
    }

    async fn test_view(&self, token: &str) -> u16 {
        let request = self.http.get(format!("{}/api/test/", self.client_url)).bearer_auth(token);
        request.send().await.unwrap().status().as_u16()
    }

    async fn sign_in(&self, email: &str) -> (String, String) {
        let answer = self.post("/auth/token/", None, json!({ "email": email, "password": PASSWORD })).await;
        assert_eq!(answer.status(), 200);
        let pair: Value = answer.json().await.unwrap();
        (pair["access"].as_str().unwrap().to_owned(), pair["refresh"].as_str().unwrap().to_owned())
    }

    /// Ends auth-graph, with all its connections.
    async fn stop_auth_graph(&mut self) {
        self.auth.abort();
        // A task that was aborted ends with an error.
        assert!((&mut self.auth).await.is_err());
    }
}

#[tokio::test]
async fn a_user_signs_in_works_and_signs_out() {
    let world = World::strict().await;
    let (access, refresh) = world.sign_in("ada@example.com").await;
    assert_eq!(world.test_view(&access).await, 200);

    let whoami = world.graphql(&access, WHOAMI, json!({})).await;
    assert_eq!(whoami["data"]["whoami"]["user"]["email"], "ada@example.com", "{whoami}");
    let added = world.graphql(&access, ADD_NOTE, json!({ "input": { "text": "remember" } })).await;
    assert_eq!(added["data"]["addNote"]["note"]["author"]["id"], whoami["data"]["whoami"]["subject"]);
    let id = whoami["data"]["whoami"]["subject"].as_str().unwrap().parse().unwrap();
    assert_eq!(world.app.auth.mirror().unwrap().user(id).await.unwrap().unwrap().email, "ada@example.com");
    let profile = world.http.get(format!("{}/auth/users/{id}/", world.client_url)).bearer_auth(&access);
    let profile: Value = profile.send().await.unwrap().json().await.unwrap();
    assert!(profile["email"] == "ada@example.com" && profile["last_login"].is_string(), "{profile}");

    let next: Value =
        world.post("/auth/token/refresh/", None, json!({ "refresh": refresh })).await.json().await.unwrap();
    let verified = world.post("/auth/token/verify/", None, json!({ "token": next["access"] })).await;
    assert_eq!((verified.status().as_u16(), verified.json::<Value>().await.unwrap()), (200, json!({})));
    let verified = world.post("/auth/token/verify/", None, json!({ "token": next["refresh"] })).await;
    assert_eq!(verified.status(), 200);

    let gone = world.post("/auth/token/logout/", Some(&access), json!({ "refresh": next["refresh"] })).await;
    assert_eq!(gone.status(), 200);
    assert_eq!(world.test_view(&access).await, 401);
    assert_eq!(world.test_view(next["access"].as_str().unwrap()).await, 401, "every token of the session");
    let refused = world.post("/auth/token/refresh/", None, json!({ "refresh": next["refresh"] })).await;
    assert_eq!(refused.status(), 401);
    assert_eq!(refused.json::<Value>().await.unwrap()["code"], "TOKEN_REVOKED");
}

#[tokio::test]
async fn a_browser_signs_in_with_a_cookie_through_the_proxy() {
    let world = World::start("ES256").await;
    let with_csrf_token = LOGIN.replace("refreshToken", "refreshToken csrfToken");
    let proxy = |query: &str, variables: Value, cookie: String, csrf_token: &str, site: &'static str| {
        let body = json!({ "query": query, "variables": variables });
        let request = world.http.post(format!("{}/auth/graphql", world.client_url)).json(&body);
        request.header("cookie", cookie).header("x-csrf-token", csrf_token).header("sec-fetch-site", site).send()
    };
    let input = json!({ "input": { "email": "ada@example.com", "password": PASSWORD, "delivery": "COOKIE" } });

    let answer = proxy(&with_csrf_token, input, String::new(), "", "same-origin").await.unwrap();
    let set = answer.headers()["set-cookie"].to_str().unwrap().to_owned();
    assert!(set.contains("HttpOnly"), "{set}");
    let cookie = set.split(';').next().unwrap().to_owned();
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["data"]["login"]["refreshToken"], Value::Null, "{body}");

    let csrf = body["data"]["login"]["csrfToken"].as_str().unwrap();
    for (csrf, site) in [(csrf, "cross-site"), ("", "same-origin")] {
        let refused: Value = proxy(REFRESH, json!({}), cookie.clone(), csrf, site).await.unwrap().json().await.unwrap();
        assert_eq!(refused["errors"][0]["extensions"]["code"], "FORBIDDEN", "{refused}");
    }
    let answer = proxy(REFRESH, json!({}), format!("theme=dark; {cookie}"), csrf, "same-origin").await.unwrap();
    let next = answer.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let body: Value = answer.json().await.unwrap();
    let access = body["data"]["refresh"]["accessToken"].as_str().unwrap();
    assert_eq!(world.test_view(access).await, 200);

    let gone: Value = proxy(LOGOUT, json!({}), next, csrf, "same-origin").await.unwrap().json().await.unwrap();
    assert_eq!(gone["data"]["logout"]["revokedSessions"], 1, "{gone}");
}

#[tokio::test]
async fn staff_lists_users_page_by_page() {
    let world = World::strict().await;
    let auth = &world.app.auth;
    let (plain, _) = world.sign_in("ada@example.com").await;
    assert_eq!(auth.users(&plain.into(), 1, None).await.unwrap_err().code(), Code::Forbidden);

    let (staff, _) = world.sign_in("staff@example.com").await;
    let staff = staff.into();
    let mut emails = Vec::new();
    let mut after = None;
    loop {
        let page = auth.users(&staff, 2, after).await.unwrap();
        assert_eq!(page.total, 3);
        emails.extend(page.users.into_iter().map(|user| user.email));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    emails.sort();
    assert_eq!(emails, ["ada@example.com", "eve@example.com", "staff@example.com"]);
}

#[tokio::test]
async fn refusals_keep_status_and_code() {
    let world = World::start("ES256").await;
    let answer = world.post("/auth/token/", None, json!({ "email": "ada@example.com", "password": "wrong" })).await;
    assert_eq!(answer.status(), 401);
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["code"], "INVALID_CREDENTIALS");
    assert_eq!(body["detail"], "No active account found with the given credentials");
    let answer = world.post("/auth/graphql", None, json!({ "query": "{ me { id } }" })).await;
    assert_eq!(answer.status(), 403);
}

#[tokio::test]
async fn too_many_attempts_are_429_with_the_time_to_wait() {
    let world = World::start("ES256").await;
    let wrong = json!({ "email": "eve@example.com", "password": "wrong" });
    let mut limited = None;
    for _ in 0..30 {
        let answer = world.post("/auth/token/", None, wrong.clone()).await;
        if answer.status() == 429 {
            limited = Some(answer);
            break;
        }
        assert_eq!(answer.status(), 401);
    }
    let answer = limited.expect("auth-graph limits the attempts on an account");
    assert!(answer.headers()["retry-after"].to_str().unwrap().parse::<u64>().unwrap() >= 1);
    assert_eq!(answer.json::<Value>().await.unwrap()["code"], "RATE_LIMITED");
}

#[tokio::test]
async fn while_auth_graph_is_away_work_goes_on() {
    let mut world = World::start("ES256").await;
    let (access, refresh) = world.sign_in("ada@example.com").await;
    assert_eq!(world.test_view(&access).await, 200);
    // What is known is enough, but a connection that is open could go on to be served.
    world.stop_auth_graph().await;

    let added = world.graphql(&access, ADD_NOTE, json!({ "input": { "text": "alone" } })).await;
    assert_eq!(added["data"]["addNote"]["note"]["text"], "alone", "{added}");
    let elsewhere = AuthGraph::builder(&world.auth_url).audience("graph").build().unwrap();
    let error = elsewhere.refresh(refresh.into()).await.unwrap_err();
    assert_eq!(error.code(), Code::Unavailable);
}

#[tokio::test]
async fn tokens_of_each_published_algorithm_are_verified() {
    for algorithm in ["ES256", "EdDSA", "RS256"] {
        let world = World::start(algorithm).await;
        let auth = AuthGraph::builder(&world.auth_url).audience("graph").build().unwrap();
        let credentials = Credentials { email: "ada@example.com".to_owned(), password: PASSWORD.into(), scope: None };
        let SignIn::TokenPair(pair) = auth.login(credentials).await.unwrap() else { panic!("{algorithm}") };
        assert_eq!(auth.authenticate(&pair.access_token).await.unwrap().subject, pair.user.id, "{algorithm}");
        assert_eq!(auth.me(&pair.access_token).await.unwrap().unwrap().email, "ada@example.com");
        let context = auth.context_from_token(Some(&pair.access_token)).await;
        assert_eq!(context.fresh_principal().await.unwrap().subject, pair.user.id, "auth-graph agrees");
    }
}

#[tokio::test]
async fn what_ends_at_auth_graph_is_refused_at_the_client_service() {
    let world = World::strict().await;
    let auth = &world.app.auth;
    let directly = AuthGraph::builder(&world.auth_url).audience("graph").build().unwrap();
    let mut seen = 0;
    while auth.feed_age().is_none() {
        seen = auth.feed_moved(seen).await;
    }
    let mut delays = Vec::new();
    for _ in 0..10 {
        let credentials = Credentials { email: "ada@example.com".to_owned(), password: PASSWORD.into(), scope: None };
        let SignIn::TokenPair(pair) = directly.login(credentials).await.unwrap() else { panic!("a second factor") };
        assert_eq!(world.test_view(pair.access_token.expose_secret()).await, 200);
        assert_eq!(directly.logout(pair.refresh_token.clone().unwrap()).await.unwrap(), 1);
        let ended = std::time::Instant::now();
        while auth.authenticate(&pair.access_token).await.is_ok() {
            seen = auth.feed_moved(seen).await;
        }
        delays.push(ended.elapsed());
        assert_eq!(world.test_view(pair.access_token.expose_secret()).await, 401);
    }
    delays.sort();
    println!("from the answer at auth-graph to the refusal: {delays:?}");
    assert!(delays[9] < std::time::Duration::from_secs(1), "{delays:?}");
}

#[tokio::test]
async fn the_mirror_knows_people_who_never_signed_in_here() {
    let world = World::strict().await;
    let auth = &world.app.auth;
    let directly = AuthGraph::builder(&world.auth_url).audience("graph").build().unwrap();
    let credentials = Credentials { email: "eve@example.com".to_owned(), password: PASSWORD.into(), scope: None };
    let SignIn::TokenPair(pair) = directly.login(credentials).await.unwrap() else { panic!("a second factor") };
    let mut seen = 0;
    while auth.mirror().unwrap().user(pair.user.id).await.unwrap().is_none() {
        seen = auth.feed_moved(seen).await;
    }
    let row = auth.mirror().unwrap().user(pair.user.id).await.unwrap().unwrap();
    assert_eq!((row.email.as_str(), row.version), ("eve@example.com", pair.user.version));

    while auth.feed_status().mirror_age.is_none() {
        seen = auth.feed_moved(seen).await;
    }
    let ready = world.http.get(format!("{}/readyz", world.client_url)).send().await.unwrap();
    let ready: Value = ready.json().await.unwrap();
    for age in ["ageSeconds", "mirrorAgeSeconds"] {
        assert!(ready["feed"][age].as_f64().is_some_and(|age| age < 60.0), "{ready}");
    }
}
