//! Login events: who signed in or tried to, from where, and what the answer was. An e-mail address that belongs to
//! nobody is not kept.

use sea_orm::Set;
use sea_orm::entity::prelude::*;

use crate::values::{SessionId, TokenId, UserId};

/// One event.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "login_events")]
pub struct Model {
    /// Names the event.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: TokenId,
    /// When.
    pub occurred_at: DateTimeUtc,
    /// What was asked for.
    pub kind: Kind,
    /// The code of the refusal; none: it was granted.
    pub code: Option<String>,
    /// Who, where that is known.
    pub user_id: Option<UserId>,
    /// The session that it began or ended.
    pub session_id: Option<SessionId>,
    /// With which client.
    pub client_id: Option<String>,
    /// From where.
    pub ip_address: Option<String>,
    /// What the device says it is.
    pub user_agent: Option<String>,
}

/// What was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum Kind {
    /// A sign-in with a password.
    #[sea_orm(string_value = "login")]
    Login,
    /// An outdated refresh token was presented.
    #[sea_orm(string_value = "refresh_reused")]
    RefreshReused,
}

/// There are none that this crate follows.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Adds an event.
///
/// # Errors
/// When the database fails.
pub async fn insert(db: &impl ConnectionTrait, event: Model) -> Result<(), DbErr> {
    let row = ActiveModel {
        id: Set(event.id),
        occurred_at: Set(event.occurred_at),
        kind: Set(event.kind),
        code: Set(event.code),
        user_id: Set(event.user_id),
        session_id: Set(event.session_id),
        client_id: Set(event.client_id),
        ip_address: Set(event.ip_address),
        user_agent: Set(event.user_agent),
    };
    Entity::insert(row).exec_without_returning(db).await.map(drop)
}
