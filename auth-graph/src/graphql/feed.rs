//! The change feed: `userChanges` as query and subscription, `userSnapshots`, `revocations`.

use async_graphql::connection::{Connection, Edge};
use async_graphql::types::Json;
use async_graphql::{Context, Enum, ID, NewType, Object, SimpleObject, Subscription};
use chrono::{DateTime, Utc};
use futures_util::{Stream, StreamExt};
use subgraph::{access, guarded, tag};

use super::caller::{app, caller, live_caller, principal};
use super::error::{ApiError, Result};
use super::guard::HasScope;
use engine::feed::{self, Change, ChangeKind, FEED_READ, Page};

/// Position in a list or in the change feed. It is opaque: pass it back unchanged.
#[derive(NewType, Clone, Debug)]
#[graphql(name = "Cursor")]
pub struct Cursor(String);

/// Kind of a change.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[graphql(remote = "ChangeKind")]
pub enum UserChangeKind {
    /// A user was created.
    UserCreated,
    /// A user was changed: disabled, enabled, restored, or given other attributes, roles, scopes or metadata.
    UserUpdated,
    /// A user was deleted, or this client may no longer see the user.
    UserDeleted,
    /// A session was ended, or a service client was disabled and all its tokens with it.
    SessionRevoked,
    /// A single token of a service client was revoked.
    TokenRevoked,
    /// The signing keys were changed: a key was published, put into use or withdrawn. Fetch the key set at once, and
    /// reject the tokens of keys that are no longer in it. Readers ignore kinds that they do not know.
    KeysChanged,
    /// Nothing changed. The reader has received everything up to this cursor, as of `recordedAt`. A subscription sends
    /// it when it has caught up, and about every second from then on.
    Current,
}

/// One change. Changes are ordered as they were committed.
#[derive(SimpleObject, Debug)]
pub struct UserChange {
    /// Position of the change. Reading after it continues with the next change.
    cursor: Cursor,
    /// Kind of the change.
    kind: UserChangeKind,
    /// Time of the change (UTC).
    recorded_at: DateTime<Utc>,
    /// For a change to a user: the user as they are now, which can be newer than the change.
    user: Option<UserSnapshot>,
    /// For the end of a session or a token: the access tokens to reject.
    revocation: Option<Revocation>,
}

/// The early end of a session, of all tokens of a service client, or of a single token. The access tokens that it names
/// must be rejected.
#[derive(SimpleObject, Debug)]
pub struct Revocation {
    /// Value of the claim `sid` of the access tokens to reject.
    session_id: Option<ID>,
    /// Value of the claim `jti` of the access token to reject.
    token_id: Option<ID>,
    /// Identifier of the user whose session it was. Null for a service client, and for readers that see only some users
    /// or fields.
    user_id: Option<ID>,
    /// Time of the end (UTC).
    ended_at: DateTime<Utc>,
    /// Time at which the last affected access token has expired (UTC). The revocation can be forgotten then.
    until: DateTime<Utc>,
}

/// A user, as needed to keep a copy in another service. Fields that the client may not see are null. For a deleted
/// user, every field with personal data is null.
#[derive(SimpleObject, Debug)]
pub struct UserSnapshot {
    /// Permanent identifier of the user.
    id: ID,
    /// Version number, which grows with every change. Of two copies of a user, the one with the higher version is
    /// newer.
    version: i64,
    /// Time of the last change (UTC).
    updated_at: DateTime<Utc>,
    /// Time at which the user was deleted, or from which on this client may no longer see the user (UTC). Null while
    /// the user exists.
    deleted_at: Option<DateTime<Utc>>,
    /// Identifier of the account that replaces this one. Null unless this account was merged into another one.
    merged_into: Option<ID>,
    /// True when the user can sign in.
    is_active: bool,
    /// E-mail address, in lower case.
    email: Option<String>,
    /// Given name. Can be empty.
    first_name: Option<String>,
    /// Family name. Can be empty.
    last_name: Option<String>,
    /// Phone number.
    phone_number: Option<String>,
    /// Time at which the account was created (UTC).
    date_joined: Option<DateTime<Utc>>,
    /// True when the user has the role `staff`.
    is_staff: Option<bool>,
    /// True when the user has the role `superuser`.
    is_superuser: Option<bool>,
    /// True when the user has confirmed that the e-mail address is theirs.
    email_verified: Option<bool>,
    /// Roles of the user. A role is a named set of scopes.
    roles: Option<Vec<String>>,
    /// Every scope that the user can request, including those of the roles.
    scopes: Option<Vec<String>>,
    /// Object with custom data that services and the user store with the account.
    metadata: Option<Json<serde_json::Value>>,
}

impl From<feed::Snapshot> for UserSnapshot {
    fn from(user: feed::Snapshot) -> Self {
        Self {
            id: user.id.0.into(),
            version: user.version,
            updated_at: user.updated_at,
            deleted_at: user.deleted_at,
            merged_into: user.merged_into.map(|id| id.0.into()),
            is_active: user.is_active,
            email: user.email,
            first_name: user.first_name,
            last_name: user.last_name,
            phone_number: user.phone_number,
            date_joined: user.date_joined,
            is_staff: user.is_staff,
            is_superuser: user.is_superuser,
            email_verified: user.email_verified,
            roles: user.roles,
            scopes: user.scopes,
            metadata: user.metadata.map(Json),
        }
    }
}

