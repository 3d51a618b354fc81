//! The use cases of auth-graph, in plain functions over [`App`].
//!
//! This crate does not know HTTP or GraphQL. The same function serves the GraphQL API, the REST and OAuth endpoints and
//! the command line.

pub mod accounts;
pub mod administration;
pub mod announcements;
pub mod app;
pub mod audit;
pub mod caches;
pub mod callers;
pub mod claims;
pub mod clients;
mod comparing;
pub mod easyjwt;
pub mod egress;
pub mod feed;
pub mod history;
pub mod keys;
mod lifecycle;
pub mod limits;
pub mod mail;
pub mod mailer;
pub mod metrics;
pub mod pagination;
pub mod secrets;
pub mod sessions;
pub mod signing_in;
pub mod transfer;
pub mod verification;
pub mod webhooks;

pub use app::App;
pub use lifecycle::{Readiness, boot, build_indexes, housekeep, purge, readiness};
