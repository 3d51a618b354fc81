//! The client service: a subgraph with notes that belong to users, and a same-origin front of auth-graph for browsers.
//!
//! It is what a service of yours could look like. Imports go one way: `cli`, `http`, `graphql` → `notes` → `app` →
//! `config`, `cursors`, `database`, `metrics`. `graphql` knows no HTTP, `notes` knows neither.

pub mod app;
pub mod cli;
pub mod config;
mod cursors;
mod database;
pub mod graphql;
mod http;
mod metrics;
mod notes;

pub use app::App;
pub use config::{Config, Sources};
pub use http::{router, serve};
