//! The claims of access tokens: few by default, those that the policy adds for an audience, and the names for Django's
//! clients.

use engine::accounts::Rank;
use model::config::{ClaimsForAudience, Config, DEFAULTS, Problem, ScopesOfAudience, Sources, UserIdClaim};
use model::values::{ClaimName, ClaimSource, Scopes};
use sea_orm::{EntityTrait, Set};
use serde_json::{Value, json};
use store::{user_numbers, users};

use crate::support::{PASSWORD, SignedIn, TestApp, claims_of, operation};

const ORDERS: &str = "https://orders.test";
const LOGIN: &str =
    "mutation($input: LoginInput!) { login(input: $input) { ... on TokenPair { accessToken refreshToken } } }";
const VERIFY: &str = "mutation($token: String!) { verify(token: $token) { active claims { aud additional } } }";

fn policy(audience: &str, claims: &[(&str, &str)]) -> ClaimsForAudience {
    let claims = claims.iter().map(|(name, source)| {
        (ClaimName::try_from((*name).to_owned()).unwrap(), source.parse::<ClaimSource>().unwrap())
    });
    ClaimsForAudience { audience: audience.to_owned(), claims: claims.collect(), user_settable: true }
}

fn with_policies(config: &mut Config) {
    config.tokens.further_audiences = vec![ORDERS.to_owned()];
    config.claims.policies = vec![
        policy(
            "graph",
            &[("email", "email"), ("roles", "roles"), ("plan", "metadata._billing.plan"), ("gone", "metadata.x.y")],
        ),
        policy(ORDERS, &[("given_name", "firstName"), ("https://orders.test/all", "metadata")]),
    ];
}

async fn set_metadata(test: &TestApp, user: &users::Model, metadata: Value) {
    let mut changed: users::ActiveModel = user.clone().into();
    changed.metadata = Set(metadata);
    users::Entity::update(changed).exec(&test.app.db).await.unwrap();
}

async fn refreshed(test: &TestApp, signed_in: &SignedIn) -> Value {
    let answer = test.anonymous().refresh(&signed_in.refresh).await;
    claims_of(answer.data("refresh")["accessToken"].as_str().unwrap())
}

#[tokio::test]
async fn a_token_has_few_claims_by_default() {
    let test = TestApp::new().await;
    let signed_in = test.signed_in("ada@test.com", Rank::Superuser).await;
    let claims = claims_of(&signed_in.access);
    let names: Vec<_> = claims.as_object().unwrap().keys().map(String::as_str).collect();
    let expected = ["amr", "aud", "auth_time", "client_id", "exp", "iat", "iss", "jti", "nbf", "scope", "sid", "sub"];
    assert_eq!(names, expected);
    assert_eq!(claims["amr"], json!(["pwd"]), "how (RFC 8176)");
    let again = refreshed(&test, &signed_in).await;
    assert_eq!(
        (&again["amr"], &again["auth_time"]),
        (&claims["amr"], &claims["auth_time"]),
        "a refresh proves nothing"
    );
    assert!(signed_in.access.len() < 800, "{}", signed_in.access.len());
}

/// The claim kept its value from the sign-in.
#[tokio::test]
async fn nextjs_auth0_1735_the_policy_adds_attributes_of_the_user_as_they_are_now() {
    let test = TestApp::with(with_policies).await;
    let signed_in = test.signed_in("ada@test.com", Rank::Staff).await;
    let claims = claims_of(&signed_in.access);
    assert_eq!((&claims["email"], &claims["roles"]), (&json!("ada@test.com"), &json!(["staff"])));
    assert!(claims.get("plan").is_none() && claims.get("gone").is_none() && claims.get("given_name").is_none());
    set_metadata(&test, &signed_in.user, json!({ "_billing": { "plan": "gold" } })).await;
    assert_eq!(refreshed(&test, &signed_in).await["plan"], "gold");
}

