//! What a service does in its own tables when a user changes, in the transaction that changes the user's row.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use sea_orm::DatabaseTransaction;

use super::MirroredUser;
use crate::error::Error;
use crate::ids::UserId;

/// What happened to a user of the mirror.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct MirrorChange {
    /// Whose row it is.
    pub id: UserId,
    /// The user as this service knew them; absent when it did not, or knew them as deleted.
    pub before: Option<MirroredUser>,
    /// The user from now on; absent when they were deleted.
    pub after: Option<MirroredUser>,
}

/// Whose change the hook could not follow. It goes to the log with the hook's own error.
#[derive(Debug)]
struct Unfollowed {
    id: UserId,
    error: Error,
}

/// What a hook returns.
pub type HookFuture<'a> = Pin<Box<dyn Future<Output = Result<(), Error>> + Send + 'a>>;

pub(super) type Hook = Arc<dyn for<'a> Fn(&'a MirrorChange, &'a DatabaseTransaction) -> HookFuture<'a> + Send + Sync>;

/// The error of the hook, which says whose change it was.
pub(super) fn unfollowed(id: UserId, error: Error) -> Error {
    error.clone().with_source(Unfollowed { id, error })
}

impl fmt::Display for Unfollowed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "on_user failed for the user {}: {}", self.id, self.error)
    }
}

impl std::error::Error for Unfollowed {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}
