//! Searching users in any script: a text for each user that the service computes, because the database knows the case
//! of ASCII letters only in some locales.
//!
//! A version that does not know the text leaves it as it is when it changes a name. A trigger then removes it, and the
//! service fills it in again. `indexes.rs` of the package `store` builds the indexes.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const ON_POSTGRES: &str = "
    CREATE FUNCTION remove_search_key() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            NEW.search_key := NULL;
            RETURN NEW;
        END
    $$;
    CREATE TRIGGER users_search_key BEFORE UPDATE OF email, first_name, last_name ON users FOR EACH ROW
        WHEN (
            NEW.search_key IS NOT DISTINCT FROM OLD.search_key
            AND (NEW.email, NEW.first_name, NEW.last_name) IS DISTINCT FROM (OLD.email, OLD.first_name, OLD.last_name)
        )
        EXECUTE FUNCTION remove_search_key();";

const ON_SQLITE: &str = "
    CREATE TRIGGER users_search_key AFTER UPDATE OF email, first_name, last_name ON users FOR EACH ROW
        WHEN
            NEW.search_key IS OLD.search_key
            AND (NEW.email <> OLD.email OR NEW.first_name <> OLD.first_name OR NEW.last_name <> OLD.last_name)
        BEGIN
            UPDATE users SET search_key = NULL WHERE id = NEW.id;
        END;";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        db.execute_unprepared("ALTER TABLE users ADD COLUMN search_key text").await?;
        let postgres = manager.get_database_backend() == DbBackend::Postgres;
        db.execute_unprepared(if postgres { ON_POSTGRES } else { ON_SQLITE }).await.map(drop)
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        if manager.get_database_backend() == DbBackend::Postgres {
            db.execute_unprepared("DROP TRIGGER users_search_key ON users; DROP FUNCTION remove_search_key()").await?;
        } else {
            db.execute_unprepared("DROP TRIGGER users_search_key").await?;
            // SQLite drops no column that an index needs.
            db.execute_unprepared("DROP INDEX IF EXISTS users_without_search_key").await?;
        }
        db.execute_unprepared("ALTER TABLE users DROP COLUMN search_key").await.map(drop)
    }
}