#[tokio::test]
async fn an_empty_name_is_not_a_claim() {
    let names = [("given_name", "firstName"), ("family_name", "lastName"), ("email", "email")];
    let test = TestApp::with(|config| config.claims.policies = vec![policy("graph", &names)]).await;
    let signed_in = test.signed_in("ada@test.com", Rank::User).await;
    assert_eq!(claims_of(&signed_in.access)["given_name"], "Ada");
    let mut nameless: users::ActiveModel = signed_in.user.clone().into();
    (nameless.first_name, nameless.last_name) = (Set(String::new()), Set(String::new()));
    users::Entity::update(nameless).exec(&test.app.db).await.unwrap();
    let claims = refreshed(&test, &signed_in).await;
    assert!(claims.get("given_name").is_none() && claims.get("family_name").is_none(), "{claims}");
    assert_eq!(claims["email"], "ada@test.com");
}

#[tokio::test]
async fn each_audience_gets_its_own_claims_and_keeps_them_across_a_refresh() {
    let test = TestApp::with(with_policies).await;
    let user = test.create_user("ada@test.com").await;
    set_metadata(&test, &user, json!({ "a": 1 })).await;
    let input = json!({ "email": "ada@test.com", "password": PASSWORD, "audience": ORDERS });
    let answer = test.anonymous().send(LOGIN, json!({ "input": input })).await;
    let pair = answer.data("login");
    let access = pair["accessToken"].as_str().unwrap();
    let again = test.anonymous().refresh(pair["refreshToken"].as_str().unwrap()).await;
    for claims in [claims_of(access), claims_of(again.data("refresh")["accessToken"].as_str().unwrap())] {
        assert_eq!((&claims["aud"], &claims["given_name"]), (&json!(ORDERS), &json!("Ada")));
        assert_eq!(claims["https://orders.test/all"], json!({ "a": 1 }));
        assert!(claims.get("email").is_none());
    }
    assert_eq!(test.bearer(access).me().await.code(), "TOKEN_INVALID", "it gives no access to the graph");
    let orders = test.service_client_for("orders", "", &[ORDERS]).await;
    let seen = orders.caller.form("/oauth/introspect", &[("token", access)]).await;
    assert_eq!((&seen.body["active"], &seen.body["given_name"]), (&json!(true), &json!("Ada")));
}

#[tokio::test]
async fn a_token_has_only_the_scopes_of_its_audience() {
    let test = TestApp::with(|config| {
        config.tokens.further_audiences = vec![ORDERS.to_owned()];
        let scopes = Scopes::parse("orders:read users:read").unwrap();
        config.tokens.audience_scopes = vec![ScopesOfAudience { audience: ORDERS.to_owned(), scopes }];
    })
    .await;
    test.signed_in("root@test.com", Rank::Superuser).await;
    let login = async |scope: Value| {
        let input = json!({ "email": "root@test.com", "password": PASSWORD, "audience": ORDERS, "scope": scope });
        test.anonymous().send(operation!("login"), json!({ "input": input })).await.data("login").clone()
    };
    let pair = login(Value::Null).await;
    assert_eq!(pair["scope"], json!(["users:read"]), "the scopes that the user has and the audience may have");
    assert_eq!(login(json!(["users:write"])).await["scope"], json!([]));
    let refreshed = test.anonymous().refresh(pair["refreshToken"].as_str().unwrap()).await;
    assert_eq!(refreshed.data("refresh")["scope"], json!(["users:read"]));
    let all = test.anonymous().login("root@test.com", PASSWORD).await;
    assert!(
        all.data("login")["scope"].as_array().unwrap().contains(&json!("users:write")),
        "the default audience is not limited"
    );
}

#[tokio::test]
async fn users_cannot_sign_in_for_an_audience_that_is_not_configured() {
    let test = TestApp::with(with_policies).await;
    test.create_user("ada@test.com").await;
    for audience in ["", "graph ", "GRAPH", "https://else.test"] {
        let input = json!({ "email": "ada@test.com", "password": PASSWORD, "audience": audience });
        assert_eq!(test.anonymous().send(LOGIN, json!({ "input": input })).await.code(), "VALIDATION_FAILED");
    }
    let input = json!({ "email": "ada@test.com", "password": PASSWORD, "audience": "graph" });
    test.anonymous().send(LOGIN, json!({ "input": input })).await.data("login");
}

