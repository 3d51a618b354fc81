//! What was found after the faults: the rows of the databases, the logs, and the tokens that were tried once more.

use std::collections::BTreeMap;

use serde_json::Value;

/// Everything that was found at the end of a run.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    /// The users, as auth-graph's feed shows them.
    pub users: Vec<UserRow>,
    /// The rows of the mirror of each client service.
    pub mirrors: Vec<Vec<UserRow>>,
    /// The outbox, in the order of the positions.
    pub changes: Vec<ChangeRow>,
    /// The audit log.
    pub audit: Vec<AuditRow>,
    /// Secrets and panics in the logs.
    pub remarks: Vec<Remark>,
    /// Access tokens of ended sessions that were still accepted: the session, and where.
    pub still_accepted: Vec<(usize, String)>,
    /// Processes that had ended or were not ready again in time.
    pub unready: Vec<String>,
}

/// A user at auth-graph, or in a mirror.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UserRow {
    /// The identifier.
    pub id: String,
    /// The number of changes.
    pub version: i64,
    /// The time of the deletion.
    pub deleted_at: Option<String>,
    /// All other fields by the name of the column; none for a deleted user, of whom a mirror may keep some.
    pub fields: BTreeMap<String, Value>,
}

/// A row of the outbox.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChangeRow {
    /// The position.
    pub position: i64,
    /// The kind of the change.
    pub kind: String,
    /// The user, for a change of a user.
    pub user: Option<String>,
    /// The version of the user after the change.
    pub version: i64,
}

/// An event of the audit log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditRow {
    /// The action.
    pub action: String,
    /// The identifier of the target.
    pub target: String,
    /// The reason.
    pub reason: Option<String>,
}

/// Something in a log that must not be there. The text of the log is not repeated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// The file.
    pub file: String,
    /// The number of the line.
    pub line: usize,
    /// What was found.
    pub what: String,
}
