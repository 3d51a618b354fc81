//! The rows of users who were deleted at auth-graph.

use super::row::Row;

/// Policy for the row of a deleted user. With each policy [`Mirror::user`](super::Mirror::user) no longer returns the
/// user, and a row with the id and the version remains: it prevents older changes from restoring the user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Deletion {
    /// Marks the row as deleted and keeps the personal data, for services that must be able to name the person later.
    /// Such a service must erase the data itself in time.
    Tombstone,
    /// Marks the row as deleted and erases the personal data. Rows that refer to it remain.
    #[default]
    Anonymise,
    /// Deletes the row, and with it the rows that refer to it by a foreign key with `ON DELETE CASCADE`. An empty row
    /// takes its place. A foreign key that forbids the deletion stops the mirror from following the feed until the
    /// referring row is deleted.
    Cascade,
}

impl Deletion {
    /// Returns the row of a deleted user, given the row before.
    pub(super) fn apply(self, known: &Row, tombstone: Row) -> Row {
        if self != Self::Tombstone {
            return tombstone;
        }
        let mut row = known.clone();
        row.deleted_at = tombstone.deleted_at;
        row.user.is_active = false;
        row.user.version = tombstone.user.version;
        row.user.updated_at = tombstone.user.updated_at;
        row.user.mirrored_at = tombstone.user.mirrored_at;
        row
    }
}