#[tokio::test]
async fn claims_that_are_too_long_are_left_out_and_the_sign_in_succeeds() {
    let test = TestApp::with(with_policies).await;
    let signed_in = test.signed_in("ada@test.com", Rank::User).await;
    set_metadata(&test, &signed_in.user, json!({ "_billing": { "plan": "x".repeat(1024) } })).await;
    let claims = refreshed(&test, &signed_in).await;
    assert!(claims.get("plan").is_none() && claims.get("email").is_none());
    assert_eq!(claims["sub"], json!(signed_in.user.id));
}

#[tokio::test]
async fn verify_and_introspection_return_the_additional_claims() {
    let test = TestApp::with(with_policies).await;
    let signed_in = test.signed_in("ada@test.com", Rank::User).await;
    let answer = test.anonymous().send(VERIFY, json!({ "token": signed_in.access })).await;
    let expected = json!({ "email": "ada@test.com", "roles": [] });
    assert_eq!(answer.data("verify")["claims"]["additional"], expected);
    let client = test.service_client("orders", "").await;
    let seen = client.caller.form("/oauth/introspect", &[("token", &signed_in.access)]).await;
    assert_eq!((&seen.body["email"], &seen.body["sub"]), (&json!("ada@test.com"), &json!(signed_in.user.id)));
}

#[tokio::test]
async fn clients_of_django_find_the_claims_that_they_need() {
    let test = TestApp::with(|config| config.claims.django = true).await;
    let signed_in = test.signed_in("ada@test.com", Rank::User).await;
    for claims in [claims_of(&signed_in.access), refreshed(&test, &signed_in).await] {
        assert_eq!((&claims["token_type"], &claims["user_id"]), (&json!("access"), &json!(signed_in.user.id)));
        assert_eq!(claims["sub"], claims["user_id"]);
    }
    signed_in.caller.me().await.data("me");
    let client = test.service_client("orders", "").await;
    let token = client.token().await;
    let described = client.caller.form("/oauth/introspect", &[("token", &signed_in.access)]).await;
    assert_eq!(
        (&described.body["token_type"], &described.body["user_id"]),
        (&json!("Bearer"), &json!(signed_in.user.id))
    );
    assert_eq!(claims_of(&token)["token_type"], "access");
    assert!(claims_of(&token).get("user_id").is_none(), "a service has no account");
}

#[tokio::test]
async fn clients_of_django_with_integers_for_identifiers_find_the_number_of_the_user() {
    let test = TestApp::with(|config| {
        config.claims.django = true;
        config.claims.user_id = UserIdClaim::Number;
    })
    .await;
    let ada = test.create_user("ada@test.com").await;
    let imported = user_numbers::Model { number: 4711, user_id: ada.id };
    user_numbers::insert_many(&test.app.db, vec![imported]).await.unwrap();
    let ada = test.sign_in(ada).await;
    // The second refresh repeats the first one.
    for claims in [claims_of(&ada.access), refreshed(&test, &ada).await, refreshed(&test, &ada).await] {
        assert_eq!((&claims["user_id"], &claims["sub"]), (&json!(4711), &json!(ada.user.id)));
    }
    ada.caller.me().await.data("me");
    let eve = test.signed_in("eve@test.com", Rank::User).await;
    assert_eq!(claims_of(&eve.access)["user_id"], 4712, "a user without a number gets the next one");
    let token = test.service_client("orders", "").await.token().await;
    assert!(claims_of(&token).get("user_id").is_none(), "a service has no account");
}

