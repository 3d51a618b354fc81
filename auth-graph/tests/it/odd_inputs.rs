//! Unusual values in every argument of the schema never cause an internal error. PostgreSQL does not store NUL in
//! texts, and supports fewer years than a time can have.

use std::collections::BTreeMap;

use engine::accounts::Rank;
use serde_json::{Value, json};
use store::users::Model as User;

use crate::support::{PASSWORD, TestApp};

const INTROSPECTION: &str = "{ __schema {
    queryType { fields { ...F } } mutationType { fields { ...F } }
    types { kind name inputFields { ...I } enumValues { name } } } }
    fragment F on __Field { name args { ...I } type { ...T } }
    fragment I on __InputValue { name type { ...T } }
    fragment T on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }";

/// The types of the schema, and the objects that its arguments refer to.
struct Types {
    by_name: BTreeMap<String, Value>,
    user: User,
}

impl Types {
    /// Returns a valid value of a type, or `None` if it may be left out.
    fn fitting(&self, name: &str, kind: &Value) -> Option<Value> {
        (kind["kind"] == "NON_NULL").then(|| self.value(name, &kind["ofType"]))
    }

    fn value(&self, name: &str, kind: &Value) -> Value {
        match (kind["kind"].as_str().unwrap(), kind["name"].as_str()) {
            ("NON_NULL", _) => self.value(name, &kind["ofType"]),
            ("LIST", _) => json!([]),
            ("ENUM", Some(named)) => self.by_name[named]["enumValues"][0]["name"].clone(),
            ("INPUT_OBJECT", Some(named)) => self.object(named).into(),
            (_, Some("Boolean")) => json!(false),
            (_, Some("Int")) => json!(1),
            (_, Some("DateTime")) => json!(self.user.date_joined),
            (_, Some("JSON")) => json!({}),
            (_, Some("ID")) => json!(self.user.id),
            _ => match name {
                "email" => json!("eve@test.com"),
                "url" => json!("https://example.com/hook"),
                _ => json!(PASSWORD),
            },
        }
    }

    fn object(&self, named: &str) -> serde_json::Map<String, Value> {
        let members = self.by_name[named]["inputFields"].as_array().unwrap();
        let fitting = members.iter().filter_map(|member| {
            let name = member["name"].as_str().unwrap();
            Some((name.to_owned(), self.fitting(name, &member["type"])?))
        });
        fitting.collect()
    }

    /// Returns values with one unusual part in each.
    fn odd(&self, kind: &Value) -> Vec<Value> {
        match (kind["kind"].as_str().unwrap(), kind["name"].as_str()) {
            ("NON_NULL", _) => self.odd(&kind["ofType"]),
            ("LIST", _) => self.odd(&kind["ofType"]).into_iter().map(|value| json!([value])).collect(),
            ("INPUT_OBJECT", Some(named)) => {
                let members = self.by_name[named]["inputFields"].as_array().unwrap();
                let with = |member: &Value| {
                    let name = member["name"].as_str().unwrap().to_owned();
                    self.odd(&member["type"]).into_iter().map(move |value| (name.clone(), value)).collect::<Vec<_>>()
                };
                let odd = members.iter().flat_map(with).map(|(name, value)| {
                    let mut object = self.object(named);
                    object.insert(name, value);
                    object.into()
                });
                odd.collect()
            }
            ("ENUM", _) | (_, Some("Boolean")) => Vec::new(),
            (_, Some("Int")) => vec![json!(i32::MIN), json!(i32::MAX)],
            (_, Some("DateTime")) => vec![json!("-200000-01-01T00:00:00Z"), json!("+200000-01-01T00:00:00Z")],
            (_, Some("JSON")) => vec![json!({ "a\0": 1 }), json!({ "a": ["\0"] }), json!("\0")],
            _ => vec![json!("a\0b"), json!("metadata.\0")],
        }
    }
}

