//! Integer identifiers of users, for systems that need them. A user who was imported from such a system keeps their
//! number; other users get one when it is requested.

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::Expr;
use sea_orm::{QueryOrder, QuerySelect, Set, SqlErr};

use model::values::UserId;

/// The number of a user.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "user_numbers")]
pub struct Model {
    /// Unique number, which is never reused.
    #[sea_orm(primary_key, auto_increment = false)]
    pub number: i64,
    /// User with this number.
    #[sea_orm(unique)]
    pub user_id: UserId,
}

/// The table has no relations that this package follows.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Returns the number of a user, if they have one.
pub async fn of_user(db: &impl ConnectionTrait, user: UserId) -> Result<Option<i64>, DbErr> {
    Ok(Entity::find().filter(Column::UserId.eq(user)).one(db).await?.map(|row| row.number))
}

/// Returns the numbers of many users, in no order.
pub async fn of_users(db: &impl ConnectionTrait, users: &[UserId]) -> Result<Vec<Model>, DbErr> {
    Entity::find().filter(Column::UserId.is_in(users.iter().copied())).all(db).await
}

/// Returns the numbers among these that are taken, with their users.
pub async fn given(db: &impl ConnectionTrait, numbers: &[i64]) -> Result<Vec<Model>, DbErr> {
    Entity::find().filter(Column::Number.is_in(numbers.iter().copied())).all(db).await
}

/// Gives a user the next number. Returns `None` if another transaction has taken it at the same time.
pub async fn give_next(db: &DatabaseConnection, user: UserId) -> Result<Option<i64>, DbErr> {
    let given = database::transaction::<_, DbErr>(db, async |txn| {
        let last = Entity::find().order_by_desc(Column::Number).limit(1).one(txn).await?;
        let number = last.map_or(1, |row| row.number.saturating_add(1));
        insert_many(txn, vec![Model { number, user_id: user }]).await?;
        Ok(number)
    });
    match given.await {
        Ok(number) => Ok(Some(number)),
        Err(error) if matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_))) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Gives the number of one user to another, unless that user has one.
pub async fn pass_on(txn: &impl ConnectionTrait, from: UserId, to: UserId) -> Result<(), DbErr> {
    if of_user(txn, to).await?.is_none() {
        let passed = Entity::update_many().col_expr(Column::UserId, Expr::value(to));
        passed.filter(Column::UserId.eq(from)).exec(txn).await?;
    }
    Ok(())
}

/// Gives many users their numbers.
///
/// # Errors
/// When a number is taken (a unique violation), or the database fails.
pub async fn insert_many(txn: &impl ConnectionTrait, rows: Vec<Model>) -> Result<(), DbErr> {
    if rows.is_empty() {
        return Ok(());
    }
    let rows = rows.into_iter().map(|row| ActiveModel { number: Set(row.number), user_id: Set(row.user_id) });
    Entity::insert_many(rows).exec_without_returning(txn).await?;
    Ok(())
}
