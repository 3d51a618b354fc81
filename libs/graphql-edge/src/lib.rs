//! Everything between a socket and an async-graphql schema: reading bodies, limits on documents, statuses, media types,
//! error codes, and GraphQL over WebSocket. This crate does not identify the caller.
//!
//! The extractors of async-graphql-axum accept a mutation from a form or a link on another site, ignore the limit of
//! the body, and answer everything with 200. This crate follows the specification of GraphQL over HTTP, and rejects
//! large documents before they are walked. It also caches parsed documents, because parsing is most of the work of a
//! small operation.
//!
//! ```
//! use async_graphql::{Data, EmptyMutation, EmptySubscription, Object, Schema};
//! use axum::{Router, body::Body, extract::{State, ws::{WebSocketUpgrade, rejection::WebSocketUpgradeRejection}}};
//! use axum::{http::HeaderMap, response::Response, routing::post};
//! use graphql_edge::{Limits, bounded, method_not_allowed};
//!
//! struct Query;
//!
//! #[Object]
//! impl Query {
//!     async fn greeting(&self) -> &'static str {
//!         "Hello"
//!     }
//! }
//!
//! type Edge = graphql_edge::Edge<Query, EmptyMutation, EmptySubscription>;
//!
//! async fn answer(State(edge): State<Edge>, headers: HeaderMap, body: Body) -> Response {
//!     edge.post(&headers, body, |request| request.data("the caller")).await
//! }
//!
//! async fn open(
//!     State(edge): State<Edge>,
//!     headers: HeaderMap,
//!     upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
//! ) -> Response {
//!     edge.websocket(upgrade, &headers, &[], async |_payload| Ok(Data::default()))
//! }
//!
//! let schema = || bounded(Schema::build(Query, EmptyMutation, EmptySubscription));
//! let edge = Edge::new(schema, Limits { credential_fields: &["login"], ..Limits::default() });
//! let router: Router = Router::new()
//!     .route("/graphql", post(answer).get(open).fallback(method_not_allowed))
//!     .with_state(edge);
//! ```

#![warn(missing_docs)]

mod boxed;
mod document;
mod edge;
mod event_stream;
mod get;
mod limits;
mod multipart;
mod optional;
mod request;
mod response;
mod settings;
mod stopping;
mod streamed;
mod trusted;
mod websocket;

pub use self::{
    boxed::Boxed,
    document::parse,
    edge::Edge,
    limits::{Limits, bounded},
    optional::{Optional, with_part},
    response::{method_not_allowed, too_many_sockets},
    settings::{AllowedDocuments, Introspection, Settings},
    trusted::TrustedDocuments,
    websocket::Connection,
};