impl From<feed::Revocation> for Revocation {
    fn from(revocation: feed::Revocation) -> Self {
        Self {
            session_id: revocation.session.map(ID::from),
            token_id: revocation.token.map(|id| id.0.into()),
            user_id: revocation.user.map(|id| id.0.into()),
            ended_at: revocation.ended_at,
            until: revocation.until,
        }
    }
}

impl From<Change> for UserChange {
    fn from(change: Change) -> Self {
        Self {
            cursor: Cursor(change.cursor),
            kind: change.kind.into(),
            recorded_at: change.recorded_at,
            user: change.user.map(Into::into),
            revocation: change.revocation.map(Into::into),
        }
    }
}

/// Position in the change feed to follow from.
#[derive(SimpleObject)]
pub struct FeedPosition {
    /// Position in the change feed before this page was read. Follow the feed from the position of the first page to
    /// miss no change.
    feed_cursor: Cursor,
}

type List<T> = Connection<String, T, FeedPosition>;

fn connection<T, U: From<T> + async_graphql::OutputType>(page: Page<T>) -> List<U> {
    let position = FeedPosition { feed_cursor: Cursor(page.feed_cursor) };
    let mut list = Connection::with_additional_fields(page.has_previous_page, page.has_next_page, position);
    list.edges.extend(page.items.into_iter().map(|(cursor, item)| Edge::new(cursor, item.into())));
    list
}

fn text(cursor: &Option<Cursor>) -> Option<&str> {
    cursor.as_ref().map(|Cursor(text)| text.as_str())
}

#[derive(Default)]
pub(super) struct FeedQuery;

#[guarded]
#[Object]
impl FeedQuery {
    /// Lists changes to users and sessions, 100 by default. Requires the scope `feed:read`.
    #[graphql(access(HasScope(FEED_READ)), tag = "feed")]
    async fn user_changes(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "Cursor to continue from. By default, the oldest change that is kept is the first. Fails with `CURSOR_EXPIRED` \
                          when the next changes are no longer kept: read `userSnapshots` instead."
        )]
        after: Option<Cursor>,
        #[graphql(desc = "Number of items to return, up to 1,000.")] first: Option<i32>,
    ) -> Result<List<UserChange>> {
        Ok(connection(feed::changes_after(app(ctx), principal(ctx)?, text(&after), first).await?))
    }

    /// Lists all users by identifier, 100 by default, to fill a copy of the users in another service. It includes
    /// deleted users and users who never signed in. Any other user does not exist, or your client may not see them.
    /// Requires the scope `feed:read`.
    #[graphql(access(HasScope(FEED_READ)), tag = "feed")]
    async fn user_snapshots(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Cursor to continue from: only items after it are returned.")] after: Option<Cursor>,
        #[graphql(desc = "Number of items to return, up to 1,000.")] first: Option<i32>,
    ) -> Result<List<UserSnapshot>> {
        Ok(connection(feed::snapshots(app(ctx), principal(ctx)?, text(&after), first).await?))
    }

    /// One user, as needed to keep a copy in another service. Returns yourself, with the scope `users:read` any user,
    /// and with the scope `feed:read` every user whom `userSnapshots` lists; a public profile is no copy. Fields that
    /// your client may not see are null.
    async fn user_snapshot(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Identifier of the user.")] id: ID,
    ) -> Result<Option<UserSnapshot>> {
        let principal = caller(ctx)?;
        let Ok(id) = id.parse() else { return Ok(None) };
        Ok(feed::snapshot(app(ctx), principal, id).await?.map(UserSnapshot::from))
    }

    /// Lists the sessions and tokens that were ended early and whose access tokens might not have expired yet, oldest
    /// first, 100 by default. A service reads it at its start. Requires the scope `feed:read`.
    #[graphql(access(HasScope(FEED_READ)), tag = "feed")]
    async fn revocations(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Cursor to continue from: only items after it are returned.")] after: Option<Cursor>,
        #[graphql(desc = "Number of items to return, up to 1,000.")] first: Option<i32>,
    ) -> Result<List<Revocation>> {
        Ok(connection(feed::revocations(app(ctx), principal(ctx)?, text(&after), first).await?))
    }
}

#[derive(Default)]
pub(super) struct FeedSubscription;

#[guarded]
#[Subscription]
impl FeedSubscription {
    /// Sends changes to users and sessions as they happen. It ends with an error code when the access token is no
    /// longer valid. To resume, subscribe with a new token from the last cursor. Requires the scope `feed:read`.
    #[graphql(access(HasScope(FEED_READ)), directive = tag::apply("feed"))]
    async fn user_changes(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "Only what follows this cursor; from now on when left out. `CURSOR_EXPIRED`: what follows is \
                          not kept any more, read `userSnapshots`."
        )]
        after: Option<Cursor>,
    ) -> Result<impl Stream<Item = async_graphql::Result<UserChange>> + use<>> {
        let changes = feed::follow(app(ctx), live_caller(ctx)?, text(&after)).await?;
        Ok(changes.map(|change| change.map(UserChange::from).map_err(|error| ApiError::from(error).into())))
    }
}
