//! The committed schema files are those of the code. `make schema` writes them.

use std::collections::BTreeSet;
use std::path::PathBuf;

use async_graphql::OutputType;
use async_graphql::registry::{MetaField, MetaInputValue, MetaType, Registry};
use auth_graph::graphql::{self, Mutation};
use errors::Code;
use model::config::Part;
use serde_json::Value;
use subgraph::Directives;

use crate::support::TestApp;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../schema")
}

fn is_current(name: &str, sdl: &str) {
    let path = folder().join(name);
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(&path, sdl).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap();
    assert!(committed == sdl, "schema/{name} is out of date: run `make schema` and look at what changed");
}

#[test]
fn the_plain_schema_is_current() {
    is_current("auth.graphql", &graphql::sdl());
}

#[test]
fn the_subgraph_schemas_are_current() {
    is_current("auth.subgraph.core.graphql", &graphql::federation_sdl(Part::Core, Directives::Included));
    is_current("auth.subgraph.graphql", &graphql::federation_sdl(Part::Account, Directives::Included));
    is_current("auth.subgraph.full.graphql", &graphql::federation_sdl(Part::Full, Directives::Included));
}

#[test]
fn the_subgraph_schemas_without_access_are_current() {
    is_current("auth.subgraph.plain.graphql", &graphql::federation_sdl(Part::Account, Directives::LeftOut));
    is_current("auth.subgraph.full.plain.graphql", &graphql::federation_sdl(Part::Full, Directives::LeftOut));
}

#[tokio::test]
async fn every_shared_operation_matches_the_schema() {
    let test = TestApp::new().await;
    let mut count = 0;
    for entry in std::fs::read_dir(folder().join("operations")).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let answer = test.anonymous().send(&text, serde_json::json!({})).await;
        // Variables are missing. Validation errors are reported before missing variables.
        let messages = answer.body["errors"].to_string();
        assert!(!messages.contains("Unknown") && !messages.contains("parse"), "{}: {messages}", path.display());
        count += 1;
    }
    assert!(count >= 9, "{count}");
}

/// Tools that read all operations together (persisted queries, validation) reject a name that is defined twice.
#[test]
fn a_fragment_is_named_after_its_file_and_defined_once() {
    let mut names = BTreeSet::new();
    for entry in std::fs::read_dir(folder().join("operations")).unwrap() {
        let path = entry.unwrap().path();
        let file = path.file_stem().unwrap().to_str().unwrap().replace('_', "");
        let text = std::fs::read_to_string(&path).unwrap();
        for name in text.lines().filter_map(|line| line.strip_prefix("fragment ")?.split(' ').next()) {
            assert!(name.to_lowercase().starts_with(&file), "{name} in {}", path.display());
            assert!(names.insert(name.to_owned()), "{name} is defined twice");
        }
    }
    assert!(names.len() > 5, "{names:?}");
}

#[test]
fn everything_in_the_schema_has_a_description() {
    let sdl = graphql::sdl();
    let ours = sdl.split("directive @include").next().unwrap();
    let lines: Vec<&str> = ours.lines().map(str::trim).collect();
    // Definitions of federation and async-graphql, which have no description.
    let foreign = ["_entities(", "_service", "type _Service", "sdl: ", "union _Entity", "): "];
    let mut undescribed = Vec::new();
    for (number, line) in lines.iter().enumerate().skip(1) {
        let declares = line.contains(": ") && !line.starts_with('"')
            || ["type ", "enum ", "input ", "union ", "scalar "].iter().any(|keyword| line.starts_with(keyword));
        let inside = in_description(&lines[..number]);
        let described = inside || lines[number - 1] == "\"\"\"";
        if declares && !described && !foreign.iter().any(|known| line.starts_with(known)) {
            undescribed.push(*line);
        }
    }
    assert!(undescribed.is_empty(), "{undescribed:#?}");
}

#[test]
fn no_description_tells_of_the_code() {
    let sdl = graphql::sdl();
    assert!(sdl.contains("scalar DateTime @specifiedBy"), "{sdl}");
    for line in sdl.lines() {
        for word in ["[`", "::", "Utc", "Rust", "boxed", "async-graphql"] {
            assert!(!line.contains(word), "{line}");
        }
    }
}

fn in_description(before: &[&str]) -> bool {
    before.iter().filter(|line| **line == "\"\"\"").count() % 2 == 1
}

/// Returns the names of the values of the enum `ErrorCode`, sorted.
fn error_codes(sdl: &str) -> Vec<&str> {
    let (_, values) = sdl.split_once("\nenum ErrorCode {\n").unwrap();
    let (values, _) = values.split_once("\n}").unwrap();
    let mut in_description = false;
    values
        .lines()
        .map(str::trim)
        .filter(|line| {
            in_description ^= *line == "\"\"\"";
            !in_description && *line != "\"\"\""
        })
        .collect()
}

#[tokio::test]
async fn the_codes_of_the_schema_are_those_of_the_table() {
    let mut table: Vec<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
    table.sort_unstable();
    let test = TestApp::new().await;
    let question = r#"{ _service { sdl errorCodes } __type(name: "ErrorCode") { enumValues { name } } }"#;
    let data = test.anonymous().send(question, serde_json::json!({})).await.body["data"].clone();
    assert_eq!(error_codes(&graphql::sdl()), table);
    let subgraph = graphql::federation_sdl(Part::Full, Directives::Included);
    assert!(!subgraph.contains("enum ErrorCode"), "another subgraph may have an enum of this name");
    for list in [&data["_service"]["errorCodes"], &data["__type"]["enumValues"]] {
        let name = |value: &Value| value.get("name").unwrap_or(value).as_str().unwrap().to_owned();
        let mut names: Vec<_> = list.as_array().unwrap().iter().map(name).collect();
        names.sort_unstable();
        assert_eq!(names, table);
    }
}

fn is_secret(registry: &Registry, input: &MetaInputValue) -> bool {
    let inner = registry.types.get(input.ty.trim_matches(['[', ']', '!']));
    let members = match inner {
        Some(MetaType::InputObject { input_fields, .. }) => Some(input_fields),
        _ => None,
    };
    input.is_secret || members.is_some_and(|members| members.values().any(|member| is_secret(registry, member)))
}

/// Otherwise one document could try many secrets with aliases of the mutation.
#[test]
fn every_mutation_with_a_secret_argument_is_marked_as_a_credential() {
    let mut registry = Registry::default();
    <Mutation as OutputType>::create_type_info(&mut registry);
    let fields = registry.types[&*Mutation::type_name()].fields().unwrap();
    let takes_secret = |field: &&MetaField| field.args.values().any(|argument| is_secret(&registry, argument));
    let secret: Vec<_> = fields.values().filter(takes_secret).map(|field| field.name.as_str()).collect();
    assert!(secret.len() > 10, "{secret:?}");
    let marked = graphql::credential_fields();
    // These two check a token of 256 bits, which is as cheap as in any field that needs a caller.
    let cheap = ["verify", "logout"];
    let forgotten: Vec<_> = secret.iter().filter(|name| !marked.contains(name) && !cheap.contains(name)).collect();
    assert!(forgotten.is_empty(), "mark with directive = credential::apply(): {forgotten:?}");
    assert!(marked.len() >= 14 && marked.contains(&"inviteUser"), "{marked:?}");
}
