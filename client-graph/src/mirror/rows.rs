//! What auth-graph says of a user, as a row.

use chrono::{DateTime, SubsecRound, Utc};
use serde_json::json;
use uuid::Uuid;

use super::entity::Model;
use crate::feed::UserSnapshot;
use crate::operations::User;

/// The row of a user.
pub(super) fn of_user(user: &User, now: DateTime<Utc>) -> Model {
    Model {
        id: user.id.0,
        email: user.email.clone(),
        first_name: user.first_name.clone(),
        last_name: user.last_name.clone(),
        phone_number: user.phone_number.clone(),
        is_active: user.is_active,
        is_staff: user.is_staff,
        is_superuser: user.is_superuser,
        email_verified: user.email_verified,
        roles: json!(user.roles),
        scopes: json!(user.scopes),
        metadata: user.metadata.clone(),
        date_joined: user.date_joined.trunc_subsecs(6),
        updated_at: user.updated_at.trunc_subsecs(6),
        version: user.version,
        deleted_at: None,
        mirrored_at: now,
    }
}

/// The row of a user as the feed shows them. What this service may not see is empty.
pub(crate) fn of_snapshot(user: UserSnapshot, now: DateTime<Utc>) -> Model {
    if let Some(deleted_at) = user.deleted_at {
        return Model {
            deleted_at: Some(deleted_at.trunc_subsecs(6)),
            updated_at: user.updated_at.trunc_subsecs(6),
            ..of_deleted(user.id, user.version, now)
        };
    }
    Model {
        id: user.id,
        email: user.email.unwrap_or_default(),
        first_name: user.first_name.unwrap_or_default(),
        last_name: user.last_name.unwrap_or_default(),
        phone_number: user.phone_number,
        is_active: user.is_active,
        is_staff: user.is_staff.unwrap_or_default(),
        is_superuser: user.is_superuser.unwrap_or_default(),
        email_verified: user.email_verified.unwrap_or_default(),
        roles: json!(user.roles.unwrap_or_default()),
        scopes: json!(user.scopes.unwrap_or_default()),
        metadata: user.metadata.unwrap_or_else(|| json!({})),
        date_joined: user.date_joined.unwrap_or(user.updated_at).trunc_subsecs(6),
        updated_at: user.updated_at.trunc_subsecs(6),
        version: user.version,
        deleted_at: None,
        mirrored_at: now,
    }
}

/// The row of a user who was deleted: nothing personal is left.
pub(super) fn of_deleted(id: Uuid, version: i64, now: DateTime<Utc>) -> Model {
    Model {
        id,
        email: String::new(),
        first_name: String::new(),
        last_name: String::new(),
        phone_number: None,
        is_active: false,
        is_staff: false,
        is_superuser: false,
        email_verified: false,
        roles: json!([]),
        scopes: json!([]),
        metadata: json!({}),
        date_joined: now,
        updated_at: now,
        version,
        deleted_at: Some(now),
        mirrored_at: now,
    }
}
