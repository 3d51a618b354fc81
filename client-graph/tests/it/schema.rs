//! The committed schema files are those of the code. `make schema` rewrites them.

use client_graph::guard::Directives;
use client_graph::service::graphql;

fn is_current(name: &str, sdl: &str) {
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
