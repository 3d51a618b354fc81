//! The columns of the mirror's table. Its name is configured.

use sea_orm::entity::prelude::*;

use super::row::Row;
use super::user::MirroredUser;
use crate::error::Error;
use crate::ids::UserId;

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

impl From<&Row> for Model {
    fn from(Row { user, deleted_at }: &Row) -> Self {
        Self {
            id: user.id.0,
            email: user.email.clone(),
            first_name: user.first_name.clone(),
            last_name: user.last_name.clone(),
            phone_number: user.phone_number.clone(),
            is_active: user.is_active,
            is_staff: user.is_staff,
            is_superuser: user.is_superuser,
            email_verified: user.email_verified,
            roles: user.roles.clone().into(),
            scopes: user.scopes.clone().into(),
            metadata: user.metadata.clone(),
            date_joined: user.date_joined,
            updated_at: user.updated_at,
            version: user.version,
            deleted_at: *deleted_at,
            mirrored_at: user.mirrored_at,
        }
    }
}

impl TryFrom<Model> for Row {
    type Error = Error;

    fn try_from(row: Model) -> Result<Self, Error> {
        let texts = |json| serde_json::from_value(json).map_err(Error::internal);
        let user = MirroredUser {
            id: UserId(row.id),
            email: row.email,
            first_name: row.first_name,
            last_name: row.last_name,
            phone_number: row.phone_number,
            is_active: row.is_active,
            is_staff: row.is_staff,
            is_superuser: row.is_superuser,
            email_verified: row.email_verified,
            roles: texts(row.roles)?,
            scopes: texts(row.scopes)?,
            metadata: row.metadata,
            date_joined: row.date_joined,
            updated_at: row.updated_at,
            version: row.version,
            mirrored_at: row.mirrored_at,
        };
        Ok(Self { user, deleted_at: row.deleted_at })
    }
}
