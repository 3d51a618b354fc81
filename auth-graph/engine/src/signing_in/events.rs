//! Login events of granted sign-ins. `comparing` records the refused ones.

use chrono::{DateTime, Utc};
use model::error::Result;
use model::values::{Method, SessionId, UserId};
use sea_orm::ConnectionTrait;
use store::login_events::{self, Model};

use crate::audit::login_events::first_party;
use crate::callers::Device;

/// A sign-in that began a session.
#[derive(Clone, Copy, Debug)]
pub(super) struct Event {
    /// User.
    pub(super) user: UserId,
    /// Session that began.
    pub(super) session: SessionId,
    /// Method of the first proof.
    pub(super) method: Option<Method>,
}

/// Records a sign-in that began a session.
pub(super) async fn granted(
    txn: &impl ConnectionTrait,
    event: Event,
    device: &Device,
    now: DateTime<Utc>,
) -> Result<()> {
    let row = Model {
        user_id: Some(event.user),
        session_id: Some(event.session),
        method: event.method.map(|method| method.as_str().to_owned()),
        ..first_party(device, now)
    };
    Ok(login_events::insert(txn, row).await?)
}
