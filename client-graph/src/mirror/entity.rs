//! The table `mirrored_users`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "mirrored_users")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub email: String,
    pub first_name: String,
    pub last_name: String,
    pub phone_number: Option<String>,
    pub is_active: bool,
    pub is_staff: bool,
    pub is_superuser: bool,
    pub email_verified: bool,
    #[sea_orm(column_type = "JsonBinary")]
    pub roles: Json,
    #[sea_orm(column_type = "JsonBinary")]
    pub scopes: Json,
    #[sea_orm(column_type = "JsonBinary")]
    pub metadata: Json,
    pub date_joined: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    pub version: i64,
    pub deleted_at: Option<DateTimeUtc>,
    pub mirrored_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// All columns but the key.
pub(super) const CHANGING: [Column; 16] = [
    Column::Email,
    Column::FirstName,
    Column::LastName,
    Column::PhoneNumber,
    Column::IsActive,
    Column::IsStaff,
    Column::IsSuperuser,
    Column::EmailVerified,
    Column::Roles,
    Column::Scopes,
    Column::Metadata,
    Column::DateJoined,
    Column::UpdatedAt,
    Column::Version,
    Column::DeletedAt,
    Column::MirroredAt,
];
