//! Searching users: the text that is searched, kept by the database, and on PostgreSQL an index of its trigrams.
//!
//! Where the extension `pg_trgm` is not there and may not be installed, every search reads the whole table, as it does
//! on SQLite.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const TEXT: &str = "lower(email || ' ' || first_name || ' ' || last_name)";

/// The extension can be in any schema, so that the operator class is named with it.
const INDEX: &str = "DO $$
    DECLARE place text;
    BEGIN
        BEGIN
            CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public;
        EXCEPTION WHEN OTHERS THEN
            RAISE NOTICE 'pg_trgm can not be installed: searching users will be slow';
        END;
        SELECT nspname INTO place
            FROM pg_extension JOIN pg_namespace ON pg_namespace.oid = extnamespace WHERE extname = 'pg_trgm';
        IF place IS NOT NULL THEN
            EXECUTE format('CREATE INDEX users_search_text ON users USING gin (search_text %I.gin_trgm_ops)', place);
        END IF;
    END $$";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        // SQLite adds no stored column to a table.
        let postgres = manager.get_database_backend() == DbBackend::Postgres;
        let kind = if postgres { "STORED" } else { "VIRTUAL" };
        db.execute_unprepared(&format!(
            "ALTER TABLE users ADD COLUMN search_text text GENERATED ALWAYS AS ({TEXT}) {kind}"
        ))
        .await?;
        if postgres {
            db.execute_unprepared(INDEX).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.get_connection().execute_unprepared("ALTER TABLE users DROP COLUMN search_text").await.map(drop)
    }
}
