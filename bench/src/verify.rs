//! `verify` over HTTP with a thousand tokens in turn, compared with axum alone with bodies of the same sizes.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use crate::bare;
use crate::http::{BlockingConnection, post, post_form};
use crate::load::Load;
use crate::process::{Server, free_address, this_program};
use crate::samples::{Side, compare};
use crate::table::{Row, Target, Unit};

const CONNECTIONS: usize = 32;
const TARGET: Target = Target::AtLeast(0.85);

/// The fields that a service needs to check a token.
pub const SHORT: &str =
    "mutation Verify($token: String!) { verify(token: $token) { active tokenType claims { sub exp scope } } }";
/// All fields of `verify`.
const WHOLE: &str = include_str!("../../schema/operations/verify.graphql");

/// Measures `verify`.
///
/// # Errors
/// When a request fails.
pub fn rows(
    server: &Server,
    client: &str,
    tokens: &[String],
    log: &Path,
    time: Duration,
) -> Result<Vec<Row>, Box<dyn Error>> {
    Ok(vec![
        row(load_with(server, tokens, CONNECTIONS, SHORT), "`verify` (6 fields)", TARGET, server, log, time)?,
        row(load_with(server, tokens, CONNECTIONS, WHOLE), "`verify` (16 fields)", TARGET, server, log, time)?,
        row(introspection(server, client, tokens), "introspection (RFC 7662)", TARGET, server, log, time)?,
        ceiling(tokens, log, time)?,
    ])
}

/// Measures the rate that any service on async-graphql can reach, relative to axum.
fn ceiling(tokens: &[String], log: &Path, time: Duration) -> Result<Row, Box<dyn Error>> {
    let address = free_address()?;
    let requests: Arc<[_]> = tokens.iter().map(|token| post(address, "/", &[], &body(SHORT, token))).collect();
    let load = Load { address, requests, answer: r#"{"data":{"verify":{"active":true"#, connections: CONNECTIONS };
    let server = Server::start(&mut this_program("bare-graphql", address)?, address, &load.requests[0], log)?;
    row(load, "async-graphql alone, 6 constant fields", Target::None, &server, log, time)
}

/// Builds the load: each token in turn.
#[must_use]
pub fn load(server: &Server, tokens: &[String], connections: usize) -> Load {
    load_with(server, tokens, connections, SHORT)
}

fn load_with(server: &Server, tokens: &[String], connections: usize, document: &str) -> Load {
    let address = server.address;
    let requests = tokens.iter().map(|token| post(address, "/graphql", &[], &body(document, token)));
    Load { address, requests: requests.collect(), answer: r#"{"data":{"verify":{"active":true"#, connections }
}

fn introspection(server: &Server, client: &str, tokens: &[String]) -> Load {
    let address = server.address;
    let request = |token| post_form(address, "/oauth/introspect", &format!("{client}&token={token}"));
    Load {
        address,
        requests: tokens.iter().map(request).collect(),
        answer: r#"{"active":true"#,
        connections: CONNECTIONS,
    }
}

fn row(
    load: Load,
    what: &str,
    target: Target,
    server: &Server,
    log: &Path,
    time: Duration,
) -> Result<Row, Box<dyn Error>> {
    let mut connection = BlockingConnection::open(server.address)?;
    let answer_bytes = connection.exchange(&load.requests[0])?.1.len();

    let address = free_address()?;
    let requests = load.requests.iter().map(|request| {
        let body = String::from_utf8_lossy(body_of(request));
        post(address, "/", &[], &bare::question(&body))
    });
    let bare_load = Load { address, requests: requests.collect(), answer: bare::ANSWER, connections: CONNECTIONS };
    let mut command = this_program("bare", address)?;
    let bare = Server::start(command.arg(answer_bytes.to_string()), address, &bare_load.requests[0], log)?;

    let ours = Side { load: &load, server };
    let other = Side { load: &bare_load, server: &bare };
    let comparison = compare([&ours, &other], time)?;
    let sizes = format!("{} and {answer_bytes} bytes", body_of(&load.requests[0]).len());
    Ok(Row::new(
        format!("{what} / bare axum, requests per second"),
        comparison.ratio,
        Unit::Percent,
        target,
        format!(
            "{}; {} tokens in turn, {CONNECTIONS} connections, bodies of {sizes}",
            comparison.describe("ours", "axum"),
            load.requests.len()
        ),
    ))
}

fn body_of(request: &[u8]) -> &[u8] {
    let head = request.windows(4).position(|bytes| bytes == b"\r\n\r\n").map_or(0, |end| end + 4);
    &request[head..]
}

fn body(document: &str, token: &str) -> String {
    json!({ "query": document, "variables": { "token": token } }).to_string()
}
