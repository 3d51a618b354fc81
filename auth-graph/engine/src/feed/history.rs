//! The history of the outbox, which every cursor of the feed names. A restored database gives the positions of lost
//! changes to other ones. `auth-graph restored` begins another history, so that earlier cursors expire. If nobody runs
//! it, readers that know more changes than the database are noticed and reported.

use sea_orm::ConnectionTrait;
use uuid::Uuid;

use crate::app::App;
use model::error::Result;
use store::feed_history;

/// Reads the history, and writes one if there is none.
pub(super) async fn load(app: &App) -> Result<()> {
    let history = match feed_history::current(&app.db).await? {
        Some(history) => Some(history),
        None => {
            feed_history::insert_missing(&app.db, Uuid::new_v4()).await?;
            feed_history::current(&app.db).await?
        }
    };
    let (_, random) = history.unwrap_or_default().as_u64_pair();
    app.feed.history.set(random);
    Ok(())
}

/// Begins another history.
pub(super) async fn begin(txn: &impl ConnectionTrait) -> Result<()> {
    Ok(feed_history::replace(txn, Uuid::new_v4()).await?)
}

/// Reports to the operator if somebody knows a position that the outbox has not reached.
pub(crate) fn check(app: &App, who: &str, position: i64, head: i64) {
    if position > head && app.feed.history.may_report(app.clock.now()) {
        tracing::error!(
            who,
            position,
            head,
            "the database has lost changes that were read before: if it was restored from a backup, stop every replica \
             and run `auth-graph restored`"
        );
    }
}
