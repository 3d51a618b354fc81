//! The client service with the real auth-graph over sockets: the promises of the README.

use client_graph::mirror::Mirror;
use client_graph::{AuthGraph, Code, Credentials, SignIn};
use engine::administration::{self, Update};
use engine::callers::Actor;
use engine::clients::{self, NewClient, WithSecret};
use engine::keys::{self, Start, State};
use model::values::{Projection, RolesAndScopes, Scopes, UserId as AuthUserId};
use serde_json::{Value, json};

use crate::world::{PASSWORD, World};

const WHOAMI: &str = include_str!("../../operations/whoami.graphql");
const ADD_NOTE: &str = include_str!("../../operations/add_note.graphql");
const LOGIN: &str = include_str!("../../../schema/operations/login.graphql");
const REFRESH: &str = include_str!("../../../schema/operations/refresh.graphql");
const LOGOUT: &str = include_str!("../../../schema/operations/logout.graphql");

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
async fn rejections_keep_their_status_and_code() {
    let world = World::start("ES256").await;
    let answer = world.post("/auth/token/", None, json!({ "email": "ada@example.com", "password": "wrong" })).await;
    assert_eq!(answer.status(), 401);
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["code"], "INVALID_CREDENTIALS");
    assert_eq!(body["detail"], "No active account found with the given credentials");
    let answer = world.post("/auth/graphql", None, json!({ "query": "{ users { totalCount } }" })).await;
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
async fn the_service_continues_during_an_outage_of_auth_graph() {
    let mut world = World::start("ES256").await;
    let (access, refresh) = world.sign_in("ada@example.com").await;
    assert_eq!(world.test_view(&access).await, 200);
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
        assert_eq!(context.fresh_principal().await.unwrap().subject, pair.user.id, "auth-graph verifies it too");
    }
}

