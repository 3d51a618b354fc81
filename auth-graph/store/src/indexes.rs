//! Indexes that are built while the service runs.
//!
//! A migration would lock the table against writing until its index is built. PostgreSQL builds an index without that
//! outside of a transaction, and leaves an invalid one behind when it is interrupted, which is then built again.

use sea_orm::sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, Row, query};
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, DbErr, RuntimeErr, sqlx};
use std::sync::Arc;

/// An index that no operation needs in order to be right.
struct Index {
    name: &'static str,
    /// Table, columns and condition.
    on: &'static str,
}

const INDEXES: [Index; 4] = [
    Index { name: "users_staff", on: "users (id) WHERE is_staff" },
    Index { name: "users_inactive", on: "users (id) WHERE NOT is_active" },
    Index { name: "user_credentials_place", on: "user_credentials (place) WHERE kind = 'password'" },
    Index { name: "users_without_search_key", on: "users (id) WHERE search_key IS NULL" },
];

/// Index of searches, on PostgreSQL with the extension `pg_trgm`. Without it, a search reads the whole table, as on
/// SQLite.
const TRIGRAMS: &str = "users_search_key";

/// Number of the advisory lock of the replica that builds; no other lock has it.
const LOCK: i64 = 0x6175_7468_696e_6478;

/// Builds the indexes that are missing or invalid. Returns their number; 0 also if another replica builds them.
///
/// # Errors
/// When the database fails, or a table is in use for too long.
pub async fn build(db: &DatabaseConnection) -> Result<usize, DbErr> {
    if db.get_database_backend() != DbBackend::Postgres {
        for Index { name, on } in INDEXES {
            db.execute_unprepared(&format!("CREATE INDEX IF NOT EXISTS {name} ON {on}")).await?;
        }
        return Ok(0);
    }
    let failed = |error: sqlx::Error| DbErr::Exec(RuntimeErr::SqlxError(Arc::new(error)));
    // A connection of its own, whose end releases the lock.
    let options = db.get_postgres_connection_pool().connect_options();
    let mut connection = PgConnection::connect_with(&options).await.map_err(failed)?;
    let built = build_missing(&mut connection).await.map_err(failed);
    connection.close().await.map_err(failed)?;
    built
}

async fn build_missing(connection: &mut PgConnection) -> Result<usize, sqlx::Error> {
    let lock = query("SELECT pg_try_advisory_lock($1)").bind(LOCK);
    if !lock.fetch_one(&mut *connection).await?.get::<bool, _>(0) {
        return Ok(0);
    }
    let mut built = 0;
    let mut indexes = INDEXES.map(|Index { name, on }| (name, on.to_owned())).to_vec();
    // The extension can be in any schema, so that the operator class is named with it.
    let place = query(
        "SELECT quote_ident(nspname) FROM pg_extension JOIN pg_namespace ON pg_namespace.oid = extnamespace
        WHERE extname = 'pg_trgm'",
    );
    if let Some(place) = place.fetch_optional(&mut *connection).await?.map(|row| row.get::<String, _>(0)) {
        indexes.push((TRIGRAMS, format!("users USING gin (search_key {place}.gin_trgm_ops)")));
    }
    for (name, on) in indexes {
        let find = query(
            "SELECT indisvalid FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
            WHERE relname = $1 AND relnamespace = current_schema()::regnamespace",
        );
        match find.bind(name).fetch_optional(&mut *connection).await?.map(|row| row.get::<bool, _>(0)) {
            Some(true) => continue,
            Some(false) => {
                connection.execute(AssertSqlSafe(format!("DROP INDEX CONCURRENTLY {name}"))).await?;
            }
            None => {}
        }
        // These are made of constants and the name of a schema alone.
        connection.execute(AssertSqlSafe(format!("CREATE INDEX CONCURRENTLY {name} ON {on}"))).await?;
        built += 1;
    }
    Ok(built)
}
