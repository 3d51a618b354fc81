//! The operations of the feed, and the types of their answers.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::error::Error;
use crate::ids::SessionId;
use crate::operations::{Answer, MAX_ANSWER, Remote, UserSnapshot};

pub(super) const FOLLOW: &str = include_str!("../../schema/operations/follow_user_changes.graphql");
const CHANGES: &str = include_str!("../../schema/operations/user_changes.graphql");
const SNAPSHOTS: &str = include_str!("../../schema/operations/user_snapshots.graphql");
const REVOCATIONS: &str = include_str!("../../schema/operations/revocations.graphql");

/// Size of a page. A page of the largest users must fit into an answer.
const PAGE: u8 = 200;
/// Greatest length of a user or a change: 16 KiB of metadata, and 4 KiB for the rest.
const LARGEST: usize = (16 + 4) * 1024;
const _: () = assert!(PAGE as usize * LARGEST <= MAX_ANSWER);

/// An event at auth-graph.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Change {
    pub(super) cursor: String,
    pub(super) kind: Kind,
    pub(super) recorded_at: DateTime<Utc>,
    pub(super) user: Option<UserSnapshot>,
    pub(super) revocation: Option<Revocation>,
}

/// The kind of a change, as far as it matters here: the others differ in the fields that they carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum Kind {
    /// A marker: every change up to here has been sent.
    Current,
    /// The signing keys have changed.
    KeysChanged,
    #[serde(other)]
    Recorded,
}

/// A session, or a single token, that ended before its time.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Revocation {
    pub(super) session_id: Option<SessionId>,
    pub(super) token_id: Option<String>,
    pub(super) until: DateTime<Utc>,
}

/// A page of a list.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Page<T> {
    pub(super) nodes: Vec<T>,
    page_info: PageInfo,
    /// Position of the feed before the page was read.
    #[serde(default)]
    pub(super) feed_cursor: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageInfo {
    has_next_page: bool,
    end_cursor: Option<String>,
}

impl<T> Page<T> {
    /// Returns the cursor of the next page, when there is one.
    pub(super) fn next(&self) -> Option<String> {
        self.page_info.end_cursor.clone().filter(|_| self.page_info.has_next_page)
    }
}

impl Remote {
    pub(super) async fn user_changes(&self, after: Option<&str>) -> Result<Page<Change>, Error> {
        let answer: Answer<_> = self.ask(CHANGES, "UserChanges", page_after(after)).await?;
        Ok(answer.field)
    }

    pub(super) async fn user_snapshots(&self, after: Option<&str>) -> Result<Page<UserSnapshot>, Error> {
        let answer: Answer<_> = self.ask(SNAPSHOTS, "UserSnapshots", page_after(after)).await?;
        Ok(answer.field)
    }

    pub(super) async fn revocations(&self, after: Option<&str>) -> Result<Page<Revocation>, Error> {
        let answer: Answer<_> = self.ask(REVOCATIONS, "Revocations", page_after(after)).await?;
        Ok(answer.field)
    }
}

fn page_after(after: Option<&str>) -> Value {
    json!({ "after": after, "first": PAGE })
}
