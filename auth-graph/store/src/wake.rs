//! Wakes the tasks that follow the outbox. PostgreSQL's `NOTIFY` reaches every replica when the transaction commits.
//! SQLite has no equivalent: the process wakes itself, and other processes poll.

use std::sync::Arc;
use std::time::Duration;

use sea_orm::sqlx::postgres::PgListener;
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, DbErr, Statement};
use tokio::sync::Notify;

const CHANNEL: &str = "auth_graph_changes";

/// Notifies every replica of changes when the transaction commits.
pub(super) async fn notify(txn: &impl ConnectionTrait) -> Result<(), DbErr> {
    match txn.get_database_backend() {
        DbBackend::Postgres => {
            txn.execute_raw(Statement::from_string(DbBackend::Postgres, format!("NOTIFY {CHANNEL}"))).await.map(drop)
        }
        _ => Ok(()),
    }
}

/// Waits for changes.
#[derive(Debug)]
pub struct Wake {
    listener: Option<PgListener>,
    local: Arc<Notify>,
}

impl Wake {
    /// Listens for notifications of this process (`local`) and, on PostgreSQL, of other replicas.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn listen(db: &DatabaseConnection, local: Arc<Notify>) -> Result<Self, DbErr> {
        let listener = match db.get_database_backend() {
            DbBackend::Postgres => {
                let failed = |error| DbErr::Conn(sea_orm::RuntimeErr::SqlxError(Arc::new(error)));
                let mut listener = PgListener::connect_with(db.get_postgres_connection_pool()).await.map_err(failed)?;
                listener.listen(CHANNEL).await.map_err(failed)?;
                Some(listener)
            }
            _ => None,
        };
        Ok(Self { listener, local })
    }

    /// Waits until there may be changes, at most for `at_most`.
    ///
    /// # Errors
    /// When the database can no longer be reached.
    pub async fn wait(&mut self, at_most: Duration) -> Result<(), DbErr> {
        let announced = async {
            match &mut self.listener {
                Some(listener) => listener.recv().await.map(drop),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            heard = announced => heard.map_err(|error| DbErr::Conn(sea_orm::RuntimeErr::SqlxError(Arc::new(error)))),
            () = self.local.notified() => Ok(()),
            () = tokio::time::sleep(at_most) => Ok(()),
        }
    }
}