#[tokio::test]
async fn the_mirror_contains_users_who_never_signed_in_here() {
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

#[tokio::test]
async fn a_service_creates_the_row_of_a_user_who_never_visited_it() {
    let world = World::strict().await;
    let eve = world.sign_in_elsewhere("eve@example.com").await.user;
    let service = world.service().mirror(Mirror::in_memory()).build().unwrap();
    assert_eq!(service.provision(eve.id).await.unwrap().email, "eve@example.com");
    assert_eq!(service.mirror().unwrap().user(eve.id).await.unwrap().unwrap().version, eve.version);
}

#[tokio::test]
async fn a_merged_account_has_the_row_of_the_other_account() {
    let world = World::strict().await;
    let (ada, eve) =
        (world.sign_in_elsewhere("ada@example.com").await, world.sign_in_elsewhere("eve@example.com").await);
    let service = world.service().mirror(Mirror::in_memory()).build().unwrap();
    let (from, into) = (AuthUserId(eve.user.id.0), AuthUserId(ada.user.id.0));
    administration::merge(&world.auth_app, &Actor::operator(), from, into, "one person".to_owned()).await.unwrap();
    assert_eq!(service.provision(eve.user.id).await.unwrap().id, ada.user.id);
    assert!(service.mirror().unwrap().user(eve.user.id).await.unwrap().is_none());
}

#[tokio::test]
async fn a_service_that_sees_no_users_reads_a_user_with_their_own_token() {
    let world = World::strict().await;
    let eve = world.sign_in_elsewhere("eve@example.com").await;
    let new = NewClient {
        name: "introspecting".to_owned(),
        scopes: Scopes::default(),
        audiences: Vec::new(),
        projection: None,
    };
    let WithSecret { client, secret } = clients::create(&world.auth_app, &Actor::operator(), new).await.unwrap();
    let service = AuthGraph::builder(&world.auth_url).audience("graph").mirror(Mirror::in_memory());
    let service = service.service_client(client.id.to_string(), secret).build().unwrap();
    let context = service.context_from_token(Some(&eve.access_token)).await;
    assert_eq!(context.user().await.unwrap().email, "eve@example.com");

    clients::disable(&world.auth_app, &Actor::operator(), client.id).await.unwrap();
    let service = AuthGraph::builder(&world.auth_url).audience("graph").mirror(Mirror::in_memory());
    let service = service.service_client(client.id.to_string(), "wrong".into()).build().unwrap();
    let context = service.context_from_token(Some(&eve.access_token)).await;
    assert_eq!(
        context.user().await.unwrap_err().code(),
        Code::Unavailable,
        "the failure is not reported as a fault of the user"
    );
}

#[tokio::test]
async fn the_mirror_contains_only_data_that_the_client_may_see() {
    let world = World::strict().await;
    let (auth, mirror) = (&world.app.auth, world.app.auth.mirror().unwrap());
    let eves = world.sign_in_elsewhere("eve@example.com").await;
    let eve = eves.user.id;
    let pair = world.sign_in_elsewhere("staff@example.com").await;
    let (staff, token) = (pair.user.id, pair.access_token);
    let email = async |id| mirror.user(id).await.unwrap().map(|user| user.email);
    let until = async |eves: Option<&str>, staffs: Option<&str>| {
        let mut seen = 0;
        while (email(eve).await.as_deref(), email(staff).await.as_deref()) != (eves, staffs) {
            seen = auth.feed_moved(seen).await;
        }
    };
    let show = async |projection| {
        let client = world.reader()[0].parse().unwrap();
        clients::set_projection(&world.auth_app, &Actor::operator(), client, projection).await.unwrap();
    };
    until(Some("eve@example.com"), Some("staff@example.com")).await;

    let roles = ["staff".to_owned()].into();
    let fields = ["firstName".to_owned()];
    show(Some(Projection::parse(RolesAndScopes { roles, ..RolesAndScopes::default() }, Some(&fields)).unwrap())).await;
    until(None, Some("")).await;
    assert_eq!(mirror.user(staff).await.unwrap().unwrap().first_name, "Ada");
    let other = world.service().mirror(Mirror::in_memory()).build().unwrap();
    let row = other.provision(staff).await.unwrap();
    assert_eq!((row.first_name.as_str(), row.email.as_str()), ("Ada", ""));
    assert_eq!(other.provision(eve).await.unwrap_err().code(), Code::NotFound);

    let context = auth.context_from_token(Some(&token)).await;
    assert_eq!(context.user().await.unwrap().id, staff);
    // Their own sign-in does not create a row either, because the feed would never report to this service that they are
    // disabled or deleted.
    let beyond = auth.context_from_token(Some(&eves.access_token)).await;
    assert_eq!(beyond.user().await.unwrap_err().code(), Code::Forbidden);
    let elsewhere = other.context_from_token(Some(&eves.access_token)).await;
    assert_eq!(elsewhere.user().await.unwrap_err().code(), Code::Forbidden, "without a tombstone");
    world.sign_in("eve@example.com").await;
    let (_, refresh) = world.sign_in("staff@example.com").await;
    let no_name = Update { last_name: Some(String::new()), ..Update::default() };
    administration::update(&world.auth_app, &Actor::operator(), AuthUserId(staff.0), no_name).await.unwrap();
    world.post("/auth/token/refresh/", None, json!({ "refresh": refresh })).await;
    assert_eq!((email(eve).await, email(staff).await.as_deref()), (None, Some("")));
    let no_staff = Update { is_staff: Some(false), ..Update::default() };
    administration::update(&world.auth_app, &Actor::operator(), AuthUserId(staff.0), no_staff).await.unwrap();
    until(None, None).await;
    assert_eq!(context.user().await.unwrap_err().code(), Code::Forbidden, "the token is valid");

    show(None).await;
    until(Some("eve@example.com"), Some("staff@example.com")).await;
}

#[tokio::test]
async fn a_withdrawn_key_ends_its_tokens_at_a_service_that_follows_the_feed() {
    let world = World::strict().await;
    let (auth, actor) = (&world.app.auth, Actor::operator());
    let (old, _) = world.sign_in("ada@example.com").await;
    let mut seen = 0;
    while auth.feed_age().is_none() {
        seen = auth.feed_moved(seen).await;
    }
    assert_eq!(world.test_view(&old).await, 200);
    let listed = keys::list(&world.auth_app).await.unwrap();
    let stolen = listed.iter().find(|key| key.state == State::Signing).unwrap().kid.clone();

    keys::rotate(&world.auth_app, &actor, Start::Now).await.unwrap();
    keys::retire(&world.auth_app, &actor, &stolen).await.unwrap();

    while world.test_view(&old).await != 401 {
        seen = auth.feed_moved(seen).await;
    }
    let (new, _) = world.sign_in("ada@example.com").await;
    assert_eq!(world.test_view(&new).await, 200);
}
