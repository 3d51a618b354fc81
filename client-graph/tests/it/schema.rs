//! The committed schema files are those of the code. `make schema` writes them.

use std::process::Command;

use client_graph::Code;
use client_graph::guard::{Directives, nullable_references};
use client_graph::service::graphql;
use serde_json::Value;

use crate::service_documents::Service;

/// Checks that a file in `schema/` has this text. With `UPDATE_SCHEMA` it writes the file.
pub fn is_current(name: &str, sdl: &str) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../schema").join(name);
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(&path, sdl).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == sdl, "schema/{name} is out of date: run `make schema` and look at what changed");
}

#[test]
fn the_subgraph_schema_is_current() {
    is_current("client.subgraph.graphql", &graphql::federation_sdl(Directives::Included));
}

#[test]
fn the_subgraph_schema_without_access_is_current() {
    is_current("client.subgraph.plain.graphql", &graphql::federation_sdl(Directives::LeftOut));
}

#[test]
fn a_reference_to_a_user_can_be_null() {
    let sdl = graphql::federation_sdl(Directives::Included);
    nullable_references(&sdl, "User").unwrap_or_else(|error| panic!("{error}"));
    let strict = sdl.replace("author: User @provides", "author: User! @provides");
    let error = nullable_references(&strict, "User").unwrap_err().to_string();
    assert!(error.contains("Note.author: User!") && error.contains("write User in place of User!"), "{error}");
}

#[tokio::test]
async fn the_schema_for_a_composer_follows_the_configuration() {
    for (setting, directives) in
        [(None, Directives::Included), (Some("true"), Directives::Included), (Some("false"), Directives::LeftOut)]
    {
        let service = Service::start(setting.map(|value| ("federation.access_directives", value))).await;
        let answer = service.post("{ _service { sdl } }").await;
        assert_eq!(answer.body["data"]["_service"]["sdl"], graphql::federation_sdl(directives), "{setting:?}");
    }
}

#[test]
fn the_schema_is_printed_as_it_is_committed() {
    let print = |arguments: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_client-graph")).arg("schema").args(arguments).env_clear().output().unwrap()
    };
    for (arguments, expected) in [
        (&[][..], graphql::sdl()),
        (&["--federation"], include_str!("../../../schema/client.subgraph.graphql").to_owned()),
        (
            &["--federation", "--without-access"],
            include_str!("../../../schema/client.subgraph.plain.graphql").to_owned(),
        ),
    ] {
        let printed = print(arguments);
        assert!(printed.status.success() && printed.stdout == expected.as_bytes(), "{arguments:?}: run `make schema`");
    }
    assert_eq!(print(&["--without-access"]).status.code(), Some(2));
}

#[test]
fn a_reader_of_the_schema_may_close_the_pipe() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let left =
        Command::new(env!("CARGO_BIN_EXE_client-graph")).arg("schema").env_clear().stdout(writer).output().unwrap();
    assert!(left.status.success() && left.stderr.is_empty(), "{}", String::from_utf8_lossy(&left.stderr));
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
    let service = Service::start(None).await;
    let question = r#"{ _service { sdl errorCodes } __type(name: "ErrorCode") { enumValues { name } } }"#;
    let data = service.post(question).await.body["data"].clone();
    assert_eq!(error_codes(&graphql::sdl()), table);
    let subgraph = graphql::federation_sdl(Directives::Included);
    assert!(!subgraph.contains("enum ErrorCode"), "another subgraph may have an enum of this name");
    for list in [&data["_service"]["errorCodes"], &data["__type"]["enumValues"]] {
        let name = |value: &Value| value.get("name").unwrap_or(value).as_str().unwrap().to_owned();
        let mut names: Vec<_> = list.as_array().unwrap().iter().map(name).collect();
        names.sort_unstable();
        assert_eq!(names, table);
    }
}
