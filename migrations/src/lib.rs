//! The database migrations of auth-graph, the same for SQLite and PostgreSQL.
//!
//! A released migration is never edited: add another one. Migrations run while the previous version still serves, so a
//! change goes in steps: expand, move the data, contract. The meaning of a row is documented in the package `store`,
//! not here.

use sea_orm_migration::prelude::*;

mod m20261122_000001_users;
mod m20261122_000002_sessions;
mod m20261122_000003_signing_keys;
mod m20261122_000004_changes;
mod m20261122_000005_login_events;
mod m20261122_000006_rate_limits;
mod m20261122_000007_clients;
mod m20261122_000008_leases;
mod m20261122_000009_revoked_tokens;
mod m20261125_000100_session_audience;
mod m20261125_000200_changes_recorded_at;
mod m20261125_000400_webhooks;
mod m20261125_000401_projections;
mod m20261125_000500_merged_users;
mod m20261125_000501_private_metadata;
mod m20261125_000600_accounts;
mod m20261125_000601_mails_of_users;
mod m20261125_000700_audit_events;
mod m20261125_000701_user_search;
mod m20261125_000800_imports;
mod m20261129_000100_user_credentials;
mod m20261129_000200_changes_numbered_later;
mod m20261129_000300_events_by_month;
mod m20261129_000400_feed_history;
mod m20261130_000200_known_networks;
mod m20261130_000201_decoy_places;
mod m20261130_000700_search_keys;
mod m20261130_000800_usernames;

/// All migrations, oldest first.
#[derive(Debug)]
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261122_000001_users::Migration),
            Box::new(m20261122_000002_sessions::Migration),
            Box::new(m20261122_000003_signing_keys::Migration),
            Box::new(m20261122_000004_changes::Migration),
            Box::new(m20261122_000005_login_events::Migration),
            Box::new(m20261122_000006_rate_limits::Migration),
            Box::new(m20261122_000007_clients::Migration),
            Box::new(m20261122_000008_leases::Migration),
            Box::new(m20261122_000009_revoked_tokens::Migration),
            Box::new(m20261125_000100_session_audience::Migration),
            Box::new(m20261125_000200_changes_recorded_at::Migration),
            Box::new(m20261125_000400_webhooks::Migration),
            Box::new(m20261125_000401_projections::Migration),
            Box::new(m20261125_000500_merged_users::Migration),
            Box::new(m20261125_000501_private_metadata::Migration),
            Box::new(m20261125_000600_accounts::Migration),
            Box::new(m20261125_000601_mails_of_users::Migration),
            Box::new(m20261125_000700_audit_events::Migration),
            Box::new(m20261125_000701_user_search::Migration),
            Box::new(m20261125_000800_imports::Migration),
            Box::new(m20261129_000100_user_credentials::Migration),
            Box::new(m20261129_000200_changes_numbered_later::Migration),
            Box::new(m20261129_000300_events_by_month::Migration),
            Box::new(m20261129_000400_feed_history::Migration),
            Box::new(m20261130_000200_known_networks::Migration),
            Box::new(m20261130_000201_decoy_places::Migration),
            Box::new(m20261130_000700_search_keys::Migration),
            Box::new(m20261130_000800_usernames::Migration),
        ]
    }
}
