//! Tests every way to a token with every restriction that must close it. A new way without a row here fails.

use std::collections::BTreeSet;
use std::path::Path;

use auth_graph::graphql::cookie_name;
use engine::accounts::{Deletion, Rank};
use engine::administration;
use engine::callers::Actor;
use model::config::{OldNames, Profile};
use model::values::NewPassword;
use serde_json::{Value, json};

use crate::support::{Answer, Caller, PASSWORD, ServiceClient, SignedIn, TestApp, disable, operation};

const IMPERSONATE: &str = "mutation($input: ImpersonateInput!) { impersonate(input: $input) { accessToken } }";
const TOKEN_AUTH: &str =
    "mutation($email: String!, $password: String!) { tokenAuth(email: $email, password: $password) { token } }";
const REFRESH_TOKEN: &str = "mutation($token: String) { refreshToken(token: $token) { token } }";
/// A sample password of the documentation.
const SAMPLE: &str = "user-pass";

/// A way to a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Login,
    RestToken,
    Refresh,
    RestRefresh,
    OauthRefresh,
    OldLogin,
    OldRefresh,
    TokenAuth,
    RefreshToken,
    CookieSignIn,
    CookieRefresh,
    Impersonate,
    ClientCredentials,
}

const WAYS: [Way; 13] = [
    Way::Login,
    Way::RestToken,
    Way::Refresh,
    Way::RestRefresh,
    Way::OauthRefresh,
    Way::OldLogin,
    Way::OldRefresh,
    Way::TokenAuth,
    Way::RefreshToken,
    Way::CookieSignIn,
    Way::CookieRefresh,
    Way::Impersonate,
    Way::ClientCredentials,
];

/// The ways of users.
const OF_USERS: &[Way] = &[
    Way::Login,
    Way::RestToken,
    Way::Refresh,
    Way::RestRefresh,
    Way::OauthRefresh,
    Way::OldLogin,
    Way::OldRefresh,
    Way::TokenAuth,
    Way::RefreshToken,
    Way::CookieSignIn,
    Way::CookieRefresh,
    Way::Impersonate,
];