#[tokio::test]
async fn the_discovery_document_names_the_claims_of_the_policies() {
    let test = TestApp::with(|config| {
        with_policies(config);
        config.claims.django = true;
    })
    .await;
    let answer = test.anonymous().get("/.well-known/openid-configuration").await;
    let names: Vec<_> = answer.body["claims_supported"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    for name in ["iss", "email", "plan", "https://orders.test/all", "user_id", "token_type"] {
        assert_eq!(names.iter().filter(|found| **found == name).count(), 1, "{name} in {names:?}");
    }
}

/// Loads a configuration with settings in TOML, as a file has them.
fn load(toml: &str, reserved: &[&str]) -> Result<Config, Vec<Problem>> {
    let table: toml::Table = toml.parse().unwrap();
    let mut flags = vec![("accounts.reserved_metadata".to_owned(), json!(reserved).to_string())];
    for (section, settings) in table {
        let settings = settings.as_table().unwrap().iter();
        flags.extend(settings.map(|(key, value)| (format!("{section}.{key}"), value.to_string())));
    }
    Config::load(&Sources { flags, ..Sources::default() }).map_err(|problems| problems.0)
}

fn one_claim(name: &str, source: &str, more: &str) -> String {
    format!("[[claims.policies]]\naudience = \"graph\"\nclaims = {{ \"{name}\" = \"{source}\" }}\n{more}")
}

/// A user could write their own claim, which a service trusts because it is signed (OWASP API3:2023).
#[test]
fn a_policy_with_a_source_that_users_write_is_refused() {
    let settable = "user_settable = true";
    for (name, source, more, reserved) in [
        ("plan", "metadata.billing.plan", "", &[][..]),
        ("plan", "metadata.billing", "", &["plan"]),
        ("all", "metadata", "", &["billing"]),
        ("roles", "metadata.roles", settable, &[]),
        ("groups", "metadata", settable, &[]),
        ("Role", "metadata.role", settable, &[]),
        ("permissions", "firstName", "", &[]),
        ("roles", "phoneNumber", settable, &[]),
    ] {
        let problems = load(&one_claim(name, source, more), reserved).unwrap_err();
        let [Problem { key, message }] = &problems[..] else { panic!("{problems:?}") };
        assert_eq!(key, "claims.policies");
        assert!(message.contains(name) && message.contains(source), "{message}");
    }
    for (name, source, more, reserved) in [
        ("plan", "metadata._billing.plan", "", &[][..]),
        ("plan", "metadata.billing.plan", "", &["billing"]),
        ("roles", "metadata._roles", "", &[]),
        ("groups", "roles", "", &[]),
        ("is_staff", "isStaff", "", &[]),
        ("given_name", "firstName", "", &[]),
        ("theme", "metadata.theme", settable, &[]),
        ("all", "metadata", settable, &[]),
    ] {
        let loaded = load(&one_claim(name, source, more), reserved);
        assert!(loaded.is_ok(), "{name} {source}: {loaded:?}");
    }
}

/// The examples of the guide and of the configuration are loaded, and a user tries to write each claim.
#[tokio::test]
async fn no_documented_example_lets_users_write_a_claim() {
    let guide = include_str!("../../../docs/guides/sessions-and-tokens.md");
    let example = guide.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    let commented = DEFAULTS.lines().skip_while(|line| !line.contains("[[claims.policies]]")).take(3);
    let commented: String = commented.map(|line| line.trim_start_matches('#').to_owned() + "\n").collect();
    for text in [example, &commented] {
        let documented = load(text, &[]).unwrap();
        let test = TestApp::with(|config| {
            config.claims = documented.claims.clone();
            config.tokens.further_audiences = documented.tokens.further_audiences.clone();
        })
        .await;
        let ada = test.signed_in("ada@test.com", Rank::User).await;
        let before = refreshed(&test, &ada).await;
        for key in ["_billing", "billing"] {
            let metadata = json!({ "metadata": { key: { "plan": "enterprise" } } });
            ada.caller.send(operation!("set_metadata"), metadata).await;
        }
        let after = refreshed(&test, &test.sign_in(ada.user.clone()).await).await;
        assert_eq!((after.get("plan"), before.get("plan")), (None, None), "{after}");
        set_metadata(&test, &ada.user, json!({ "_billing": { "plan": "gold" } })).await;
        assert_eq!(refreshed(&test, &test.sign_in(ada.user.clone()).await).await["plan"], "gold");
    }
}
