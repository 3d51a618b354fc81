//! The client service: a subgraph with notes that belong to users, and same-origin sign-in routes for browsers.
//!
//! It is an example of a service. Imports go one way: `cli`, `boot`, `http`, `graphql` → `notes` → `app` → `config`,
//! `cursors`, `database`, `metrics`. `graphql` does not know HTTP, and `notes` knows neither.

pub mod app;
mod boot;
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
pub use http::{internal_router, router, serve};
pub use serving::Listeners;
