//! The measured client service: the real program with its production defaults and a database of its own.

use std::error::Error;
use std::path::Path;
use std::process::Command;

use serde_json::json;

use crate::easyjwt::protected;
use crate::http::{get, post};
use crate::load::Load;
use crate::process::{Server, free_address, sibling};

/// Starts the service.
///
/// # Errors
/// When the service does not start.
pub fn start(auth_graph: &str, folder: &Path, log: &Path) -> Result<Server, Box<dyn Error>> {
    start_with(auth_graph, folder, log, &[])
}

/// Starts the service with further arguments.
///
/// # Errors
/// As [`start`].
pub fn start_with(auth_graph: &str, folder: &Path, log: &Path, arguments: &[&str]) -> Result<Server, Box<dyn Error>> {
    let address = free_address()?;
    let mut command = Command::new(sibling("client-graph")?);
    command.args(["serve", "--bind", &address.to_string(), "--auth-url", auth_graph, "--data-dir"]);
    command.arg(folder.join("client")).args(["--set", "profile=production"]).args(arguments);
    Server::start(&mut command, address, &get(address, "/readyz", &[]), log)
}

/// Builds `GET /api/test/` of a signed-in user, which needs the principal only.
#[must_use]
pub fn principal_only(server: &Server, tokens: &[String], connections: usize) -> Load {
    Load {
        address: server.address,
        requests: tokens.iter().map(|token| protected(server.address, token)).collect(),
        answer: "\"success\"",
        connections,
    }
}

/// Builds `whoami` with the user's mirrored row, read from the database.
#[must_use]
pub fn with_user(server: &Server, tokens: &[String], connections: usize) -> Load {
    let body = json!({ "query": "{ whoami { subject user { email } } }" }).to_string();
    let request = |token: &String| {
        let bearer = format!("Bearer {token}");
        post(server.address, "/graphql", &[("authorization", &bearer)], &body)
    };
    Load {
        address: server.address,
        requests: tokens.iter().map(request).collect(),
        answer: r#"{"data":{"whoami":{"subject":"#,
        connections,
    }
}
