//! Clients: the programs that tokens are issued to. Their names are one namespace.
//!
//! Two clients are built in and known by their names: the one that people sign in with, and the one of impersonations.
//! The others are service clients, which authenticate with their own secret. A disabled client keeps its row and name.

use sea_orm::entity::prelude::*;
use sea_orm::{QueryOrder, QuerySelect, Select};

use super::unique;
use model::values::{ClientId, Projection, Scopes};

/// Name of the built-in client that people sign in with. It is the claim `client_id` of its tokens.
pub const FIRST_PARTY: &str = "first-party";

/// Name of the built-in client of impersonations. It is the claim `client_id` of its tokens.
pub const IMPERSONATION: &str = "impersonation";

/// A client.
#[derive(Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "clients")]
pub struct Model {
    /// Identifier. It is the claim `client_id` of the tokens of a service client.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ClientId,
    /// Kind of the client.
    pub kind: Kind,
    /// Name, unique.
    #[sea_orm(unique)]
    pub name: String,
    /// Hash of its secret; none for a built-in client.
    pub secret_hash: Option<String>,
    /// Scopes that the client may ask for.
    pub scopes: Scopes,
    /// For which audiences.
    pub audiences: Json,
    /// Time of creation (UTC).
    pub created_at: DateTimeUtc,
    /// Time from which the client cannot authenticate (UTC).
    pub disabled_at: Option<DateTimeUtc>,
    /// Users and fields that the client may read; none for everything.
    pub projection: Option<Projection>,
    /// Number of changes of the projection.
    pub projection_generation: i64,
}

/// Kind of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum Kind {
    /// Built in, for auth-graph's own sign-ins.
    #[sea_orm(string_value = "built_in")]
    BuiltIn,
    /// A service client.
    #[sea_orm(string_value = "service")]
    Service,
}

impl std::fmt::Debug for Model {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Client").field("id", &self.id).field("name", &self.name).finish_non_exhaustive()
    }
}

/// The table has no relations that this package follows.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// Returns whether the client may authenticate.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.disabled_at.is_none()
    }

    /// Returns the audiences that it may ask for, in the order in which they were given.
    #[must_use]
    pub fn audiences(&self) -> Vec<String> {
        self.audiences.as_array().into_iter().flatten().filter_map(|one| one.as_str().map(str::to_owned)).collect()
    }
}

fn services() -> Select<Entity> {
    Entity::find().filter(Column::Kind.eq(Kind::Service))
}

/// Returns the service client with this identifier, disabled or not.
pub async fn find(db: &impl ConnectionTrait, id: ClientId) -> Result<Option<Model>, DbErr> {
    unique(services().filter(Column::Id.eq(id)), db).await
}

/// Returns the service client with this identifier, locked until the transaction ends, so that granting and disabling
/// take turns.
pub async fn find_locked(txn: &impl ConnectionTrait, id: ClientId) -> Result<Option<Model>, DbErr> {
    unique(services().filter(Column::Id.eq(id)).lock_exclusive(), txn).await
}

/// Returns every service client, disabled ones among them, the oldest first.
pub async fn all(db: &impl ConnectionTrait) -> Result<Vec<Model>, DbErr> {
    services().order_by_asc(Column::Id).all(db).await
}

/// Adds a client.
///
/// # Errors
/// When the database fails, or the name is taken.
pub async fn insert(db: &impl ConnectionTrait, client: &Model) -> Result<(), DbErr> {
    let row = ActiveModel::from(client.clone()).reset_all();
    Entity::insert(row).exec_without_returning(db).await.map(drop)
}

/// Replaces the hash of the secret.
pub async fn set_secret_hash(txn: &impl ConnectionTrait, id: ClientId, hash: &str) -> Result<(), DbErr> {
    let query = Entity::update_many().col_expr(Column::SecretHash, Expr::value(hash)).filter(Column::Id.eq(id));
    query.exec(txn).await.map(drop)
}

/// Changes what a client is shown of users.
pub async fn set_projection(txn: &impl ConnectionTrait, client: &Model) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::Projection, Expr::value(client.projection.clone()))
        .col_expr(Column::ProjectionGeneration, Expr::value(client.projection_generation))
        .filter(Column::Id.eq(client.id))
        .exec(txn)
        .await
        .map(drop)
}

/// Disables a client.
pub async fn disable(txn: &impl ConnectionTrait, id: ClientId, now: DateTimeUtc) -> Result<(), DbErr> {
    let query = Entity::update_many().col_expr(Column::DisabledAt, Expr::value(now)).filter(Column::Id.eq(id));
    query.exec(txn).await.map(drop)
}

/// Returns the service clients that were disabled after this time, and when each was.
pub async fn disabled_since(
    db: &impl ConnectionTrait,
    since: DateTimeUtc,
) -> Result<Vec<(ClientId, DateTimeUtc)>, DbErr> {
    services()
        .select_only()
        .columns([Column::Id, Column::DisabledAt])
        .filter(Column::DisabledAt.gt(since))
        .into_tuple()
        .all(db)
        .await
}
