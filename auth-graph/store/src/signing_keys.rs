//! Signing keys with their encrypted private keys. `credentials::keyring` uses them.

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{QueryOrder, Set};

/// A key pair, or a shared secret.
#[derive(Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "signing_keys")]
pub struct Model {
    /// Identifier; the `kid` of tokens that the key signs.
    #[sea_orm(primary_key, auto_increment = false)]
    pub kid: String,
    /// Algorithm; the `alg` of tokens that the key signs.
    pub algorithm: String,
    /// Private key, encrypted with a key that is derived from the master secret; empty once the key is retired.
    pub private_key: Vec<u8>,
    /// Time of creation (UTC).
    pub created_at: DateTimeUtc,
    /// Time from which the key signs (UTC). It is published earlier.
    pub active_from: DateTimeUtc,
    /// Time from which the key is neither used nor published (UTC).
    pub retired_at: Option<DateTimeUtc>,
}

impl std::fmt::Debug for Model {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("SigningKey").field("kid", &self.kid).finish_non_exhaustive()
    }
}

/// The table has no relations.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Returns the keys that are not retired, the oldest first.
pub async fn usable(db: &impl ConnectionTrait, now: DateTimeUtc) -> Result<Vec<Model>, DbErr> {
    Entity::find()
        .filter(Column::RetiredAt.is_null().or(Column::RetiredAt.gt(now)))
        .order_by_asc(Column::CreatedAt)
        .order_by_asc(Column::Kid)
        .all(db)
        .await
}

/// Adds a key.
pub async fn insert(db: &impl ConnectionTrait, key: Model) -> Result<(), DbErr> {
    let row = ActiveModel {
        kid: Set(key.kid),
        algorithm: Set(key.algorithm),
        private_key: Set(key.private_key),
        created_at: Set(key.created_at),
        active_from: Set(key.active_from),
        retired_at: Set(key.retired_at),
    };
    Entity::insert(row).exec_without_returning(db).await.map(drop)
}

/// Returns every key, retired or not, the oldest first.
pub async fn all(db: &impl ConnectionTrait) -> Result<Vec<Model>, DbErr> {
    Entity::find().order_by_asc(Column::CreatedAt).order_by_asc(Column::Kid).all(db).await
}

/// Sets the time from which a key signs.
pub async fn activate(txn: &impl ConnectionTrait, kid: &str, now: DateTimeUtc) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::ActiveFrom, Expr::value(now))
        .filter(Column::Kid.eq(kid))
        .exec(txn)
        .await
        .map(drop)
}

/// Retires a key permanently: its private key is deleted.
pub async fn retire(txn: &impl ConnectionTrait, kid: &str, now: DateTimeUtc) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::RetiredAt, Expr::value(now))
        .col_expr(Column::PrivateKey, Expr::value(Vec::<u8>::new()))
        .filter(Column::Kid.eq(kid))
        .exec(txn)
        .await
        .map(drop)
}

/// Returns whether a key with this identifier exists and is not retired.
pub async fn is_usable(db: &impl ConnectionTrait, kid: &str, now: DateTimeUtc) -> Result<bool, DbErr> {
    let found = Entity::find_by_id(kid.to_owned()).one(db).await?;
    Ok(found.is_some_and(|key| key.retired_at.is_none_or(|retired_at| retired_at > now)))
}

/// Stores a re-encrypted key, unless the key was retired meanwhile.
pub async fn reseal(db: &impl ConnectionTrait, kid: &str, private_key: Vec<u8>) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::PrivateKey, Expr::value(private_key))
        .filter(Column::Kid.eq(kid))
        .filter(Column::RetiredAt.is_null())
        .exec(db)
        .await
        .map(drop)
}
