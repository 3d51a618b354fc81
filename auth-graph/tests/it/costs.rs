//! The cost of one request of an anonymous caller, for each way in. A new way without a row here fails.

use std::collections::BTreeSet;

use auth_graph::graphql;
use axum::http::Request;
use model::config::{OldNames, Part};
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use serde_json::{Value, json};
use subgraph::Directives;

use crate::federation::root_fields;
use crate::support::{Answer, MailingApp, PASSWORD, TestApp, count_queries, operation};

/// The most that one request may cost: statements, hashes, mails and further rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cost {
    statements: usize,
    hashes: u64,
    mails: i64,
    rows: i64,
}

const fn at_most(statements: usize, hashes: u64, mails: i64, rows: i64) -> Cost {
    Cost { statements, hashes, mails, rows }
}

/// A request that only reads, from memory or by one statement.
const READING: Cost = at_most(1, 0, 0, 0);
/// A guess at a password: two counters and a login event.
const GUESS: Cost = at_most(6, 1, 0, 3);
/// A guess at a token of a mail: a counter.
const TOKEN_GUESS: Cost = at_most(2, 0, 0, 1);
/// A request for a mail: two counters and the mail.
const MAIL: Cost = at_most(5, 0, 1, 2);

enum Way {
    /// An operation, by the root field that it calls.
    Operation(&'static str, &'static str, fn() -> Value),
    /// JSON for a path.
    Json(&'static str, fn() -> Value),
    /// A form for a path.
    Form(&'static str, &'static [(&'static str, &'static str)]),
    /// A GET request.
    Get(&'static str),
}

use Way::{Form, Get, Json, Operation};

fn of_address(email: &str) -> Value {
    json!({ "email": email })
}

fn with_password(email: &str) -> Value {
    json!({ "email": email, "password": "not the right password" })
}

fn token() -> Value {
    json!({ "token": "ago_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "refreshToken": REFRESH })
}

const REFRESH: &str = "agr_x";

/// Each way in, with its cost. A way has a row for each case that costs more than another.
const WAYS: &[(Way, Cost)] = &[
    (Operation("login", operation!("login"), || json!({ "input": with_password("ada@test.com") })), GUESS),
    (Operation("login", operation!("login"), || json!({ "input": with_password("nobody@test.com") })), GUESS),
    (
        Operation("register", operation!("register"), || json!({ "input": with_password("ada@test.com") })),
        MAIL_AND_HASH,
    ),
    (
        Operation("register", operation!("register"), || json!({ "input": with_password("new@test.com") })),
        MAIL_AND_HASH,
    ),
    (Operation("requestPasswordReset", operation!("request_password_reset"), || of_address("ada@test.com")), MAIL),
    (Operation("requestPasswordReset", operation!("request_password_reset"), || of_address("new@test.com")), MAIL),
    (
        Operation(
            "resetPassword",
            operation!("reset_password"),
            || json!({ "input": { "token": "ago_x", "newPassword": PASSWORD } }),
        ),
        TOKEN_GUESS,
    ),
    (Operation("verifyEmail", operation!("verify_email"), token), TOKEN_GUESS),
    (Operation("inspectOneTimeToken", operation!("inspect_one_time_token"), token), TOKEN_GUESS),
    (Operation("verify", operation!("verify"), token), READING),
    (Operation("refresh", operation!("refresh"), token), READING),
    (Operation("logout", operation!("logout"), token), READING),
    (Operation("me", operation!("me"), || json!({})), READING),
    (Operation("user", operation!("user"), || json!({ "id": ID })), READING),
    (Operation("userSnapshot", "query($id: ID!) { userSnapshot(id: $id) { id } }", || json!({ "id": ID })), READING),
    (
        Operation(
            "_entities",
            "query($r: [_Any!]!) { _entities(representations: $r) { ... on User { id } } }",
            || json!({ "r": vec![json!({ "__typename": "User", "id": ID }); 1_000] }),
        ),
        READING,
    ),
    (Operation("_service", "{ _service { sdl } }", || json!({})), READING),
    (Json("/auth/token/", || with_password("ada@test.com")), GUESS),
    (Json("/auth/token/refresh/", || json!({ "refresh": REFRESH })), READING),
    (Json("/auth/token/verify/", || json!({ "token": "x" })), READING),
    (Json("/auth/token/blacklist/", || json!({ "refresh": REFRESH })), READING),
    (Get("/auth/user/"), READING),
    (Get("/auth/users/{id}/"), READING),
    // Two counters, and the rows of the user, the credential, the audit event and the change.
    (Json("/auth/create-user/", || with_password("new@test.com")), at_most(12, 1, 1, 7)),
    (
        Json(
            "/auth/password-change/",
            || json!({ "email": "ada@test.com", "password": "wrong password", "new_password": "a longer new password" }),
        ),
        // One counter more than a sign-in has: judging the new password is limited too.
        at_most(7, 1, 0, 4),
    ),
    (Json("/auth/login", || with_password("ada@test.com")), GUESS),
    (Json("/auth/verify", || json!({ "token": "x" })), READING),
    (Json("/auth/refresh", || json!({ "token": REFRESH })), READING),
    (Get("/auth/user"), READING),
    (Json("/auth/sign-in/", || with_password("ada@test.com")), GUESS),
    (Json("/auth/refresh/", || json!({ "CSRF_token": "x" })), READING),
    (Json("/auth/verify/", || json!({ "token": "x" })), READING),
    (Json("/auth/logoff/", || json!({ "CSRF_token": "x" })), READING),
    (
        Operation(
            "tokenAuth",
            "mutation($email: String!, $password: String!) { tokenAuth(email: $email, password: $password) { token } }",
            || with_password("ada@test.com"),
        ),
        GUESS,
    ),
    (Operation("verifyToken", "mutation($token: String) { verifyToken(token: $token) { payload } }", token), READING),
    (
        Operation(
            "refreshToken",
            "mutation($refreshToken: String) { refreshToken(token: $refreshToken) { token } }",
            || json!({ "refreshToken": REFRESH }),
        ),
        READING,
    ),
    (Form("/oauth/token", &[("grant_type", "client_credentials"), CLIENT, SECRET]), at_most(2, 0, 0, 2)),
    (Form("/oauth/token", &[("grant_type", "refresh_token"), ("client_id", "first-party"), OLD]), READING),
    (Form("/oauth/revoke", &[("client_id", "first-party"), ("token", REFRESH)]), READING),
    (Form("/oauth/introspect", &[CLIENT, SECRET, ("token", "x")]), at_most(2, 0, 0, 2)),
    (Get("/.well-known/jwks.json"), READING),
    (Get("/.well-known/openid-configuration"), READING),
    (Get("/.well-known/oauth-authorization-server"), READING),
    (Get("/healthz"), READING),
    // It also asks whether the database can be written.
    (Get("/readyz"), at_most(4, 0, 0, 0)),
    (Get("/metrics"), at_most(2, 0, 0, 0)),
    (Get("/verify-email"), READING),
    (Get("/reset-password"), READING),
    (Get("/register"), READING),
    (Get("/account/page.css"), READING),
    (Get("/account/page.js"), READING),
];

const MAIL_AND_HASH: Cost = at_most(5, 1, 1, 2);
const ID: &str = "00000000-0000-7000-8000-000000000000";
const CLIENT: (&str, &str) = ("client_id", "00000000-0000-7000-8000-000000000000");
const SECRET: (&str, &str) = ("client_secret", "ags_wrong");
const OLD: (&str, &str) = ("refresh_token", REFRESH);

impl Way {
    async fn take(&self, test: &TestApp) -> Answer {
        let caller = test.anonymous();
        match self {
            Operation(_, document, variables) => caller.send(document, variables()).await,
            Json(path, body) => caller.post(path, body()).await,
            Form(path, fields) => caller.form(path, fields).await,
            Get(path) => caller.request(Request::get(*path).body("".into()).unwrap()).await,
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Operation(name, ..) | Json(name, _) | Form(name, _) | Get(name) => name,
        }
    }
}

async fn open_app() -> MailingApp {
    MailingApp::with(|config| {
        config.rest.enabled = true;
        config.rest.create_user = true;
        config.rest.old_names = vec![OldNames::DjangoAuthService, OldNames::DjangoRestMicroservice];
    })
    .await
}

/// Returns the number of mails and of all other rows.
async fn rows(test: &TestApp) -> (i64, i64) {
    let db = &test.app.db;
    let backend = db.get_database_backend();
    let tables = match backend {
        DbBackend::Postgres => {
            "SELECT relname::text FROM pg_class WHERE relnamespace = current_schema()::regnamespace
             AND relkind IN ('r', 'p') AND NOT relispartition"
        }
        _ => "SELECT name FROM sqlite_master WHERE type = 'table'",
    };
    let (mut mails, mut others) = (0, 0);
    for row in db.query_all_raw(Statement::from_string(backend, tables)).await.unwrap() {
        let table: String = row.try_get_by_index(0).unwrap();
        let counting = format!("SELECT count(*) FROM \"{table}\"");
        let counted = db.query_one_raw(Statement::from_string(backend, counting)).await.unwrap().unwrap();
        let count: i64 = counted.try_get_by_index(0).unwrap();
        if table == "mails" { mails += count } else { others += count }
    }
    (mails, others)
}

#[tokio::test]
async fn no_request_of_an_anonymous_caller_costs_more_than_its_row_allows() {
    for (way, most) in WAYS {
        let site = open_app().await;
        let test = &site.test;
        test.create_user("ada@test.com").await;
        test.app.tokens.revocations.complete_at(test.app.clock.now());
        let (before, hashes) = (rows(test).await, test.app.passwords.pool.computed());
        let (answer, statements) = count_queries(way.take(test)).await;
        let after = rows(test).await;
        let cost = Cost {
            statements,
            hashes: test.app.passwords.pool.computed() - hashes,
            mails: after.0 - before.0,
            rows: after.1 - before.1,
        };
        let name = way.name();
        assert!(answer.status.as_u16() < 500 && answer.status != 404, "{name}: {}", answer.text);
        // The request was a good one, so that its whole work was done.
        let code = &answer.body["errors"][0]["extensions"]["code"];
        let refused = ["BAD_REQUEST", "GRAPHQL_VALIDATION_FAILED", "RATE_LIMITED", "VALIDATION_FAILED"];
        assert!(!refused.iter().any(|refusal| code == refusal), "{name}: {}", answer.text);
        let within = cost.statements <= most.statements
            && cost.hashes <= most.hashes
            && cost.mails <= most.mails
            && cost.rows <= most.rows;
        assert!(within, "{name} costs {cost:?}, more than {most:?}");
    }
}

/// Every open field of the schema and every route must have a row.
#[test]
fn no_way_in_is_missing_from_the_table() {
    let rows: BTreeSet<&str> = WAYS.iter().map(|(way, _)| way.name()).collect();
    let is_guarded = |line: &str| line.contains("@authenticated") || line.contains("@requiresScopes");
    for (_, field, line) in root_fields(&graphql::federation_sdl(Part::Full, Directives::Included)) {
        assert!(is_guarded(&line) || rows.contains(field.as_str()), "{field} is open and has no row");
    }
    let mut routes = 0;
    for source in [
        include_str!("../../src/http.rs"),
        include_str!("../../src/http/easyjwt.rs"),
        include_str!("../../src/http/oauth.rs"),
        include_str!("../../src/http/old_names/django_auth_service.rs"),
        include_str!("../../src/http/old_names/django_rest_microservice.rs"),
        include_str!("../../src/http/pages.rs"),
    ] {
        for route in source.split(".route(\"").skip(1) {
            let path = route.split('"').next().unwrap();
            // The rows of the operations are those of /graphql.
            assert!(path == "/graphql" || rows.contains(path), "{path} has no row");
            routes += 1;
        }
    }
    assert!(routes >= 20, "{routes} routes were found");
}
