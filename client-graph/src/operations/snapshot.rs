//! A user as auth-graph shows them to this service client.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::remote::{Answer, Remote};
use crate::error::Error;
use crate::ids::UserId;

const SNAPSHOT: &str = include_str!("../../schema/operations/user_snapshot.graphql");

/// A user in the projection of this service client. Fields that the projection leaves out are null.
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

impl Remote {
    /// Returns one user; none when the user does not exist or this service client may not see them.
    pub(crate) async fn user_snapshot(&self, id: UserId) -> Result<Option<UserSnapshot>, Error> {
        let answer: Answer<_> = self.ask(SNAPSHOT, "UserSnapshot", json!({ "id": id })).await?;
        Ok(answer.field)
    }
}
