//! Callers who go away in the middle: the server drops what it does for them.

use futures_util::poll;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use store::change_head;

use crate::support::TestApp;

/// launchbadge/sqlx#4393: the next statement on the connection became a part of a transaction that nobody ended.
#[tokio::test]
async fn nothing_is_left_of_a_transaction_whose_caller_went_away_while_it_began() {
    let test = TestApp::with(|config| config.database.max_connections = 1).await;
    let elsewhere = test.replica().await;
    for polls in 0..20 {
        let before = change_head::last(&elsewhere.db).await.unwrap();
        {
            let mut begun = Box::pin(store::begin(&test.app.db));
            for _ in 0..polls {
                if poll!(&mut begun).is_ready() {
                    break;
                }
                tokio::task::yield_now().await;
            }
        }
        // A statement of its own is there for everybody as soon as it has ended.
        let further = Expr::col(change_head::Column::Position).add(1);
        let moving = change_head::Entity::update_many().col_expr(change_head::Column::Position, further);
        moving.filter(change_head::Column::Id.eq(1)).exec(&test.app.db).await.unwrap();
        let after = change_head::last(&elsewhere.db).await.unwrap();
        assert_eq!(after, before + 1, "after {polls} polls");
    }
}
