//! Checks with the composer of the Grafbase gateway that the subgraphs of both services compose, and that parts of ours
//! compose with the subgraphs of others (../neighbours.test.mjs).

#![cfg(test)]

use graphql_composition::{Subgraphs, compose, render_federated_sdl};

const AUTH: &str = include_str!("../../../schema/auth.subgraph.graphql");
const CORE: &str = include_str!("../../../schema/auth.subgraph.core.graphql");
const CLIENT: &str = include_str!("../../../schema/client.subgraph.graphql");
const BADGES: &str = include_str!("../../badges.graphql");
const RULES: &str = include_str!("../rules.graphql");

/// Composes our two schemas and others to a supergraph, or returns the errors.
fn composed(auth: &str, client: &str, others: &[(&str, &str)]) -> Result<String, Vec<String>> {
    composed_of(&[&[("auth-graph", auth), ("client-graph", client)], others].concat())
}

fn composed_of(schemas: &[(&str, &str)]) -> Result<String, Vec<String>> {
    let mut subgraphs = Subgraphs::default();
    for (name, sdl) in schemas {
        subgraphs.ingest_str(sdl, name, Some("http://127.0.0.1/graphql")).unwrap();
    }
    match compose(&mut subgraphs).into_result() {
        Ok(graph) => Ok(render_federated_sdl(&graph).unwrap()),
        Err(diagnostics) => Err(diagnostics.iter_messages().map(str::to_owned).collect()),
    }
}

#[test]
fn our_subgraphs_compose() {
    let supergraph = composed(AUTH, CLIENT, &[]).unwrap();
    let user = supergraph.split("\ntype User\n").nth(1).unwrap().split("\n}").next().unwrap();
    for graph in ["AUTH_GRAPH", "CLIENT_GRAPH"] {
        assert!(user.contains(&format!("@join__type(graph: {graph}, key: \"id\"")), "{user}");
    }
}

#[test]
fn a_third_subgraph_that_extends_user_composes_with_them() {
    let supergraph = composed(AUTH, CLIENT, &[("badges", BADGES)]).unwrap();
    assert!(supergraph.contains("badges: [String!]! @authenticated @join__field(graph: BADGES)"), "{supergraph}");
}

#[test]
fn every_rule_is_in_the_supergraph() {
    let supergraph = composed(AUTH, CLIENT, &[("rules", RULES)]).unwrap();
    for rule in [
        "role: Boolean! @policy(policies: [[\"role:editor\"]]) @join__field(graph: RULES)",
        "any: Boolean! @requiresScopes(scopes: [[\"b\"], [\"c\"]]) @join__field(graph: RULES)",
    ] {
        assert!(supergraph.contains(rule), "{rule} is not in {supergraph}");
    }
}

#[test]
fn a_field_that_both_define_is_rejected() {
    let broken = CLIENT.replace("type User @key(fields: \"id\") {", "type User @key(fields: \"id\") { email: String!");
    let messages = composed(AUTH, &broken, &[]).unwrap_err().join("\n");
    assert!(messages.contains("email"), "{messages}");
}

#[test]
fn a_key_that_is_not_a_field_is_rejected() {
    let broken = AUTH.replace("type User @key(fields: \"id\")", "type User @key(fields: \"uuid\")");
    let messages = composed(&broken, CLIENT, &[]).unwrap_err().join("\n");
    assert!(messages.contains("uuid"), "{messages}");
}

#[test]
fn parts_of_our_subgraph_compose_with_those_of_others() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../neighbours");
    let mut pairs = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        let neighbour = std::fs::read_to_string(&path).unwrap();
        for (part, sdl) in [("core", CORE), ("account", AUTH)] {
            // These have the names of `account` themselves.
            if part == "account" && ["exchange", "members"].contains(&name) {
                continue;
            }
            let result = composed_of(&[("auth-graph", sdl), (name, &neighbour)]);
            assert!(result.is_ok(), "{part} with {name}: {:?}", result.err());
            pairs += 1;
        }
    }
    assert!(pairs >= 40, "the neighbours were found: {pairs}");
}
