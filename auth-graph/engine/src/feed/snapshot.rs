//! Changes and users as the feed sends them.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;

use super::cursor;
use crate::announcements::Announced;
use crate::app::App;
use crate::callers::scopes_of;
use crate::callers::view::{UserView, Visibility};
use model::error::{Error, Result};
use model::values::{Revoked, RolesAndScopes, Subject, TokenId, UserField, UserId};
use store::changes::{self, Kind};
use store::users;
use uuid::Uuid;

/// A change.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// Cursor for reading the changes after this one.
    pub cursor: String,
    /// Kind of the change.
    pub kind: ChangeKind,
    /// Time of the change (UTC).
    pub recorded_at: DateTime<Utc>,
    /// Current data of the user, for a change to a user.
    pub user: Option<Snapshot>,
    /// Revocation, if a session or a token has ended.
    pub revocation: Option<Revocation>,
}

/// Kind of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ChangeKind {
    /// A user was created.
    UserCreated,
    /// A user was changed.
    UserUpdated,
    /// A user was deleted.
    UserDeleted,
    /// A session was ended, or a service client with all its tokens.
    SessionRevoked,
    /// A token of a service client was revoked.
    TokenRevoked,
    /// The signing keys were changed.
    KeysChanged,
    /// No change: the reader has all changes so far.
    Current,
}

/// The data of a user that a copy needs. Personal data of a deleted user is left out.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Snapshot {
    /// Identifier, never reused.
    pub id: UserId,
    /// Number of changes.
    pub version: i64,
    /// Time of the last change (UTC).
    pub updated_at: DateTime<Utc>,
    /// Time of the deletion (UTC).
    pub deleted_at: Option<DateTime<Utc>>,
    /// User whose account has replaced a deleted one that was merged.
    pub merged_into: Option<UserId>,
    /// True if the user may sign in.
    pub is_active: bool,
    /// The e-mail address.
    pub email: Option<String>,
    /// The given name.
    pub first_name: Option<String>,
    /// The family name.
    pub last_name: Option<String>,
    /// The phone number.
    pub phone_number: Option<String>,
    /// Time of creation (UTC).
    pub date_joined: Option<DateTime<Utc>>,
    /// True for staff.
    pub is_staff: Option<bool>,
    /// True for a superuser.
    pub is_superuser: Option<bool>,
    /// True if the user has proved that the address is theirs.
    pub email_verified: Option<bool>,
    /// The roles.
    pub roles: Option<Vec<String>>,
    /// Everything that the user may ask for.
    pub scopes: Option<Vec<String>>,
    /// Data that services keep with the user.
    pub metadata: Option<Value>,
}

impl Snapshot {
    /// Builds the snapshot of an existing user.
    fn present(app: &App, view: &UserView, user: &users::Model) -> Self {
        let shows = |field: UserField| view.shows(field);
        Self {
            is_active: user.is_active,
            deleted_at: None,
            email: shows(UserField::Email).then(|| user.email.shown().to_owned()),
            first_name: shows(UserField::FirstName).then(|| user.first_name.clone()),
            last_name: shows(UserField::LastName).then(|| user.last_name.clone()),
            phone_number: user.phone_number.clone().filter(|_| shows(UserField::PhoneNumber)),
            date_joined: shows(UserField::DateJoined).then_some(user.date_joined),
            is_staff: shows(UserField::IsStaff).then_some(user.is_staff),
            is_superuser: shows(UserField::IsSuperuser).then_some(user.is_superuser),
            email_verified: shows(UserField::EmailVerified).then_some(user.email_verified),
            roles: shows(UserField::Roles).then(|| user.roles()),
            scopes: shows(UserField::Scopes).then(|| scopes_of(app, user).to_strings()),
            metadata: view.metadata(&user.metadata),
            ..Self::absent(view, user)
        }
    }

    /// Builds the snapshot of a user who was deleted or is no longer visible to the reader.
    fn absent(view: &UserView, user: &users::Model) -> Self {
        Self {
            id: user.id,
            version: view.version(user),
            updated_at: user.updated_at,
            deleted_at: Some(UserView::gone_at(user)),
            // A limited reader may not see the account that took its place.
            merged_into: user.merged_into.filter(|_| !view.is_limited()),
            is_active: false,
            email: None,
            first_name: None,
            last_name: None,
            phone_number: None,
            date_joined: None,
            is_staff: None,
            is_superuser: None,
            email_verified: None,
            roles: None,
            scopes: None,
            metadata: None,
        }
    }

