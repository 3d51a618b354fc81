//! Callers who disconnect in the middle of a request, whose future the server drops.

use futures_util::poll;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use store::{change_head, outbox};

use crate::support::TestApp;

/// launchbadge/sqlx#4393: the next statement on the connection became part of a transaction that was never ended.
#[tokio::test]
async fn a_transaction_is_rolled_back_when_its_caller_disconnects_while_it_begins() {
    let test = TestApp::with(|config| config.database.max_connections = 1).await;
    let elsewhere = test.replica().await;
    for polls in 0..20 {
        let before = outbox::last(&elsewhere.db).await.unwrap();
        {
            let mut begun = Box::pin(store::begin(&test.app.db));
            for _ in 0..polls {
                if poll!(&mut begun).is_ready() {
                    break;
                }
                tokio::task::yield_now().await;
            }
        }
        // A statement outside of a transaction is visible to others as soon as it has ended.
        let further = Expr::col(change_head::Column::Position).add(1);
        let moving = change_head::Entity::update_many().col_expr(change_head::Column::Position, further);
        moving.filter(change_head::Column::Id.eq(1)).exec(&test.app.db).await.unwrap();
        let after = outbox::last(&elsewhere.db).await.unwrap();
        assert_eq!(after, before + 1, "after {polls} polls");
    }
}