/// Each restriction, with the ways that it must close.
const RESTRICTIONS: [(Restriction, &[Way]); 6] = [
    (Restriction::Disabled, OF_USERS),
    (Restriction::Deleted, OF_USERS),
    // The old password is rejected, and all sessions have ended. An administrator needs no password.
    (Restriction::PasswordChanged, OF_USERS.split_last().unwrap().1),
    (Restriction::SamplePassword, &[Way::Login, Way::RestToken, Way::OldLogin, Way::TokenAuth, Way::CookieSignIn]),
    (Restriction::UnknownAudience, &[Way::Login, Way::OauthRefresh, Way::ClientCredentials]),
    (Restriction::ClientDisabled, &[Way::ClientCredentials]),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Restriction {
    Disabled,
    Deleted,
    PasswordChanged,
    SamplePassword,
    UnknownAudience,
    ClientDisabled,
}

struct World {
    test: TestApp,
    admin: Caller,
    user: SignedIn,
    client: ServiceClient,
}

impl World {
    async fn new() -> Self {
        let test = TestApp::with(|config| {
            config.rest.enabled = true;
            config.rest.old_names = vec![OldNames::DjangoAuthService, OldNames::DjangoRestMicroservice];
        })
        .await;
        let admin = test.signed_in("admin@test.com", Rank::Superuser).await.caller;
        let user = test.signed_in("ada@test.com", Rank::User).await;
        let client = test.service_client("reports", "users:read").await;
        Self { test, admin, user, client }
    }

    /// Takes a way to a token, for another audience if one is given.
    async fn take(&self, way: Way, password: &str, audience: Option<&str>) -> Answer {
        let (anyone, email, refresh) =
            (self.test.anonymous(), self.user.user.email.as_str(), self.user.refresh.as_str());
        let with_audience = |mut form: Vec<(&'static str, String)>| {
            form.extend(audience.map(|audience| ("audience", audience.to_owned())));
            form
        };
        match way {
            Way::Login => {
                let input = json!({ "email": email, "password": password, "audience": audience });
                anyone.send(operation!("login"), json!({ "input": input })).await
            }
            Way::RestToken => anyone.post("/auth/token/", json!({ "email": email, "password": password })).await,
            Way::Refresh => anyone.refresh(refresh).await,
            Way::RestRefresh => anyone.post("/auth/token/refresh/", json!({ "refresh": refresh })).await,
            Way::OauthRefresh => {
                let form = with_audience(vec![
                    ("grant_type", "refresh_token".to_owned()),
                    ("refresh_token", refresh.to_owned()),
                    ("client_id", "first-party".to_owned()),
                ]);
                anyone.form("/oauth/token", &as_pairs(&form)).await
            }
            Way::OldLogin => anyone.post("/auth/login", json!({ "email": email, "password": password })).await,
            Way::OldRefresh => anyone.post("/auth/refresh", json!({ "token": refresh })).await,
            Way::TokenAuth => anyone.send(TOKEN_AUTH, json!({ "email": email, "password": password })).await,
            Way::RefreshToken => anyone.send(REFRESH_TOKEN, json!({ "token": refresh })).await,
            Way::CookieSignIn => {
                anyone.post("/auth/sign-in/", json!({ "username": email, "password": password })).await
            }
            Way::CookieRefresh => {
                let (session, _) = self.test.app.tokens.refresh.decode(&refresh.to_owned().into()).unwrap();
                let page = anyone.with_header("cookie", &format!("{}={refresh}", cookie_name(&self.test.app)));
                page.post("/auth/refresh/", json!({ "CSRF_token": self.test.app.tokens.csrf.encode(session) })).await
            }
            Way::Impersonate => {
                let input = json!({ "id": self.user.user.id, "reason": "a test" });
                self.admin.send(IMPERSONATE, json!({ "input": input })).await
            }
            Way::ClientCredentials => {
                let form = with_audience(vec![("grant_type", "client_credentials".to_owned())]);
                self.client.caller.form("/oauth/token", &as_pairs(&form)).await
            }
        }
    }

    async fn restrict(&self, restriction: Restriction) {
        let (app, operator, id) = (&self.test.app, Actor::operator(), self.user.user.id);
        match restriction {
            Restriction::Disabled => disable(app, id).await,
            Restriction::Deleted => {
                administration::delete(app, &operator, id, Deletion::Restorable, None).await.unwrap();
            }
            Restriction::PasswordChanged => {
                let password = NewPassword::parse("another horse battery".into()).unwrap();
                administration::set_password(app, &operator, id, &password).await.unwrap();
            }
            Restriction::SamplePassword => self.give_sample_password().await,
            Restriction::ClientDisabled => {
                engine::clients::disable(app, &operator, self.client.id).await.unwrap();
            }
            Restriction::UnknownAudience => {}
        }
    }

    /// Current rules do not allow such a password, but the demo may have stored one in the database.
    async fn give_sample_password(&self) {
        let app = &self.test.app;
        let hash = app.passwords.pool.hash(&SAMPLE.into()).await.unwrap();
        let before = store::user_credentials::of_user(&app.db, self.user.user.id).await.unwrap();
        let after = store::user_credentials::Model { secret: hash, ..before[0].clone() };
        store::user_credentials::replace(&app.db, &before, &[after]).await.unwrap();
    }
}

fn as_pairs<'a>(form: &'a [(&'static str, String)]) -> Vec<(&'a str, &'a str)> {
    form.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

/// Returns the token of an answer, in any place.
fn token_of(answer: &Answer) -> Option<String> {
    fn find(value: &Value) -> Option<&str> {
        let named = |name: &str| matches!(name, "accessToken" | "access" | "access_token" | "token");
        match value {
            Value::Object(members) => members.iter().find_map(|(name, value)| match value.as_str() {
                Some(text) if named(name) => Some(text),
                _ => find(value),
            }),
            Value::Array(items) => items.iter().find_map(find),
            _ => None,
        }
    }
    find(&answer.body).map(str::to_owned)
}

#[tokio::test]
async fn each_way_gives_a_token_without_a_restriction() {
    for way in WAYS {
        let world = World::new().await;
        let answer = world.take(way, PASSWORD, None).await;
        assert!(token_of(&answer).is_some(), "{way:?}: {}", answer.text);
    }
}

#[tokio::test]
async fn each_restriction_closes_its_ways() {
    for (restriction, ways) in RESTRICTIONS {
        for way in ways {
            let world = World::new().await;
            assert_ne!(world.test.app.config.profile, Profile::Demo);
            world.restrict(restriction).await;
            let password = if restriction == Restriction::SamplePassword { SAMPLE } else { PASSWORD };
            let audience = (restriction == Restriction::UnknownAudience).then_some("nowhere");
            let answer = world.take(*way, password, audience).await;
            assert_eq!(token_of(&answer), None, "{restriction:?} leaves {way:?} open: {}", answer.text);
        }
    }
}

/// Compares the table with the published API. A mutation, grant type or function that gives a token must be in the
/// table.
#[tokio::test]
async fn no_way_to_a_token_is_missing_from_the_table() {
    let sdl = include_str!("../../../schema/auth.graphql");
    let blocks: Vec<(&str, &str)> = sdl.split("\n}\n").filter_map(|block| block.split_once(" {\n")).collect();
    let name_of = |head: &str| head.rsplit('\n').next().and_then(|line| line.split(' ').nth(1)).map(str::to_owned);
    let mut giving: BTreeSet<String> = blocks
        .iter()
        .filter(|(_, fields)| fields.lines().any(|line| line.trim().starts_with("accessToken:")))
        .filter_map(|(head, _)| name_of(head))
        .collect();
    for union in sdl.lines().filter_map(|line| line.strip_prefix("union ")) {
        let (name, members) = union.split_once(" = ").unwrap();
        if members.split(" | ").any(|member| giving.contains(member)) {
            giving.insert(name.split(' ').next().unwrap().to_owned());
        }
    }
    let (_, mutations) = blocks.iter().find(|(head, _)| name_of(head).as_deref() == Some("Mutation")).unwrap();
    let mut field = "";
    let mut ways = BTreeSet::new();
    // The arguments of a field are below its name, and its type follows them.
    for line in
        mutations.lines().filter_map(|line| line.strip_prefix('\t')).filter(|line| !line.starts_with(['\t', '"']))
    {
        if !line.starts_with(')') {
            field = line.split(['(', ':']).next().unwrap();
        }
        let result = line.rsplit_once(": ").map_or("", |(_, result)| result.split([' ', '!']).next().unwrap());
        if giving.contains(result) {
            ways.insert(field);
        }
    }
    assert_eq!(ways, BTreeSet::from(["impersonate", "login", "refresh"]));

    let test = TestApp::new().await;
    let discovery = test.anonymous().get("/.well-known/oauth-authorization-server").await;
    assert_eq!(discovery.body["grant_types_supported"], json!(["client_credentials", "refresh_token"]));

    // Below the doors, it checks the functions that sign a token or begin a session.
    let engine = Path::new(env!("CARGO_MANIFEST_DIR")).join("engine/src");
    assert_eq!(
        files_with(&engine, &[".mint(", ".mint_for("]),
        ["administration/impersonation.rs", "clients/grants.rs", "sessions.rs"]
    );
    assert_eq!(files_with(&engine, &["sessions::insert("]), ["administration/impersonation.rs", "signing_in/begin.rs"]);
    assert_eq!(files_with(&engine, &[" begin(app, sufficient"]), ["signing_in/login.rs"]);
}

/// Returns the files below a folder that contain one of these texts.
fn files_with(folder: &Path, texts: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if texts.iter().any(|text| std::fs::read_to_string(&path).unwrap().contains(text)) {
                found.push(path.strip_prefix(folder).unwrap().to_string_lossy().into_owned());
            }
        }
    }
    found.sort();
    found
}
