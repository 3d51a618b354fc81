//! One-time tokens, which the links in mails contain. Only their hashes are stored, and using a token deletes its row.

use sea_orm::Condition;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Expr, ExprTrait};

use super::purge::in_batches;
use model::values::{Email, UserId};

/// An unused token.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "one_time_tokens")]
pub struct Model {
    /// SHA-256 of the token.
    #[sea_orm(primary_key, auto_increment = false)]
    pub hash: String,
    /// Purpose of the token.
    pub purpose: Purpose,
    /// User that the token is for; `None` for a user who does not exist yet.
    pub user_id: Option<UserId>,
    /// Address that the token was sent to.
    pub email: Email,
    /// Data that is applied when the token is used, if it is stored nowhere else.
    pub payload: Option<Json>,
    /// Time of creation (UTC).
    pub created_at: DateTimeUtc,
    /// Time of expiry (UTC).
    pub expires_at: DateTimeUtc,
}

/// Purpose of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum Purpose {
    /// Creates the account of a registration.
    #[sea_orm(string_value = "confirm_registration")]
    ConfirmRegistration,
    /// Verifies the address of a user.
    #[sea_orm(string_value = "verify_email")]
    VerifyEmail,
    /// Changes the address of a user.
    #[sea_orm(string_value = "change_email")]
    ChangeEmail,
    /// Sets a new password.
    #[sea_orm(string_value = "reset_password")]
    ResetPassword,
    /// Lets an invited person register.
    #[sea_orm(string_value = "invitation")]
    Invitation,
}

/// The table has no relations that this package follows.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Returns the token with this hash, if it is for one of these purposes and has not expired.
pub async fn find(
    db: &impl ConnectionTrait,
    hash: &str,
    purposes: &[Purpose],
    now: DateTimeUtc,
) -> Result<Option<Model>, DbErr> {
    Entity::find_by_id(hash.to_owned())
        .filter(Column::Purpose.is_in(purposes.iter().copied()))
        .filter(Column::ExpiresAt.gt(now))
        .one(db)
        .await
}

/// Uses a token up, and returns whether it existed. Of several concurrent calls, one returns true.
pub async fn consume(txn: &impl ConnectionTrait, hash: &str, now: DateTimeUtc) -> Result<bool, DbErr> {
    let deleted =
        Entity::delete_many().filter(Column::Hash.eq(hash)).filter(Column::ExpiresAt.gt(now)).exec(txn).await?;
    Ok(deleted.rows_affected == 1)
}

/// Adds a token.
pub async fn insert(db: &impl ConnectionTrait, token: Model) -> Result<(), DbErr> {
    let row = ActiveModel::from(token).reset_all();
    Entity::insert(row).exec_without_returning(db).await.map(drop)
}

/// Deletes every token of a user.
pub async fn delete_of(txn: &impl ConnectionTrait, user: UserId) -> Result<(), DbErr> {
    Entity::delete_many().filter(Column::UserId.eq(user)).exec(txn).await.map(drop)
}

/// Deletes every token.
pub async fn delete_all(txn: &impl ConnectionTrait) -> Result<(), DbErr> {
    Entity::delete_many().exec(txn).await.map(drop)
}

/// Deletes the expired tokens.
pub async fn purge(db: &impl ConnectionTrait, now: DateTimeUtc) -> Result<u64, DbErr> {
    let expired = Expr::col(Column::ExpiresAt).lte(now);
    in_batches::<Entity>(db, Column::Hash, Condition::all().add(expired)).await
}
