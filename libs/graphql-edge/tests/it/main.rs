//! Tests of the edge through its public API: HTTP with a router in process, WebSockets over an in-memory pipe.

#![cfg(test)]

mod bodies;
mod documents;
mod errors;
mod event_stream;
mod fuzz;
mod get;
mod headers;
mod multipart;
mod persisted;
mod schema;
mod socket;
mod specification;
mod trusted;
mod validation;
mod websocket;
mod websocket_bounds;
