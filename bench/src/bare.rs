//! What axum alone can do: it reads a request like ours and answers with as many bytes as we would.

use std::error::Error;
use std::hint::black_box;
use std::net::SocketAddr;

use axum::extract::State;
use axum::routing::post;
use axum::serve::ListenerExt;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::net::TcpListener;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
    query: String,
    variables: Variables,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Variables {
    token: String,
}

#[derive(Clone, Serialize)]
struct Answer {
    data: String,
}

/// A body as long as another, in the form that this server reads. What is such a body already stays as it is.
#[must_use]
pub fn question(body: &str) -> String {
    if body.starts_with('{') {
        return body.to_owned();
    }
    let around = json!({ "query": "", "variables": { "token": "" } }).to_string().len();
    json!({ "query": "", "variables": { "token": "x".repeat(body.len().saturating_sub(around)) } }).to_string()
}

/// How the answer begins.
pub const ANSWER: &str = r#"{"data":"#;

/// Serves until the process is ended.
///
/// # Errors
/// When the address is taken.
pub async fn serve(address: SocketAddr, answer_bytes: usize) -> Result<(), Box<dyn Error>> {
    let data = "x".repeat(answer_bytes.saturating_sub(r#"{"data":""}"#.len()));
    let router = Router::new().route("/", post(answer)).with_state(Answer { data });
    let listener = TcpListener::bind(address).await?.tap_io(|stream| {
        // The others do so too.
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, router).await?;
    Ok(())
}

async fn answer(State(answer): State<Answer>, Json(question): Json<Question>) -> Json<Answer> {
    // Reading them is not to be optimised away.
    black_box((question.query, question.variables.token));
    Json(answer)
}
