//! A server on axum and async-graphql alone: the document is parsed and validated in advance, and every field is a
//! constant. No service on async-graphql can come closer to bare axum than this.

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;

use async_graphql::parser::{parse_query, types::ExecutableDocument};
use async_graphql::{
    EmptySubscription, Enum, ID, Object, Request, Response, Schema, SimpleObject, ValidationMode, Variables,
};
use axum::extract::State;
use axum::routing::post;
use axum::serve::ListenerExt;
use axum::{Json, Router};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use tokio::net::TcpListener;
use uuid::Uuid;

use crate::verify::SHORT;

struct Query;

#[Object]
impl Query {
    async fn nothing(&self) -> bool {
        false
    }
}

struct Mutation;

#[Object]
impl Mutation {
    async fn verify(&self, token: String) -> Verification {
        let claims =
            Claims { sub: Uuid::from_bytes([token.len() as u8; 16]).into(), exp: DateTime::UNIX_EPOCH, scope: vec![] };
        Verification { active: true, token_type: TokenType::Access, claims }
    }
}

#[derive(SimpleObject)]
struct Verification {
    active: bool,
    token_type: TokenType,
    claims: Claims,
}

#[derive(Enum, Clone, Copy, PartialEq, Eq)]
enum TokenType {
    Access,
}

#[derive(SimpleObject)]
struct Claims {
    sub: ID,
    exp: DateTime<Utc>,
    scope: Vec<String>,
}

#[derive(Deserialize)]
struct Question {
    query: String,
    variables: Variables,
}

struct Service {
    schema: Schema<Query, Mutation, EmptySubscription>,
    document: ExecutableDocument,
}

/// Serves until the process ends.
///
/// # Errors
/// When the address is taken.
pub async fn serve(address: SocketAddr) -> Result<(), Box<dyn Error>> {
    let schema = Schema::build(Query, Mutation, EmptySubscription).validation_mode(ValidationMode::Fast).finish();
    let service = Service { schema, document: parse_query(SHORT)? };
    let router = Router::new().route("/", post(answer)).with_state(Arc::new(service));
    let listener = TcpListener::bind(address).await?.tap_io(|stream| {
        // The other servers set this option too.
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, router).await?;
    Ok(())
}

async fn answer(State(service): State<Arc<Service>>, Json(question): Json<Question>) -> Json<Response> {
    let mut request = Request::new(question.query).variables(question.variables);
    request.set_parsed_query(service.document.clone());
    Json(service.schema.execute(request).await)
}
