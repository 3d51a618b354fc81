//! auth-graph: to be described.

pub mod app;
pub mod auth;
pub mod clock;
pub mod config;
pub mod credentials;
pub mod error;
pub mod limits;
pub mod metrics;
pub mod store;
pub mod values;