    /// Builds the snapshot of a user who held other roles and scopes before a change, or returns `None` if the reader
    /// never sees the user.
    pub(super) fn new(
        app: &App,
        view: &UserView,
        user: &users::Model,
        before: Option<&RolesAndScopes>,
    ) -> Option<Self> {
        match view.visibility(app, user, before) {
            Visibility::Shown if user.deleted_at.is_none() => Some(Self::present(app, view, user)),
            Visibility::Shown | Visibility::Gone => Some(Self::absent(view, user)),
            Visibility::Hidden => None,
        }
    }
}

/// The early end of a session, of a service client, or of a single token.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Revocation {
    /// Claim `sid` of the tokens that ended: the identifier of the session, or of the service client.
    #[serde(rename = "sessionId")]
    pub session: Option<Uuid>,
    /// The single token.
    #[serde(rename = "tokenId")]
    pub token: Option<TokenId>,
    /// User of the session.
    #[serde(rename = "userId")]
    pub user: Option<UserId>,
    /// Time of the end (UTC).
    pub ended_at: DateTime<Utc>,
    /// Expiry of the last access token that is concerned (UTC).
    pub until: DateTime<Utc>,
}

impl Revocation {
    /// Builds the revocation of a change, or returns `None` if the change ended nothing. Limited readers do not learn
    /// the user of a session. They do not need it to refuse its tokens.
    pub(super) fn new(app: &App, view: &UserView, change: &changes::Model) -> Option<Self> {
        let (ended_at, until) = (change.recorded_at, app.tokens.revocations.until(change.recorded_at));
        let (session, token, user) = match change.revoked()? {
            Revoked::Session(session) => {
                let user = change.subject().and_then(Subject::user).filter(|_| !view.is_limited());
                (Some(session.0), None, user)
            }
            Revoked::Client(client) => (Some(client.0), None, None),
            Revoked::Token(token) => (None, Some(token), None),
        };
        Some(Self { session, token, user, ended_at, until })
    }
}

impl Change {
    /// Builds a change for a reader, or returns `None` for internal changes and for users that the reader does not see.
    ///
    /// # Errors
    /// [`Error::CursorExpired`] when the reader is shown something else from here on.
    pub(super) fn new(app: &App, view: &UserView, announced: &Announced) -> Result<Option<Self>> {
        let Announced { change, user } = announced;
        let kind = match change.kind {
            Kind::UserCreated => ChangeKind::UserCreated,
            Kind::UserUpdated => ChangeKind::UserUpdated,
            Kind::UserDeleted => ChangeKind::UserDeleted,
            Kind::SessionRevoked | Kind::ClientRevoked => ChangeKind::SessionRevoked,
            Kind::TokenRevoked => ChangeKind::TokenRevoked,
            Kind::KeysChanged => ChangeKind::KeysChanged,
            Kind::ClientChanged if view.is_of(change.subject()) => return Err(Error::CursorExpired),
            Kind::ClientChanged | Kind::ClientSecretChanged => return Ok(None),
        };
        let (cursor, recorded_at) = (cursor::encode(app, change.position), change.recorded_at);
        let Some(user) = user else {
            let revocation = Revocation::new(app, view, change);
            return Ok(Some(Self { cursor, kind, recorded_at, user: None, revocation }));
        };
        let Some(user) = Snapshot::new(app, view, user, change.held_before.as_ref()) else { return Ok(None) };
        // To a limited reader, a user who is no longer visible is deleted.
        let gone = view.is_limited() && user.deleted_at.is_some();
        let kind = if gone { ChangeKind::UserDeleted } else { kind };
        Ok(Some(Self { cursor, kind, recorded_at, user: Some(user), revocation: None }))
    }

    /// Builds the message that a reader has all changes up to a time.
    pub(super) fn current(app: &App, position: i64, at: DateTime<Utc>) -> Self {
        let cursor = cursor::encode(app, position);
        Self { cursor, kind: ChangeKind::Current, recorded_at: at, user: None, revocation: None }
    }
}
