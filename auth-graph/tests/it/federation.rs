//! Entities: a gateway gets no more data than the caller would.

use std::collections::BTreeSet;

use auth_graph::graphql;
use engine::accounts::Rank;
use model::config::{Federation, Part};
use serde_json::{Value, json};
use subgraph::Directives;

use crate::support::{Caller, Events, TestApp, count_queries};

const ENTITIES: &str = "query($r: [_Any!]!) { _entities(representations: $r) { ... on User { id email metadata } } }";

async fn entities(caller: &Caller, ids: &[String]) -> Value {
    let representations: Vec<Value> = ids.iter().map(|id| json!({ "__typename": "User", "id": id })).collect();
    caller.send(ENTITIES, json!({ "r": representations })).await.data("_entities").clone()
}

#[tokio::test]
async fn entities_follow_the_access_rule_of_user() {
    let test = TestApp::new().await;
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    let eve = test.create_user("eve@test.com").await;
    let staff = test.signed_in("staff@test.com", Rank::Staff).await;
    let ids = [ada.user.id.to_string(), eve.id.to_string(), "00000000-0000-7000-8000-000000000000".to_owned()];
    let seen = |answer: Value| answer.as_array().unwrap().iter().map(|user| !user.is_null()).collect::<Vec<_>>();
    let representations = json!({ "r": [{ "__typename": "User", "id": ids[0] }] });
    assert_eq!(test.anonymous().send(ENTITIES, representations).await.code(), "UNAUTHENTICATED");
    assert_eq!(seen(entities(&ada.caller, &ids).await), [true, false, false]);
    assert_eq!(seen(entities(&staff.caller, &ids).await), [true, true, false]);
}

#[tokio::test]
async fn a_thousand_representations_keep_their_order_and_one_more_is_rejected() {
    let test = TestApp::new().await;
    let staff = test.signed_in("staff@test.com", Rank::Staff).await;
    let mut ids = vec!["not an identifier".to_owned(); 998];
    ids.insert(0, staff.user.id.to_string());
    ids.push(staff.user.id.to_string());
    let answer = entities(&staff.caller, &ids).await;
    assert_eq!(answer.as_array().unwrap().len(), 1_000);
    assert_eq!(answer[0], answer[999]);
    assert_eq!(answer[0]["email"], "staff@test.com");
    assert_eq!(answer[1], Value::Null);

    let one_more = json!({ "r": vec![json!({ "__typename": "User", "id": "x" }); 1_001] });
    assert_eq!(staff.caller.send(ENTITIES, one_more).await.code(), "VALIDATION_FAILED");
}

#[tokio::test]
async fn any_number_of_users_is_read_with_one_query() {
    let test = TestApp::new().await;
    let staff = test.signed_in("staff@test.com", Rank::Staff).await;
    let mut ids = vec![staff.user.id.to_string()];
    for number in 0..20 {
        ids.push(test.create_user(&format!("user-{number}@test.com")).await.id.to_string());
    }
    for wanted in [1, ids.len()] {
        test.app.tokens.revocations.complete_at(test.app.clock.now());
        let (answer, queries) = count_queries(entities(&staff.caller, &ids[..wanted])).await;
        assert_eq!(answer.as_array().unwrap().iter().filter(|user| !user.is_null()).count(), wanted);
        assert_eq!(queries, 1, "{wanted} users");
    }
}

#[tokio::test]
async fn malformed_representations_have_a_code() {
    let test = TestApp::new().await;
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    for representation in [
        json!({ "__typename": "User" }),
        json!({ "__typename": "Nobody", "id": "x" }),
        json!({ "id": "x" }),
        json!({ "__typename": "User", "id": { "a": 1 } }),
        json!(1),
        json!(null),
    ] {
        let answer = ada.caller.send(ENTITIES, json!({ "r": [representation] })).await;
        assert!(answer.status.as_u16() < 500);
        if !answer.body["errors"].is_null() {
            answer.code();
        }
    }
}

