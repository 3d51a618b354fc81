//! What becomes of the row of a user who was deleted at auth-graph.

use super::row::Row;

/// What a service does with its row of a user who was deleted. Whatever it chooses, the user is gone for
/// [`Mirror::user`](super::Mirror::user), and a row with the id and the version stays: it keeps older news from
/// bringing the user back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Deletion {
    /// The row is marked as deleted and keeps what was known of the person, for services that must be able to say who
    /// it was. They have to erase it in time by themselves.
    Tombstone,
    /// The row is marked as deleted and nothing personal stays in it. What refers to it stays as well.
    #[default]
    Anonymise,
    /// The row is deleted, and with it what refers to it by a foreign key with `ON DELETE CASCADE`; an empty row takes
    /// its place. A foreign key that forbids the deletion keeps the mirror from following the feed until it is gone.
    Cascade,
}

impl Deletion {
    /// The row of a deleted user, where there was one before.
    pub(super) fn bury(self, known: &Row, tombstone: Row) -> Row {
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
