//! A protected GraphQL field over HTTP, compared with the same field without protection.

use std::error::Error;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use crate::fields;
use crate::http::post;
use crate::load::Load;
use crate::process::{Server, free_address, this_program};
use crate::samples::{Side, compare};
use crate::table::{Row, Target, Unit};

const CONNECTIONS: usize = 32;

/// Measures the two fields. Both receive the same header with a token, in turn; the open field ignores it.
///
/// # Errors
/// When a request fails.
pub fn rows(auth_graph: &str, tokens: &[String], log: &Path, time: Duration) -> Result<Vec<Row>, Box<dyn Error>> {
    let address = free_address()?;
    let load = |path: &str| Load {
        address,
        requests: tokens.iter().map(|token| request(address, path, token)).collect(),
        answer: fields::ANSWER,
        connections: CONNECTIONS,
    };
    let (protected, open) = (load(fields::PROTECTED), load(fields::OPEN));
    let silent = Load { requests: [post(address, fields::OPEN, &[], fields::QUESTION)].into(), ..open.clone() };
    let mut command = this_program("fields", address)?;
    let server = Server::start(command.arg(auth_graph), address, &silent.requests[0], log)?;
    let side = |load| Side { load, server: &server };
    let same = compare([&side(&protected), &side(&open)], time)?;
    let shorter = compare([&side(&protected), &side(&silent)], time)?;
    let tokens = tokens.len();
    Ok(vec![
        Row::new(
            "protected field / unprotected field, requests per second",
            same.ratio,
            Unit::Percent,
            Target::AtLeast(0.9),
            format!(
                "{}; {tokens} tokens in turn, {CONNECTIONS} connections, the token is sent to both",
                same.describe("protected", "unprotected")
            ),
        ),
        Row::new(
            "the same, no token sent to the unprotected one",
            shorter.ratio,
            Unit::Percent,
            Target::None,
            format!("{}; what reading the header costs", shorter.describe("protected", "unprotected")),
        ),
    ])
}

fn request(address: SocketAddr, path: &str, token: &str) -> Vec<u8> {
    let bearer = format!("Bearer {token}");
    post(address, path, &[("authorization", &bearer)], fields::QUESTION)
}
