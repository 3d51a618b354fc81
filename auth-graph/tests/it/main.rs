//! The tests of auth-graph, through its public door: the router, the command line, the schema.
//!
//! They run on SQLite, and on PostgreSQL when `TEST_DATABASE_URL` names a server.

#![expect(clippy::unwrap_used, reason = "a test may end where it stands")]

mod account_advisories;
mod account_flows;
mod accounts;
mod administration;
mod advisories;
mod answers;
mod audit;
mod bad_documents;
mod bad_tokens;
mod cancelling;
mod claims;
mod claims_hook;
mod clients;
mod command_line;
mod configuration;
mod cookies;
mod cors;
mod decoys;
mod documents;
mod editing;
mod federation;
mod feed;
mod feed_advisories;
mod feed_subscription;
mod grant_advisories;
mod health;
mod import;
mod import_again;
mod import_batches;
mod keys;
mod login;
mod logs;
mod mail_servers;
mod mails;
mod mails_without_a_server;
mod mass_assignment;
mod merging;
mod metadata;
mod migrations;
mod oauth;
mod oauth_tokens;
mod odd_inputs;
mod outbox;
mod pages;
mod passwords;
mod projections;
mod refresh;
mod replicas;
mod rest;
mod restoring;
mod revocation;
mod rotation;
mod schema;
mod secrets;
mod sessions;
mod slow_readers;
mod support;
mod tidy;
mod webhook_administration;
mod webhook_targets;
mod webhooks;
mod websocket;
