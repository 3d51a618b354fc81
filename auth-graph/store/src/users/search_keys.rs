//! Missing texts in which users are searched. Every write of a user by this version writes their text too. Rows that
//! another version has written have none, until [`fill`] has found them.

use sea_orm::sea_query::{Expr, LockBehavior, LockType};
use sea_orm::{ColumnTrait, DatabaseConnection, DbBackend, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::{Column, Entity, search_key_of};

/// Number of rows that one transaction fills.
const BATCH: u64 = 200;

/// Writes the missing texts of some users, and returns their number. Rows that others have locked are left for the next
/// call.
pub async fn fill(db: &DatabaseConnection) -> Result<u64, DbErr> {
    let mut missing = Entity::find().filter(Column::SearchKey.is_null()).order_by_asc(Column::Id).limit(BATCH);
    if missing.clone().one(db).await?.is_none() {
        return Ok(0);
    }
    if db.get_database_backend() == DbBackend::Postgres {
        missing = missing.lock_with_behavior(LockType::Update, LockBehavior::SkipLocked);
    }
    database::transaction(db, async |txn| {
        let users = missing.all(txn).await?;
        for user in &users {
            let filled = Entity::update_many().col_expr(Column::SearchKey, Expr::value(search_key_of(user)));
            filled.filter(Column::Id.eq(user.id)).exec(txn).await?;
        }
        Ok(users.len() as u64)
    })
    .await
}
