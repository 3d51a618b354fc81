//! auth-graph: an authentication service whose API is GraphQL, and a subgraph of a federated graph that owns `User`.
//!
//! The service is the binary; the library lets it live within another program, as the demo and the tests do:
//!
//! ```no_run
//! use auth_graph::{auth, clock::Clock, config::{Config, Sources}, http};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let config = Config::load(&Sources::default())?;
//! let listener = tokio::net::TcpListener::bind(config.server.bind).await?;
//! let app = auth::boot(config, Clock::default()).await?;
//! http::serve(app, listener, std::future::pending()).await;
//! # Ok(())
//! # }
//! ```
//!
//! Imports go one way: `http`, `graphql`, `cli`, `tasks` → `auth` → `app` → `credentials`, `limits`, `mail`, `egress` →
//! `store` → `config`, `values`, `error`, `clock`.

pub mod announcements;
pub mod app;
pub mod auth;
pub mod cli;
pub mod clock;
pub mod config;
pub mod credentials;
pub mod egress;
pub mod error;
pub mod graphql;
pub mod http;
pub mod limits;
pub mod mail;
pub mod metrics;
pub mod store;
pub mod tasks;
pub mod values;
