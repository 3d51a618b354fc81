//! A server on axum alone: it reads the same requests and answers with the same number of bytes.

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

/// Returns a body of the same length in the form that this server reads. A JSON body stays unchanged.
#[must_use]
pub fn question(body: &str) -> String {
    if body.starts_with('{') {
        return body.to_owned();
    }
    let around = json!({ "query": "", "variables": { "token": "" } }).to_string().len();
    json!({ "query": "", "variables": { "token": "x".repeat(body.len().saturating_sub(around)) } }).to_string()
}

/// The beginning of the answer.
pub const ANSWER: &str = r#"{"data":"#;

/// Serves until the process ends.
///
/// # Errors
/// When the address is taken.
pub async fn serve(address: SocketAddr, answer_bytes: usize) -> Result<(), Box<dyn Error>> {
    let data = "x".repeat(answer_bytes.saturating_sub(r#"{"data":""}"#.len()));
    let router = Router::new().route("/", post(answer)).with_state(Answer { data });
    let listener = TcpListener::bind(address).await?.tap_io(|stream| {
        // The other servers set this option too.
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, router).await?;
    Ok(())
}

async fn answer(State(answer): State<Answer>, Json(question): Json<Question>) -> Json<Answer> {
    // The compiler must not optimise the reading away.
    black_box((question.query, question.variables.token));
    Json(answer)
}
