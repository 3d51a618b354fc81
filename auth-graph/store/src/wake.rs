//! Wakes the tasks that follow the outbox. A process wakes itself when it has written a change. On PostgreSQL it then
//! numbers the change, and a notification reaches the other replicas. SQLite has no equivalent: other processes poll.

use std::sync::Arc;
use std::time::Duration;

use sea_orm::sqlx::postgres::PgListener;
use sea_orm::{DatabaseConnection, DbBackend, DbErr};
use tokio::sync::Notify;

use crate::outbox::CHANNEL;

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
