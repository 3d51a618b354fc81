//! What the feed is asked, and the shapes of its answers.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::client::AuthGraph;
use crate::error::Error;
use crate::ids::{SessionId, UserId};
use crate::operations::MAX_ANSWER;

pub(super) const FOLLOW: &str = include_str!("../../../schema/operations/follow_user_changes.graphql");
const CHANGES: &str = include_str!("../../../schema/operations/user_changes.graphql");
const SNAPSHOTS: &str = include_str!("../../../schema/operations/user_snapshots.graphql");
const SNAPSHOT: &str = include_str!("../../../schema/operations/user_snapshot.graphql");
const REVOCATIONS: &str = include_str!("../../../schema/operations/revocations.graphql");

/// How much is asked for at once. A page of the largest must fit into an answer.
const PAGE: u8 = 200;
/// The most that a user, or a change to one, is long: 16 KiB of metadata, and 4 KiB for the rest.
const LARGEST: usize = (16 + 4) * 1024;
const _: () = assert!(PAGE as usize * LARGEST <= MAX_ANSWER);

/// Something that happened at auth-graph.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Change {
    pub(crate) cursor: String,
    pub(crate) kind: Kind,
    pub(crate) recorded_at: DateTime<Utc>,
    pub(crate) user: Option<UserSnapshot>,
    pub(crate) revocation: Option<Revocation>,
}

/// What kind of thing it was. Of the others, which are told apart by what they carry, nothing needs to be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum Kind {
    /// Nothing happened: everything up to here has been said.
    Current,
    #[serde(other)]
    Recorded,
}

/// A session, or a single token, that ended before its time.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Revocation {
    pub(crate) session_id: Option<SessionId>,
    pub(crate) token_id: Option<String>,
    pub(crate) until: DateTime<Utc>,
}

/// A user as the projection of this service client shows them: what it leaves out is null.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UserSnapshot {
    pub(crate) id: Uuid,
    pub(crate) version: i64,
    pub(crate) updated_at: DateTime<Utc>,
    pub(crate) deleted_at: Option<DateTime<Utc>>,
    pub(crate) is_active: bool,
    pub(crate) email: Option<String>,
    pub(crate) first_name: Option<String>,
    pub(crate) last_name: Option<String>,
    pub(crate) phone_number: Option<String>,
    pub(crate) date_joined: Option<DateTime<Utc>>,
    pub(crate) is_staff: Option<bool>,
    pub(crate) is_superuser: Option<bool>,
    pub(crate) email_verified: Option<bool>,
    pub(crate) roles: Option<Vec<String>>,
    pub(crate) scopes: Option<Vec<String>>,
    pub(crate) metadata: Option<Value>,
}

/// One page of a list.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Page<T> {
    pub(crate) nodes: Vec<T>,
    page_info: PageInfo,
    /// Where the feed was before the page was read.
    #[serde(default)]
    pub(crate) feed_cursor: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageInfo {
    has_next_page: bool,
    end_cursor: Option<String>,
}

impl<T> Page<T> {
    /// Where the next page starts, when there is one.
    pub(crate) fn next(&self) -> Option<String> {
        self.page_info.end_cursor.clone().filter(|_| self.page_info.has_next_page)
    }
}

/// The one field of an answer.
#[derive(Deserialize)]
pub(super) struct Answer<T> {
    #[serde(alias = "userChanges", alias = "userSnapshots", alias = "userSnapshot", alias = "revocations")]
    pub(super) field: T,
}

impl AuthGraph {
    pub(super) async fn user_changes(&self, after: Option<&str>) -> Result<Page<Change>, Error> {
        let answer: Answer<_> = self.ask_feed(CHANGES, "UserChanges", page_after(after)).await?;
        Ok(answer.field)
    }

    pub(super) async fn user_snapshots(&self, after: Option<&str>) -> Result<Page<UserSnapshot>, Error> {
        let answer: Answer<_> = self.ask_feed(SNAPSHOTS, "UserSnapshots", page_after(after)).await?;
        Ok(answer.field)
    }

    /// One user; none when there is none, or none whom this service client may see.
    pub(crate) async fn user_snapshot(&self, id: UserId) -> Result<Option<UserSnapshot>, Error> {
        let answer: Answer<_> = self.ask_feed(SNAPSHOT, "UserSnapshot", json!({ "id": id })).await?;
        Ok(answer.field)
    }

    pub(super) async fn revocations(&self, after: Option<&str>) -> Result<Page<Revocation>, Error> {
        let answer: Answer<_> = self.ask_feed(REVOCATIONS, "Revocations", page_after(after)).await?;
        Ok(answer.field)
    }

    async fn ask_feed<T: serde::de::DeserializeOwned>(
        &self,
        document: &str,
        name: &str,
        variables: Value,
    ) -> Result<T, Error> {
        let token = self.service_token().await?;
        let body = json!({ "query": document, "operationName": name, "variables": variables });
        self.transport().ask(&body, &token).await
    }
}

fn page_after(after: Option<&str>) -> Value {
    json!({ "after": after, "first": PAGE })
}
