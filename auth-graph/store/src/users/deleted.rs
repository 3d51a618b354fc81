//! Deleted users who can be restored. Nothing else finds them.

use sea_orm::entity::prelude::*;
use sea_orm::{QueryOrder, QuerySelect, Select};

use super::{Column, Entity, Model};
use crate::unique;
use crate::window::{Direction, Window};
use model::values::Email;

/// Returns one page of the deleted users who can be restored.
pub async fn deleted_page(db: &impl ConnectionTrait, window: Window) -> Result<Vec<Model>, DbErr> {
    let Window { after, before, direction, limit } = window;
    let mut query = restorable().limit(limit);
    if let Some(id) = after {
        query = query.filter(Column::Id.gt(id));
    }
    if let Some(id) = before {
        query = query.filter(Column::Id.lt(id));
    }
    let query = match direction {
        Direction::Forward => query.order_by_asc(Column::Id),
        Direction::Backward => query.order_by_desc(Column::Id),
    };
    let mut found = query.all(db).await?;
    found.sort_unstable_by_key(|user| user.id);
    Ok(found)
}

/// Returns the deleted user with this address, who can be restored.
pub async fn find_deleted_by_email(db: &impl ConnectionTrait, email: &Email) -> Result<Option<Model>, DbErr> {
    unique(restorable().filter(Column::Email.eq(email.clone())), db).await
}

fn restorable() -> Select<Entity> {
    Entity::find().filter(Column::DeletedAt.is_not_null()).filter(Column::ErasedAt.is_null())
}