fn written(kind: &Value) -> String {
    match kind["kind"].as_str().unwrap() {
        "NON_NULL" => format!("{}!", written(&kind["ofType"])),
        "LIST" => format!("[{}]", written(&kind["ofType"])),
        _ => kind["name"].as_str().unwrap().to_owned(),
    }
}

fn selection(kind: &Value) -> &'static str {
    match kind["kind"].as_str().unwrap() {
        "NON_NULL" | "LIST" => selection(&kind["ofType"]),
        "SCALAR" | "ENUM" => "",
        _ => "{ __typename }",
    }
}

#[tokio::test]
async fn no_unusual_value_causes_an_internal_error() {
    let test = TestApp::with(|config| {
        (config.limits.account_attempts, config.limits.network_attempts) = (10_000, 10_000);
    })
    .await;
    let root = test.signed_in("root@test.com", Rank::Superuser).await;
    let answer = root.caller.send(INTROSPECTION, json!({})).await;
    let schema = answer.data("__schema");
    let types = schema["types"].as_array().unwrap();
    let by_name = types.iter().map(|kind| (kind["name"].as_str().unwrap().to_owned(), kind.clone())).collect();
    let types = Types { by_name, user: test.create_user("ada@test.com").await };
    let (mut asked, mut faults) = (0, Vec::new());
    for (operation, root_type) in [("query", "queryType"), ("mutation", "mutationType")] {
        for field in schema[root_type]["fields"].as_array().unwrap() {
            let arguments = field["args"].as_array().unwrap();
            for odd in arguments {
                for value in types.odd(&odd["type"]) {
                    let mut variables = serde_json::Map::new();
                    for argument in arguments {
                        let name = argument["name"].as_str().unwrap();
                        variables.extend(types.fitting(name, &argument["type"]).map(|value| (name.to_owned(), value)));
                    }
                    variables.insert(odd["name"].as_str().unwrap().to_owned(), value);
                    let given = arguments.iter().filter(|one| variables.contains_key(one["name"].as_str().unwrap()));
                    let (declared, passed): (Vec<_>, Vec<_>) = given
                        .map(|one| {
                            let name = one["name"].as_str().unwrap();
                            (format!("${name}: {}", written(&one["type"])), format!("{name}: ${name}"))
                        })
                        .unzip();
                    let (name, kind) = (field["name"].as_str().unwrap(), &field["type"]);
                    let document = format!(
                        "{operation}({}) {{ {name}({}) {} }}",
                        declared.join(", "),
                        passed.join(", "),
                        selection(kind)
                    );
                    let answer = root.caller.send(&document, variables.clone().into()).await;
                    let refused = answer.body["errors"].is_array();
                    let code = answer.error()["extensions"]["code"].as_str().unwrap_or_default();
                    let known = !["", "INTERNAL", "UNAVAILABLE", "GRAPHQL_VALIDATION_FAILED"].contains(&code);
                    if refused && !known {
                        faults.push(format!("{name} {}: {}", json!(variables), answer.text));
                    }
                    asked += 1;
                }
            }
        }
    }
    assert!(faults.is_empty() && asked > 200, "{asked}: {faults:#?}");
}

#[tokio::test]
async fn times_in_the_far_past_or_future_are_compared_correctly() {
    let test = TestApp::new().await;
    let root = test.signed_in("root@test.com", Rank::Superuser).await;
    let (long_ago, far_off) = ("-200000-01-01T00:00:00Z", "+200000-01-01T00:00:00Z");
    for list in ["auditEvents", "loginEvents"] {
        for (filter, finds) in [
            (json!({ "from": long_ago, "until": far_off }), 1),
            (json!({ "from": far_off }), 0),
            (json!({ "until": long_ago }), 0),
        ] {
            let kind = if list == "auditEvents" { "AuditEventFilter" } else { "LoginEventFilter" };
            let document = format!("query($filter: {kind}) {{ {list}(filter: $filter) {{ nodes {{ id }} }} }}");
            let answer = root.caller.send(&document, json!({ "filter": filter })).await;
            assert_eq!(answer.data(list)["nodes"].as_array().unwrap().len(), finds, "{list} {filter}");
        }
    }
}
