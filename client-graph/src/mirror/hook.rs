//! The hook of a service on changes of users, which runs in the transaction that changes the user's row.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use sea_orm::DatabaseTransaction;

use super::user::MirroredUser;
use crate::error::Error;
use crate::ids::UserId;

/// A change to a user of the mirror.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct MirrorChange {
    /// Identifier of the user.
    pub id: UserId,
    /// The user before the change; absent when the user was unknown or deleted.
    pub before: Option<MirroredUser>,
    /// The user after the change; absent when the user is deleted.
    pub after: Option<MirroredUser>,
}

/// The failure of a hook, with the user whose change it rejected. It is logged with the hook's own error.
#[derive(Debug)]
struct HookFailure {
    id: UserId,
    error: Error,
}

/// The future that a hook returns.
pub type HookFuture<'a> = Pin<Box<dyn Future<Output = Result<(), Error>> + Send + 'a>>;

pub(super) type Hook = Arc<dyn for<'a> Fn(&'a MirrorChange, &'a DatabaseTransaction) -> HookFuture<'a> + Send + Sync>;

/// Adds the user to the error of a hook.
pub(super) fn hook_failed(id: UserId, error: Error) -> Error {
    error.clone().with_source(HookFailure { id, error })
}

impl fmt::Display for HookFailure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "on_user failed for the user {}: {}", self.id, self.error)
    }
}

impl std::error::Error for HookFailure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}