#[tokio::test]
async fn the_subgraph_returns_its_schema_to_a_composer() {
    for (part, directives) in [
        (Part::Account, Directives::Included),
        (Part::Account, Directives::LeftOut),
        (Part::Core, Directives::Included),
        (Part::Full, Directives::Included),
    ] {
        let test = TestApp::with(|config| {
            config.federation = Federation { part, access_directives: directives == Directives::Included };
        })
        .await;
        let answer = test.anonymous().send("{ _service { sdl } }", json!({})).await;
        assert_eq!(answer.data("_service")["sdl"], graphql::federation_sdl(part, directives), "{part:?}");
    }
}

/// Returns the declarations of root fields in a part.
fn declarations(part: Part) -> BTreeSet<(String, String, String)> {
    root_fields(&graphql::federation_sdl(part, Directives::Included)).into_iter().collect()
}

#[test]
fn each_part_contains_the_one_before_it() {
    let (core, account, full) = (declarations(Part::Core), declarations(Part::Account), declarations(Part::Full));
    assert!(core.is_subset(&account) && account.is_subset(&full));
    let names =
        |part: &BTreeSet<(String, String, String)>| part.iter().map(|field| field.1.clone()).collect::<Vec<_>>();
    assert_eq!(names(&core), ["me", "user"]);
    for (_, name, declaration) in &account {
        assert!(!declaration.contains("@tag") && !declaration.contains("@requiresScopes"), "{name}");
    }
    for (_, name, declaration) in full.difference(&account) {
        let elsewhere = ["myLoginEvents", "sessions", "userSnapshot"].contains(&name.as_str());
        assert!(elsewhere || declaration.contains("@tag"), "{name} belongs to the part account, or has a tag");
    }
}

/// Root fields that anonymous callers may use. A new field must be listed here or have a rule.
const OPEN: [&str; 12] = [
    "_service",
    "inspectOneTimeToken",
    "login",
    "logout",
    "me",
    "refresh",
    "register",
    "requestPasswordReset",
    "resetPassword",
    "userSnapshot",
    "verify",
    "verifyEmail",
];

#[tokio::test]
async fn every_guarded_root_field_has_its_directive_and_every_directive_its_check() {
    let test = TestApp::new().await;
    let sdl = graphql::federation_sdl(Part::Full, Directives::Included);
    let mut marked = 0;
    for (operation, field, declaration) in root_fields(&sdl) {
        let guarded = declaration.contains("@authenticated") || declaration.contains("@requiresScopes");
        assert_ne!(guarded, OPEN.contains(&field.as_str()), "{field} is either guarded or open");
        if guarded {
            marked += 1;
            let (nobody, call) = (test.anonymous(), call(&sdl, &operation, &field, &declaration));
            let code = match operation.as_str() {
                "subscription" => Events::of(&nobody, &call, json!({})).await.next_code().await,
                _ => nobody.send(&call, json!({})).await.code().to_owned(),
            };
            assert_eq!(code, "UNAUTHENTICATED", "{field}");
        }
    }
    assert!(marked >= 6, "{marked}");
}

/// CVE-2025-64530 and GHSA-x33c-7c2v-mrj9: a rule of an interface did not apply to its objects, or the other way round.
/// GHSA-m8jr-fxqx-8xx6: fields that another field requires were read without their rules. GHSA-g8jh-vg5j-4h3f: a rule
/// was ignored when its directive was renamed.
#[test]
fn no_router_can_overlook_a_directive_of_access() {
    for name in ["auth.subgraph", "auth.subgraph.full", "client.subgraph"] {
        let path = format!("{}/../schema/{name}.graphql", env!("CARGO_MANIFEST_DIR"));
        let code: String = std::fs::read_to_string(path).unwrap().split("\"\"\"").step_by(2).collect();
        assert!(code.contains("@authenticated"), "{name}");
        for overlooked in ["\ninterface ", " implements ", "@interfaceObject", "@requires(", "@fromContext", "as: \"@"]
        {
            assert!(!code.contains(overlooked), "{name}: {overlooked}");
        }
    }
}

