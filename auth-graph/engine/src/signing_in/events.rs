//! Login events of sign-ins.

use chrono::{DateTime, Utc};
use model::error::{Error, Result};
use model::values::{EventId, Method, SessionId, UserId};
use sea_orm::ConnectionTrait;
use store::login_events::{self, Kind, Model};

use crate::callers::Device;
use store::clients::FIRST_PARTY;

/// A granted or rejected sign-in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Event {
    /// User, if the address has an account.
    pub(super) user: Option<UserId>,
    /// Session that began, if the sign-in was granted.
    pub(super) session: Option<SessionId>,
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
    insert(txn, event, None, device, now).await
}

/// Records a sign-in that was rejected for wrong credentials.
pub(super) async fn refused(
    db: &impl ConnectionTrait,
    event: Event,
    device: &Device,
    now: DateTime<Utc>,
) -> Result<()> {
    let (user, address) = (event.user.map(|id| id.to_string()), device.address.map(|address| address.to_string()));
    tracing::info!(user, address, "a sign-in was refused");
    insert(db, event, Some(&Error::InvalidCredentials), device, now).await
}

async fn insert(
    db: &impl ConnectionTrait,
    event: Event,
    refusal: Option<&Error>,
    device: &Device,
    now: DateTime<Utc>,
) -> Result<()> {
    let row = Model {
        id: EventId::generate(now),
        occurred_at: now,
        kind: Kind::Login,
        code: refusal.map(|error| error.code().as_str().to_owned()),
        user_id: event.user,
        session_id: event.session,
        client_id: Some(FIRST_PARTY.to_owned()),
        method: event.method.map(|method| method.as_str().to_owned()),
        provider: None,
        application: None,
        ip_address: device.address.map(|address| address.to_string()),
        user_agent: device.user_agent.clone(),
    };
    Ok(login_events::insert(db, row).await?)
}
