//! The change feed: `userChanges` as query and subscription, `userSnapshots`, `revocations`.

use async_graphql::connection::{Connection, Edge};
use async_graphql::types::Json;
use async_graphql::{Context, Enum, ID, NewType, Object, SimpleObject, Subscription};
use chrono::{DateTime, Utc};
use futures_util::{Stream, StreamExt};
use subgraph::{guarded, requires, tag};

use super::caller::{app, caller, presence, principal};
use super::error::{ApiError, Result};
use super::guard::HasScope;
use engine::feed::{self, Change, ChangeKind, FEED_READ, Page};

/// A position in a list or in the feed. It is opaque: pass it on as it is.
#[derive(NewType, Clone, Debug)]
#[graphql(name = "Cursor")]
pub struct Cursor(String);

/// What happened.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[graphql(remote = "ChangeKind")]
pub enum UserChangeKind {
    /// A user was made.
    UserCreated,
    /// A user was changed: disabled, enabled, restored, or given other attributes, roles, scopes or metadata.
    UserUpdated,
    /// A user was deleted, or is not shown to this client any more.
    UserDeleted,
    /// A session was ended, or a service client with all its tokens.
    SessionRevoked,
    /// One token of a service client was ended.
    TokenRevoked,
    /// Nothing happened: you have everything up to this cursor, as of `recordedAt`. A subscription says so when it has
    /// caught up, and about every second from then on.
    Current,
}

/// One change, in the order of the commits.
#[derive(SimpleObject, Debug)]
pub struct UserChange {
    /// Where to resume: what follows this change is read after it.
    cursor: Cursor,
    /// What happened.
    kind: UserChangeKind,
    /// When.
    recorded_at: DateTime<Utc>,
    /// For a change to a user: the user as they are now, which may be newer than the change.
    user: Option<UserSnapshot>,
    /// For the end of a session or a token: what was ended.
    revocation: Option<Revocation>,
}

/// The early end of a session, of a service client or of a single token: refuse the access tokens that it concerns.
#[derive(SimpleObject, Debug)]
pub struct Revocation {
    /// Refuse every token whose claim `sid` is this.
    session_id: Option<ID>,
    /// Refuse the token whose claim `jti` is this.
    token_id: Option<ID>,
    /// Whose session it was; null for a service client, and to clients that are shown some users or fields only.
    user_id: Option<ID>,
    /// When it was ended.
    ended_at: DateTime<Utc>,
    /// When the last access token that it can concern has expired: it may be forgotten then.
    until: DateTime<Utc>,
}

/// A user as a copy elsewhere needs it. Null is what a client is not shown, and, of a deleted user, everything that
/// says something about a person.
#[derive(SimpleObject, Debug)]
pub struct UserSnapshot {
    /// Names the user for ever.
    id: ID,
    /// Counts the changes. Of two copies of a user, the one with the higher version is the newer.
    version: i64,
    /// The last change.
    updated_at: DateTime<Utc>,
    /// When the user was deleted, or is not shown to this client any more; null: they exist.
    deleted_at: Option<DateTime<Utc>>,
    /// Whose account has taken the place of a deleted one that was merged.
    merged_into: Option<ID>,
    /// Whether the user may sign in.
    is_active: bool,
    /// The e-mail address, in lower case.
    email: Option<String>,
    /// The given name, may be empty.
    first_name: Option<String>,
    /// The family name, may be empty.
    last_name: Option<String>,
    /// The phone number.
    phone_number: Option<String>,
    /// When the account was made.
    date_joined: Option<DateTime<Utc>>,
    /// Whether the user is staff.
    is_staff: Option<bool>,
    /// Whether the user is a superuser.
    is_superuser: Option<bool>,
    /// Whether the e-mail address was shown to be the user's.
    email_verified: Option<bool>,
    /// The roles: named sets of scopes.
    roles: Option<Vec<String>>,
    /// Every scope that the user may ask for, those of the roles among them.
    scopes: Option<Vec<String>>,
    /// What services keep with the user.
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
            session_id: revocation.session.map(|id| id.0.into()),
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

/// Where to follow from.
#[derive(SimpleObject)]
pub struct FeedPosition {
    /// The position of the feed before this page was read. Follow the feed from that of the first page, and nothing is
    /// missed.
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
    /// What happened to users and sessions, 100 changes at a time unless asked otherwise. Needs the scope `feed:read`.
    #[graphql(requires(HasScope(FEED_READ)), tag = "feed")]
    async fn user_changes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only what follows this cursor; the oldest that is kept when left out. `CURSOR_EXPIRED`: \
                          what follows is not kept any more, read `userSnapshots`.")]
        after: Option<Cursor>,
        #[graphql(desc = "So many, at most 1000.")] first: Option<i32>,
    ) -> Result<List<UserChange>> {
        Ok(connection(feed::changes_after(app(ctx), principal(ctx)?, text(&after), first).await?))
    }

    /// Every user in the order of their identifiers, those who never signed in and deleted ones among them, 100 at a
    /// time unless asked otherwise: for filling a copy. Whoever is not among them does not exist, or not for this
    /// client. Needs the scope `feed:read`.
    #[graphql(requires(HasScope(FEED_READ)), tag = "feed")]
    async fn user_snapshots(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only those behind this cursor.")] after: Option<Cursor>,
        #[graphql(desc = "So many, at most 1000.")] first: Option<i32>,
    ) -> Result<List<UserSnapshot>> {
        Ok(connection(feed::snapshots(app(ctx), principal(ctx)?, text(&after), first).await?))
    }

    /// One user, as a copy elsewhere needs it: whom `user` shows to you, or with the scope `feed:read` anybody whom
    /// `userSnapshots` shows. What your client is not shown of them is null.
    async fn user_snapshot(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The user's `id`.")] id: ID,
    ) -> Result<Option<UserSnapshot>> {
        let principal = caller(ctx)?;
        let Ok(id) = id.parse() else { return Ok(None) };
        Ok(feed::snapshot(app(ctx), principal, id).await?.map(UserSnapshot::from))
    }

    /// What was ended early within the life of an access token, the oldest first, 100 at a time unless asked otherwise:
    /// for a service that starts. Needs the scope `feed:read`.
    #[graphql(requires(HasScope(FEED_READ)), tag = "feed")]
    async fn revocations(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only those behind this cursor.")] after: Option<Cursor>,
        #[graphql(desc = "So many, at most 1000.")] first: Option<i32>,
    ) -> Result<List<Revocation>> {
        Ok(connection(feed::revocations(app(ctx), principal(ctx)?, text(&after), first).await?))
    }
}

#[derive(Default)]
pub(super) struct FeedSubscription;

#[guarded]
#[Subscription]
impl FeedSubscription {
    /// What happens to users and sessions, as it happens. It ends with the code of the refusal when the token is no
    /// longer good; resume from the last cursor with a new one. Needs the scope `feed:read`.
    #[graphql(requires(HasScope(FEED_READ)), directive = tag::apply("feed"))]
    async fn user_changes(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "Only what follows this cursor; from now on when left out. `CURSOR_EXPIRED`: what follows is \
                          not kept any more, read `userSnapshots`."
        )]
        after: Option<Cursor>,
    ) -> Result<impl Stream<Item = async_graphql::Result<UserChange>> + use<>> {
        let changes = feed::follow(app(ctx), presence(ctx)?, text(&after)).await?;
        Ok(changes.map(|change| change.map(UserChange::from).map_err(|error| ApiError::from(error).into())))
    }
}
