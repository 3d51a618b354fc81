//! `verify` over HTTP, with a thousand tokens in turn, beside axum alone with bodies of the same sizes.

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use serde_json::json;

use crate::bare;
use crate::http::{BlockingConnection, post};
use crate::load::Load;
use crate::process::{Server, free_address, this_program};
use crate::samples::{Side, compare};
use crate::table::{Row, Target, Unit};

const CONNECTIONS: usize = 32;

/// What whoever checks a token wants to know.
const SHORT: &str =
    "mutation Verify($token: String!) { verify(token: $token) { active tokenType claims { sub exp scope } } }";
/// Everything that there is to know.
const WHOLE: &str = include_str!("../../schema/operations/verify.graphql");

/// Measures it.
///
/// # Errors
/// When a request fails.
pub fn rows(server: &Server, tokens: &[String], log: &Path, time: Duration) -> Result<Vec<Row>, Box<dyn Error>> {
    [("6 fields", SHORT), ("16 fields", WHOLE)]
        .into_iter()
        .map(|(fields, document)| row(server, tokens, log, time, fields, document))
        .collect()
}

/// The load: each token in turn.
#[must_use]
pub fn load(server: &Server, tokens: &[String], connections: usize) -> Load {
    load_with(server, tokens, connections, SHORT)
}

fn load_with(server: &Server, tokens: &[String], connections: usize, document: &str) -> Load {
    let address = server.address;
    let requests = tokens.iter().map(|token| post(address, "/graphql", &[], &body(document, token)));
    Load { address, requests: requests.collect(), answer: r#"{"data":{"verify":{"active":true"#, connections }
}

fn row(
    server: &Server,
    tokens: &[String],
    log: &Path,
    time: Duration,
    fields: &str,
    document: &str,
) -> Result<Row, Box<dyn Error>> {
    let load = load_with(server, tokens, CONNECTIONS, document);
    let mut connection = BlockingConnection::open(server.address)?;
    let answer_bytes = connection.exchange(&load.requests[0])?.1.len();

    let address = free_address()?;
    let requests = tokens.iter().map(|token| post(address, "/", &[], &body(document, token)));
    let bare_load = Load { address, requests: requests.collect(), answer: bare::ANSWER, connections: CONNECTIONS };
    let mut command = this_program("bare", address)?;
    let bare = Server::start(command.arg(answer_bytes.to_string()), address, &bare_load.requests[0], log)?;

    let ours = Side { load: &load, server };
    let other = Side { load: &bare_load, server: &bare };
    let comparison = compare([&ours, &other], time)?;
    let sizes = format!("{} and {answer_bytes} bytes", body(document, &tokens[0]).len());
    Ok(Row::new(
        format!("`verify` ({fields}) / bare axum, requests per second"),
        comparison.ratio,
        Unit::Percent,
        Target::AtLeast(0.85),
        format!(
            "{}; {} tokens in turn, {CONNECTIONS} connections, bodies of {sizes}",
            comparison.describe("verify", "axum"),
            tokens.len()
        ),
    ))
}

fn body(document: &str, token: &str) -> String {
    json!({ "query": document, "variables": { "token": token } }).to_string()
}
