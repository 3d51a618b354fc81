//! Revoked access tokens of service clients. The tokens of users end with their session, in `sessions`. A row is needed
//! until its token expires.

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::OnConflict;
use sea_orm::{Condition, Set};

use super::purge::in_batches;
use model::values::TokenId;

/// A revoked token.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "revoked_tokens")]
pub struct Model {
    /// Identifier of the token; the claim `jti`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: TokenId,
    /// Time of the revocation (UTC).
    pub revoked_at: DateTimeUtc,
}

/// The table has no relations.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Adds a token unless it exists, and returns whether it was added.
pub async fn insert(txn: &impl ConnectionTrait, id: TokenId, now: DateTimeUtc) -> Result<bool, DbErr> {
    let row = ActiveModel { id: Set(id), revoked_at: Set(now) };
    let on_conflict = OnConflict::column(Column::Id).do_nothing().to_owned();
    Ok(Entity::insert(row).on_conflict(on_conflict).exec_without_returning(txn).await? == 1)
}

/// Returns whether the token was revoked.
pub async fn contains(db: &impl ConnectionTrait, id: TokenId) -> Result<bool, DbErr> {
    Ok(Entity::find_by_id(id).one(db).await?.is_some())
}

/// Returns the tokens that were revoked after this time, with the time of each.
pub async fn revoked_since(
    db: &impl ConnectionTrait,
    since: DateTimeUtc,
) -> Result<Vec<(TokenId, DateTimeUtc)>, DbErr> {
    let found = Entity::find().filter(Column::RevokedAt.gt(since)).all(db).await?;
    Ok(found.into_iter().map(|token| (token.id, token.revoked_at)).collect())
}

/// Deletes the tokens that were revoked before this time.
pub async fn purge(db: &impl ConnectionTrait, before: DateTimeUtc) -> Result<u64, DbErr> {
    in_batches::<Entity>(db, Column::Id, Condition::all().add(Column::RevokedAt.lte(before))).await
}
