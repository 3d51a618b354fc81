//! What a reader of the feed is shown.

use chrono::{DateTime, Duration, Utc};

use crate::announcements::Announced;
use crate::app::App;
use crate::auth::principal::scopes_of;
use crate::error::{Error, Result};
use crate::store::changes::{self, Kind};
use crate::store::users;
use crate::values::{SessionId, TokenId, UserId};

/// One change.
#[derive(Clone, Debug)]
pub struct Change {
    /// Its cursor: what follows is read after it.
    pub cursor: String,
    /// What happened.
    pub kind: ChangeKind,
    /// When.
    pub recorded_at: DateTime<Utc>,
    /// The user as they are now, for a change to one.
    pub user: Option<Snapshot>,
    /// What was ended, for the end of a session or a token.
    pub revocation: Option<Revocation>,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// A user was made.
    UserCreated,
    /// A user was changed.
    UserUpdated,
    /// A user was deleted.
    UserDeleted,
    /// A session was ended, or a service client with all its tokens.
    SessionRevoked,
    /// One token of a service client was ended.
    TokenRevoked,
    /// Nothing: the reader has everything.
    Current,
}

/// A user, without what only auth-graph needs.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The user; of a deleted one, only the identifier, the version and the times count.
    pub user: users::Model,
    /// Everything that the user may ask for.
    pub scopes: Vec<String>,
}

impl Snapshot {
    pub(super) fn new(app: &App, mut user: users::Model) -> Self {
        user.password_hash = None;
        Self { scopes: scopes_of(app, &user).to_strings(), user }
    }
}

/// The early end of a session, of a service client, or of a single token.
#[derive(Clone, Debug)]
pub struct Revocation {
    /// The session, or the service client, whose tokens carry its identifier as `sid`.
    pub session: Option<SessionId>,
    /// The single token.
    pub token: Option<TokenId>,
    /// Whose session it was.
    pub user: Option<UserId>,
    /// When it was ended.
    pub ended_at: DateTime<Utc>,
    /// When the last access token that it concerns has expired.
    pub until: DateTime<Utc>,
}

impl Revocation {
    /// What a change has ended, if it has ended anything.
    pub(super) fn new(app: &App, change: &changes::Model) -> Result<Option<Self>> {
        let Some(session) = change.session_id else { return Ok(None) };
        let lifetime = Duration::from_std(app.config.tokens.access_lifetime).map_err(Error::internal)?;
        let (ended_at, until) = (change.recorded_at, change.recorded_at + lifetime);
        // A service client is a session of its own.
        let user = Some(change.user_id).filter(|user| user.0 != session.0);
        Ok(match change.kind {
            Kind::SessionRevoked => Some(Self { session: Some(session), token: None, user, ended_at, until }),
            Kind::TokenRevoked => {
                Some(Self { session: None, token: Some(TokenId(session.0)), user: None, ended_at, until })
            }
            _ => None,
        })
    }
}

impl Change {
    /// What a reader is shown of a change; none of what concerns auth-graph alone.
    pub(super) fn new(app: &App, announced: &Announced) -> Result<Option<Self>> {
        let Announced { change, user } = announced;
        let kind = match change.kind {
            Kind::UserCreated => ChangeKind::UserCreated,
            Kind::UserUpdated => ChangeKind::UserUpdated,
            Kind::UserDeleted => ChangeKind::UserDeleted,
            Kind::SessionRevoked => ChangeKind::SessionRevoked,
            Kind::TokenRevoked => ChangeKind::TokenRevoked,
            Kind::KeysChanged => return Ok(None),
        };
        Ok(Some(Self {
            cursor: super::encode(app, change.position),
            kind,
            recorded_at: change.recorded_at,
            user: user.clone().map(|user| Snapshot::new(app, user)),
            revocation: Revocation::new(app, change)?,
        }))
    }

    /// Says that a reader had everything at a time.
    pub(super) fn current(app: &App, position: i64, at: DateTime<Utc>) -> Self {
        let cursor = super::encode(app, position);
        Self { cursor, kind: ChangeKind::Current, recorded_at: at, user: None, revocation: None }
    }
}
