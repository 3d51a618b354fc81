//! Mails that wait to be sent. A mail is written in the transaction of its change, and deleted when it has been sent.
//!
//! No row contains a one-time token, because tokens are generated when a mail is sent. The engine decides the content.

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::Expr;
use sea_orm::{Condition, QueryOrder, QuerySelect};

use super::purge::in_batches;
use super::unique;
use model::values::{Email, Locale, MailId, UserId};

/// A mail that waits to be sent or was given up.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "mails")]
pub struct Model {
    /// Identifier. Mails are sent in this order.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: MailId,
    /// Recipient.
    pub email: Email,
    /// User that the link in the mail is for, if it is known before the mail is sent.
    pub user_id: Option<UserId>,
    /// Language; `None` for the language of the user with this address, or the configured one.
    pub locale: Option<Locale>,
    /// Content, from which the mail is composed when it is sent.
    pub letter: Json,
    /// Number of attempts.
    pub attempts: i32,
    /// Time of the next attempt (UTC).
    pub due_at: DateTimeUtc,
    /// Time of the request (UTC).
    pub created_at: DateTimeUtc,
    /// Time at which the mail was given up (UTC).
    pub failed_at: Option<DateTimeUtc>,
}

/// The table has no relations.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Adds a mail.
pub async fn insert(db: &impl ConnectionTrait, mail: Model) -> Result<(), DbErr> {
    let row = ActiveModel::from(mail).reset_all();
    Entity::insert(row).exec_without_returning(db).await.map(drop)
}

/// Returns the mails that are due, the oldest first.
pub async fn due(db: &impl ConnectionTrait, now: DateTimeUtc, limit: u64) -> Result<Vec<Model>, DbErr> {
    Entity::find()
        .filter(Column::FailedAt.is_null())
        .filter(Column::DueAt.lte(now))
        .order_by_asc(Column::Id)
        .limit(limit)
        .all(db)
        .await
}

/// Claims a mail for sending, so that no other task gets it before `until`. Returns whether the claim succeeded.
pub async fn claim(db: &impl ConnectionTrait, mail: &Model, until: DateTimeUtc) -> Result<bool, DbErr> {
    let updated = Entity::update_many()
        .col_expr(Column::Attempts, Expr::value(mail.attempts + 1))
        .col_expr(Column::DueAt, Expr::value(until))
        .filter(Column::Id.eq(mail.id))
        .filter(Column::Attempts.eq(mail.attempts))
        .filter(Column::FailedAt.is_null())
        .exec(db)
        .await?;
    Ok(updated.rows_affected == 1)
}

/// Tries a mail again later.
pub async fn postpone(db: &impl ConnectionTrait, id: MailId, due_at: DateTimeUtc) -> Result<(), DbErr> {
    let postponed = Entity::update_many().col_expr(Column::DueAt, Expr::value(due_at));
    postponed.filter(Column::Id.eq(id)).exec(db).await.map(drop)
}

/// Gives a mail up. The row is kept for inspection.
pub async fn give_up(db: &impl ConnectionTrait, id: MailId, now: DateTimeUtc) -> Result<(), DbErr> {
    let failed = Entity::update_many().col_expr(Column::FailedAt, Expr::value(now));
    failed.filter(Column::Id.eq(id)).exec(db).await.map(drop)
}

/// Deletes a mail that was sent.
pub async fn delete(db: &impl ConnectionTrait, id: MailId) -> Result<(), DbErr> {
    Entity::delete_by_id(id).exec(db).await.map(drop)
}

/// Deletes the waiting mails to this address.
pub async fn delete_to(txn: &impl ConnectionTrait, email: &Email) -> Result<(), DbErr> {
    Entity::delete_many().filter(Column::Email.eq(email.clone())).exec(txn).await.map(drop)
}

/// Deletes the waiting mails to this address with this content. It waits for a mail that is being sent.
pub async fn delete_letter(txn: &impl ConnectionTrait, email: &Email, letter: Json) -> Result<(), DbErr> {
    let to_them = Entity::delete_many().filter(Column::Email.eq(email.clone()));
    to_them.filter(Column::Letter.eq(letter)).exec(txn).await.map(drop)
}

/// Deletes the mails with a link for this user. It waits for a mail that is being sent.
pub async fn delete_of(txn: &impl ConnectionTrait, user: UserId) -> Result<(), DbErr> {
    Entity::delete_many().filter(Column::UserId.eq(user)).exec(txn).await.map(drop)
}

/// Returns whether a mail still waits to be sent, and locks it until the transaction ends.
pub async fn still_waits(txn: &impl ConnectionTrait, id: MailId) -> Result<bool, DbErr> {
    Ok(unique(Entity::find_by_id(id).lock_exclusive(), txn).await?.is_some())
}

/// Deletes the mails that were given up before this time.
pub async fn purge(db: &impl ConnectionTrait, before: DateTimeUtc) -> Result<u64, DbErr> {
    in_batches::<Entity>(db, Column::Id, Condition::all().add(Column::FailedAt.lt(before))).await
}
