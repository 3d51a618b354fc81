//! auth-graph: an authentication service whose API is GraphQL, and a subgraph of a federated graph that owns `User`.
//!
//! The binary is the service. The library runs it within another program, as the demo and the tests do:
//!
//! ```no_run
//! use auth_graph::{configuration, http};
//! use engine::boot;
//! use model::clock::Clock;
//! use model::config::Sources;
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let config = configuration::load(&Sources::default())?;
//! let listener = tokio::net::TcpListener::bind(config.server.bind).await?;
//! let app = boot(config, Clock::default()).await?;
//! http::serve(app, listener, std::future::pending()).await?;
//! # Ok(())
//! # }
//! ```
//!
//! This package contains the doors, which translate and call one function of `engine`. The floors below are
//! `credentials`, `store` and `model`.

pub mod cli;
pub mod configuration;
pub mod graphql;
pub mod http;
pub mod tasks;