/// A contract that excludes the tags `admin` and `feed` is the public API. Each field that needs a scope has one of
/// these tags, in objects too, and no other field has.
#[test]
fn every_field_that_needs_a_scope_is_tagged_for_the_contracts() {
    let sdl = graphql::federation_sdl(Part::Full, Directives::Included);
    let code: String = sdl.split("\"\"\"").step_by(2).collect();
    let mut tagged = [0, 0];
    for line in code.lines().filter(|line| !line.contains("import:")) {
        let scoped = line.contains("@requiresScopes");
        let tag = ["admin", "feed"].iter().position(|name| line.contains(&format!("@tag(name: \"{name}\")")));
        assert_eq!(tag, scoped.then(|| usize::from(line.contains("feed:read"))), "{line}");
        tag.into_iter().for_each(|tag| tagged[tag] += 1);
    }
    assert!(tagged[0] >= 30 && tagged[1] == 4, "{tagged:?}");
    let without = graphql::federation_sdl(Part::Full, Directives::LeftOut);
    assert_eq!(
        without.matches("@tag(").count(),
        tagged.iter().sum::<usize>(),
        "even if the access directives are left out"
    );
}

/// Returns the fields of the root types: the operation, the name and the whole declaration without its descriptions.
pub fn root_fields(sdl: &str) -> Vec<(String, String, String)> {
    let mut fields = Vec::new();
    let roots = [("Query", "query"), ("Mutation", "mutation"), ("Subscription", "subscription")];
    for (root, operation) in roots.map(|(root, operation)| (format!("\ntype {root} {{"), operation)) {
        // A part of the schema can have no mutations and no subscriptions.
        let Some(rest) = sdl.split(root.as_str()).nth(1) else { continue };
        let body = rest.split("\n}").next().unwrap();
        let code: String = body.split("\"\"\"").step_by(2).collect();
        for declaration in code.replace("\n\t\t", " ").replace("\n\t)", " )").lines().map(str::trim) {
            let name: String =
                declaration.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect();
            if !name.is_empty() {
                fields.push((operation.to_owned(), name, declaration.to_owned()));
            }
        }
    }
    fields
}

/// Returns a call of a field with a value for each required argument.
fn call(sdl: &str, operation: &str, field: &str, declaration: &str) -> String {
    let (arguments, answer) = match declaration.split_once('(').and_then(|(_, rest)| rest.split_once(')')) {
        Some((arguments, answer)) => (required(sdl, arguments), answer),
        None => (Vec::new(), declaration.split_once(':').unwrap().1),
    };
    let arguments = if arguments.is_empty() { String::new() } else { format!("({})", arguments.join(", ")) };
    let leaf = ["Boolean", "Int", "JSON", "String"].iter().any(|scalar| answer.contains(scalar));
    format!("{operation} {{ {field}{arguments}{} }}", if leaf { "" } else { " { __typename }" })
}

/// Returns `name: value` for each of the declarations that is required.
fn required(sdl: &str, declarations: &str) -> Vec<String> {
    let declarations = declarations.split([',', '\n']).map(str::trim).filter_map(|line| line.split_once(": "));
    let required = declarations.filter_map(|(name, kind)| Some((name, kind.strip_suffix('!')?)));
    required.map(|(name, kind)| format!("{name}: {}", literal(sdl, kind))).collect()
}

/// Returns a value of an input type.
fn literal(sdl: &str, kind: &str) -> String {
    let members = |keyword: &str| {
        let body = sdl.split(&format!("\n{keyword} {kind} {{")).nth(1)?.split("\n}").next()?;
        Some(body.split("\"\"\"").step_by(2).collect::<String>())
    };
    match kind {
        _ if kind.starts_with('[') => "[]".to_owned(),
        "Boolean" => "true".to_owned(),
        "Int" => "1".to_owned(),
        "DateTime" => "\"2026-01-01T00:00:00Z\"".to_owned(),
        "JSON" => "{}".to_owned(),
        _ => match (members("input"), members("enum")) {
            (Some(fields), _) => format!("{{ {} }}", required(sdl, &fields).join(", ")),
            (_, Some(values)) => values.split_whitespace().next().unwrap().to_owned(),
            _ => "\"x\"".to_owned(),
        },
    }
}
