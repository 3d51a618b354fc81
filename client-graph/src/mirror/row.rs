//! A user of auth-graph as a row of the mirror.

use chrono::{DateTime, SubsecRound, Utc};
use serde_json::json;
use uuid::Uuid;

use super::user::MirroredUser;
use crate::ids::UserId;
use crate::operations::{User, UserSnapshot};

/// A user, or the empty row of a deleted one.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    pub(super) user: MirroredUser,
    pub(super) deleted_at: Option<DateTime<Utc>>,
}

impl Row {
    pub(super) fn of_user(user: &User, now: DateTime<Utc>) -> Self {
        let user = MirroredUser {
            id: user.id,
            email: user.email.clone(),
            first_name: user.first_name.clone(),
            last_name: user.last_name.clone(),
            phone_number: user.phone_number.clone(),
            is_active: user.is_active,
            is_staff: user.is_staff,
            is_superuser: user.is_superuser,
            email_verified: user.email_verified,
            roles: user.roles.clone(),
            scopes: user.scopes.clone(),
            metadata: user.metadata.clone(),
            date_joined: user.date_joined.trunc_subsecs(6),
            updated_at: user.updated_at.trunc_subsecs(6),
            version: user.version,
            mirrored_at: now,
        };
        Self { user, deleted_at: None }
    }

    /// Returns the row of a snapshot. Fields that this service may not see are empty.
    pub(crate) fn of_snapshot(snapshot: UserSnapshot, now: DateTime<Utc>) -> Self {
        let updated_at = snapshot.updated_at.trunc_subsecs(6);
        if let Some(deleted_at) = snapshot.deleted_at {
            let mut row = Self::of_deleted(snapshot.id, snapshot.version, now);
            row.user.updated_at = updated_at;
            return Self { deleted_at: Some(deleted_at.trunc_subsecs(6)), ..row };
        }
        let user = MirroredUser {
            id: UserId(snapshot.id),
            email: snapshot.email.unwrap_or_default(),
            first_name: snapshot.first_name.unwrap_or_default(),
            last_name: snapshot.last_name.unwrap_or_default(),
            phone_number: snapshot.phone_number,
            is_active: snapshot.is_active,
            is_staff: snapshot.is_staff.unwrap_or_default(),
            is_superuser: snapshot.is_superuser.unwrap_or_default(),
            email_verified: snapshot.email_verified.unwrap_or_default(),
            roles: snapshot.roles.unwrap_or_default(),
            scopes: snapshot.scopes.unwrap_or_default(),
            metadata: snapshot.metadata.unwrap_or_else(|| json!({})),
            date_joined: snapshot.date_joined.unwrap_or(snapshot.updated_at).trunc_subsecs(6),
            updated_at,
            version: snapshot.version,
            mirrored_at: now,
        };
        Self { user, deleted_at: None }
    }

    /// Returns the row of a deleted user, without personal data.
    pub(super) fn of_deleted(id: Uuid, version: i64, now: DateTime<Utc>) -> Self {
        let user = MirroredUser {
            id: UserId(id),
            email: String::new(),
            first_name: String::new(),
            last_name: String::new(),
            phone_number: None,
            is_active: false,
            is_staff: false,
            is_superuser: false,
            email_verified: false,
            roles: Vec::new(),
            scopes: Vec::new(),
            metadata: json!({}),
            date_joined: now,
            updated_at: now,
            version,
            mirrored_at: now,
        };
        Self { user, deleted_at: Some(now) }
    }

    /// Returns the row of a user who is missing among all users. The deletion is only inferred, so its version is below
    /// that of the known row: anything that auth-graph sends about the user overwrites it.
    pub(super) fn of_missing(&self, now: DateTime<Utc>) -> Self {
        Self::of_deleted(self.user.id.0, self.user.version - 1, now)
    }

    pub(super) fn id(&self) -> Uuid {
        self.user.id.0
    }

    /// Returns the user, unless deleted.
    pub(super) fn present(self) -> Option<MirroredUser> {
        self.deleted_at.is_none().then_some(self.user)
    }
}

/// Returns the newest row of each user, in the order of the ids. The order prevents parallel writers from waiting for
/// each other in a circle.
pub(super) fn newest(mut rows: Vec<Row>) -> Vec<Row> {
    rows.sort_by_key(|row| (row.id(), std::cmp::Reverse(row.user.version)));
    rows.dedup_by_key(|row| row.id());
    rows
}
