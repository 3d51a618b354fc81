//! A page of notes with the names of their authors, which the client service has in its mirror, compared with the same
//! page without them.

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::auth_graph::USERS;
use crate::client_graph_service;
use crate::http::{BlockingConnection, post};
use crate::load::Load;
use crate::process::Server;
use crate::samples::{Side, compare};
use crate::table::{Row, Target, Unit};

const NOTES: usize = 100;
const CONNECTIONS: usize = 8;
const ADD: &str = "mutation { addNote(input: { text: \"A note\" }) { note { id } } }";
const PLAIN: &str = "{ notes(first: 100) { nodes { id text createdAt author { id } } } }";
const NAMED: &str = "{ notes(first: 100) { nodes { id text createdAt author { id displayName pictureUrl } } } }";
const RENAME: &str = "mutation { updateProfile(input: { firstName: \"Ada\", lastName: \"Lovelace\", \
    pictureUrl: \"https://example.com/pictures/ada.png\" }) { user { id } } }";

/// Measures the two pages.
///
/// # Errors
/// When a request fails, or an author has no name.
pub fn rows(
    auth: &Server,
    url: &str,
    tokens: &[String],
    folder: &Path,
    log: &Path,
    time: Duration,
) -> Result<Vec<Row>, Box<dyn Error>> {
    let public = ["--set", "users.public_fields=displayName,pictureUrl"];
    let service = client_graph_service::start_with(url, &folder.join("notes"), log, &public)?;
    // The tokens of a user are next to each other.
    let authors: Vec<&String> = tokens.iter().step_by(tokens.len() / USERS.min(tokens.len())).collect();
    for author in &authors {
        send(auth, author, RENAME)?;
    }
    for number in 0..NOTES {
        send(&service, authors[number % authors.len()], ADD)?;
    }
    let answer = send(&service, authors[0], NAMED)?;
    let nodes = answer["data"]["notes"]["nodes"].as_array().ok_or("no notes")?;
    let named = nodes.iter().filter(|note| note["author"]["displayName"] == "Ada Lovelace").count();
    if named != NOTES {
        return Err(format!("{named} authors with a name instead of {NOTES}").into());
    }
    let load = |query: &str| Load {
        address: service.address,
        requests: authors.iter().map(|token| request(&service, token, query)).collect(),
        answer: r#"{"data":{"notes":{"nodes":[{"id":""#,
        connections: CONNECTIONS,
    };
    let (plain, named) = (load(PLAIN), load(NAMED));
    let side = |load| Side { load, server: &service };
    let compared = compare([&side(&plain), &side(&named)], time)?;
    let notes = format!(
        "{}; {} authors, no request to auth-graph, {CONNECTIONS} connections",
        compared.describe("without", "with"),
        authors.len()
    );
    Ok(vec![Row::new(
        "100 notes with authors' names / without, time",
        compared.ratio,
        Unit::Times,
        Target::Below(1.3),
        notes,
    )])
}

fn request(server: &Server, token: &str, query: &str) -> Vec<u8> {
    let bearer = format!("Bearer {token}");
    post(server.address, "/graphql", &[("authorization", &bearer)], &json!({ "query": query }).to_string())
}

fn send(server: &Server, token: &str, query: &str) -> Result<Value, Box<dyn Error>> {
    let mut connection = BlockingConnection::open(server.address)?;
    let (_, body) = connection.exchange(&request(server, token, query))?;
    let answer: Value = serde_json::from_slice(body)?;
    if answer["errors"].is_null() { Ok(answer) } else { Err(answer.to_string().into()) }
}
