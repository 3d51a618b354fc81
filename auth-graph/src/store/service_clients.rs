//! Service clients: programs that sign in with a secret of their own. Only the table is here so far; signing them in
//! comes with the standard OAuth endpoints.

use sea_orm::entity::prelude::*;

use crate::values::{ClientId, Scopes};

/// One service client.
#[derive(Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "service_clients")]
pub struct Model {
    /// Names it; the claim `client_id`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ClientId,
    /// What people call it, unique.
    #[sea_orm(unique)]
    pub name: String,
    /// The hash of its secret.
    pub secret_hash: String,
    /// What it may ask for.
    pub scopes: Scopes,
    /// For which audiences.
    pub audiences: Json,
    /// When it was made.
    pub created_at: DateTimeUtc,
    /// From when on it can not sign in.
    pub disabled_at: Option<DateTimeUtc>,
}

impl std::fmt::Debug for Model {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("ServiceClient").field("id", &self.id).field("name", &self.name).finish_non_exhaustive()
    }
}

/// There are none that this crate follows.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
