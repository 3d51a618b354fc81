//! The audit log: `auditEvents`.

use async_graphql::connection::{Connection, Edge, EmptyFields};
use async_graphql::types::Json;
use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use serde_json::Value;
use subgraph::{guarded, requires};

use super::caller::app;
use super::error::Result;
use super::guard::HasScope;
use engine::audit::{self, AUDIT_READ, Filter, Model};
use engine::pagination::{Page, narrowed};
use store::audit_events::ActorKind;

/// A change to a user, by whomever, or one that somebody made to what is not their own.
#[derive(SimpleObject)]
pub struct AuditEvent {
    /// Names the event.
    id: ID,
    /// When.
    occurred_at: DateTime<Utc>,
    /// What was done: a kind of thing and a verb, such as `user.disable`.
    action: String,
    /// What kind of somebody did it.
    actor_kind: AuditActorKind,
    /// Who: a user, also one who changed their own account, or a service client; null: the operator on the command
    /// line, or the service itself.
    actor_id: Option<ID>,
    /// To what kind of thing: `user`, `client`, `key`, `webhook`.
    target_kind: String,
    /// To which.
    target_id: String,
    /// What was changed, as it was; null for what was made. Never a password or a secret.
    before: Option<Json<Value>>,
    /// What was changed, as it was afterwards.
    after: Option<Json<Value>>,
    /// Why, in the words of whoever did it.
    reason: Option<String>,
    /// The request, as the header `X-Request-Id` and the log name it.
    request_id: Option<String>,
    /// From where.
    ip_address: Option<String>,
}

/// What kind of somebody did something.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuditActorKind {
    /// Whoever runs the command line.
    Operator,
    /// A user.
    User,
    /// A service client.
    Service,
    /// The service itself, which disables an endpoint of webhooks that does nothing but fail.
    System,
}

/// Which events a list shows; every condition must hold.
#[derive(InputObject, Debug, Default)]
pub struct AuditEventFilter {
    /// Who did it.
    actor_id: Option<ID>,
    /// To which thing.
    target_id: Option<String>,
    /// What was done, such as `user.disable`.
    action: Option<String>,
    /// Not before this time.
    from: Option<DateTime<Utc>>,
    /// Before this time.
    until: Option<DateTime<Utc>>,
}

impl From<Model> for AuditEvent {
    fn from(event: Model) -> Self {
        let actor_kind = match event.actor_kind {
            ActorKind::Operator => AuditActorKind::Operator,
            ActorKind::User => AuditActorKind::User,
            ActorKind::Service => AuditActorKind::Service,
            ActorKind::System => AuditActorKind::System,
        };
        Self {
            id: event.id.0.into(),
            occurred_at: event.occurred_at,
            action: event.action,
            actor_kind,
            actor_id: event.actor_id.map(ID::from),
            target_kind: event.target_kind,
            target_id: event.target_id,
            before: event.before.map(Json),
            after: event.after.map(Json),
            reason: event.reason,
            request_id: event.request_id,
            ip_address: event.ip_address,
        }
    }
}

impl AuditEventFilter {
    fn parse(self) -> Result<Filter> {
        let actor_id = self.actor_id.map(|id| audit::actor_id(&id)).transpose()?;
        let target_id = self.target_id.map(|id| narrowed("targetId", id)).transpose()?;
        let action = self.action.map(|action| narrowed("action", action)).transpose()?;
        Ok(Filter { actor_id, target_id, action, from: self.from, until: self.until })
    }
}

#[derive(Default)]
pub(super) struct AuditQuery;

#[guarded]
#[Object]
impl AuditQuery {
    /// Every change to a user, and what administrators, service clients and the operator have changed beside, the
    /// latest first. Needs the scope `audit:read`.
    #[graphql(requires(HasScope(AUDIT_READ)), tag = "admin")]
    async fn audit_events(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which events; all when left out.")] filter: Option<AuditEventFilter>,
        #[graphql(desc = "So many from the start, at most 100.")] first: Option<i32>,
        #[graphql(desc = "Only those behind this cursor.")] after: Option<String>,
        #[graphql(desc = "So many from the end, at most 100. Not together with `first`.")] last: Option<i32>,
        #[graphql(desc = "Only those before this cursor.")] before: Option<String>,
    ) -> Result<Connection<String, AuditEvent, EmptyFields, EmptyFields>> {
        let filter = filter.unwrap_or_default().parse()?;
        let listing = audit::list(app(ctx), &filter, &Page { first, after, last, before }).await?;
        let mut connection = Connection::new(listing.has_previous_page, listing.has_next_page);
        connection.edges.extend(listing.rows.into_iter().map(|(cursor, event)| Edge::new(cursor, event.into())));
        Ok(connection)
    }
}
