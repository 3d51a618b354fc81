//! The tests of client-graph: one binary with a module for each subject.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests are tests: clippy.toml spares functions only")]

mod access_groups;
mod context;
mod end_to_end;
mod feed;
mod following;
mod freshness;
mod guards;
mod guide;
mod http_input;
mod keys;
mod layer;
mod mirror;
mod mirror_tables;
mod network;
mod operations;
mod outage;
mod own_account;
mod promises;
mod proxy;
#[path = "../../../auth-graph/tests/it/support/queries.rs"]
mod queries;
mod refusals;
mod rules;
mod schema;
mod service;
mod service_command;
mod service_config;
mod service_database;
mod service_documents;
mod service_entities;
mod service_readiness;
mod service_socket;
mod support;
mod tokens;
mod world;
