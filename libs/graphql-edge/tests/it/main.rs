//! The rules of the edge, through its public door: a router in process for HTTP, a pipe to it for WebSockets.

#![cfg(test)]

mod bodies;
mod documents;
mod errors;
mod event_stream;
mod fuzz;
mod get;
mod headers;
mod persisted;
mod schema;
mod socket;
mod trusted;
mod validation;
mod websocket;
mod websocket_bounds;
