//! Login events of granted sign-ins. `comparing` records the refused ones.

use chrono::{DateTime, Utc};
use model::error::Result;
use model::values::{EventId, Method, SessionId, UserId};
use sea_orm::ConnectionTrait;
use store::login_events::{self, Kind, Model};

use crate::callers::Device;
use store::clients::FIRST_PARTY;

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
        id: EventId::generate(now),
        occurred_at: now,
        kind: Kind::Login,
        code: None,
        user_id: Some(event.user),
        session_id: Some(event.session),
        client_id: Some(FIRST_PARTY.to_owned()),
        method: event.method.map(|method| method.as_str().to_owned()),
        provider: None,
        application: None,
        ip_address: device.address.map(|address| address.to_string()),
        user_agent: device.user_agent.clone(),
    };
    Ok(login_events::insert(txn, row).await?)
}
