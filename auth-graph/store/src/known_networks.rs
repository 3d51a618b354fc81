//! The networks from which users have signed in. Guesses of others do not slow down a user who comes from one of them.

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{JoinType, QuerySelect};

use super::users;
use model::values::{Email, UserId};

/// A network from which a user has signed in.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "known_networks")]
pub struct Model {
    /// User.
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: UserId,
    /// Network, as `engine::limits` names it.
    #[sea_orm(primary_key, auto_increment = false)]
    pub network: String,
    /// Time until which it is remembered (UTC).
    pub until: DateTimeUtc,
}

/// The relation to the user.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    /// The user.
    #[sea_orm(belongs_to = "users::Entity", from = "Column::UserId", to = "users::Column::Id")]
    User,
}

impl ActiveModelBehavior for ActiveModel {}

/// Returns whether the user with this address has signed in from a network.
pub async fn contains(
    db: &impl ConnectionTrait,
    email: &Email,
    network: &str,
    now: DateTimeUtc,
) -> Result<bool, DbErr> {
    let found = Entity::find()
        .join(JoinType::InnerJoin, Relation::User.def())
        .filter(Expr::col((users::Entity, users::Column::Email)).eq(email.clone()))
        .filter(Column::Network.eq(network))
        .filter(Column::Until.gt(now));
    Ok(super::unique(found, db).await?.is_some())
}

/// Remembers a network until a time. It writes nothing when the network is remembered until shortly before.
pub async fn remember(txn: &impl ConnectionTrait, row: Model) -> Result<(), DbErr> {
    let outdated = Expr::col((Entity, Column::Until)).lt(row.until - chrono::TimeDelta::days(1));
    let on_conflict = OnConflict::columns([Column::UserId, Column::Network])
        .update_column(Column::Until)
        .action_and_where(outdated)
        .to_owned();
    let row = ActiveModel::from(row).reset_all();
    Entity::insert(row).on_conflict(on_conflict).exec_without_returning(txn).await.map(drop)
}

/// Returns the networks of a user.
pub async fn of_user(db: &impl ConnectionTrait, user: UserId) -> Result<Vec<Model>, DbErr> {
    Entity::find().filter(Column::UserId.eq(user)).all(db).await
}

/// Forgets the networks of a user.
pub async fn forget_of(txn: &impl ConnectionTrait, user: UserId) -> Result<(), DbErr> {
    Entity::delete_many().filter(Column::UserId.eq(user)).exec(txn).await.map(drop)
}

/// Deletes the networks whose time is over.
pub async fn purge(db: &impl ConnectionTrait, now: DateTimeUtc) -> Result<u64, DbErr> {
    Ok(Entity::delete_many().filter(Column::Until.lte(now)).exec(db).await?.rows_affected)
}
