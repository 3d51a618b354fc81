//! The audit log: `auditEvents`.

use async_graphql::connection::{Connection, Edge, EmptyFields};
use async_graphql::types::Json;
use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use serde_json::Value;
use subgraph::{access, guarded};

use super::caller::app;
use super::error::Result;
use super::guard::HasScope;
use engine::audit::{self, AUDIT_READ, Filter, Model};
use engine::pagination::{Page, narrowed};
use store::audit_events::ActorKind;

/// A record in the audit log: a change to a user account, or a change to a service client, a signing key or a webhook
/// endpoint.
#[derive(SimpleObject)]
pub struct AuditEvent {
    /// Identifier of the event.
    id: ID,
    /// Time of the event (UTC).
    occurred_at: DateTime<Utc>,
    /// Action that was taken, as the kind of the target and a verb: `user.disable`, for example.
    action: String,
    /// Kind of the actor that made the change.
    actor_kind: AuditActorKind,
    /// Identifier of the user or service client that made the change. Null when the operator made it on the command
    /// line, or the service itself made it. A user who changes their own account is the actor too.
    actor_id: Option<ID>,
    /// Kind of the target: `user`, `client`, `key` or `webhook`.
    target_kind: String,
    /// Identifier of the target.
    target_id: String,
    /// Values of the target before the change, as far as they differ. Null when the target was created. Passwords
    /// and secrets are never included, and of private metadata only that it differs.
    before: Option<Json<Value>>,
    /// Values of the target after the change, as far as they differ. Passwords and secrets are never included, and
    /// of private metadata only that it differs.
    after: Option<Json<Value>>,
    /// Reason that the actor gave.
    reason: Option<String>,
    /// Identifier of the request, as in the header `X-Request-Id` and in the log.
    request_id: Option<String>,
    /// IP address that the request came from.
    ip_address: Option<String>,
}

/// Kind of the actor of a change.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuditActorKind {
    /// The operator, on the command line.
    Operator,
    /// A user.
    User,
    /// A service client.
    Service,
    /// The service itself, for example when it disables a webhook endpoint whose deliveries keep failing.
    System,
}

/// Filter for audit events. An event must meet every condition that is given.
#[derive(InputObject, Debug, Default)]
pub struct AuditEventFilter {
    /// Identifier of the user or service client that made the change.
    actor_id: Option<ID>,
    /// Identifier of the target.
    target_id: Option<String>,
    /// Action, for example `user.disable`.
    action: Option<String>,
    /// Earliest time of the event (inclusive). Without it, a filter by `action` alone finds the last 30 days.
    from: Option<DateTime<Utc>>,
    /// Latest time of the event (exclusive).
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
    /// Lists the audit log, latest event first. It has every change to a user account, and every change that
    /// administrators, service clients and the operator make to service clients, signing keys and webhook endpoints.
    /// Requires the scope `audit:read`.
    #[graphql(access(HasScope(AUDIT_READ)), tag = "admin")]
    async fn audit_events(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Filter for the events. All events are listed by default.")] filter: Option<AuditEventFilter>,
        #[graphql(desc = "Number of items to return from the start of the list, up to 100.")] first: Option<i32>,
        #[graphql(desc = "Cursor to continue from: only items after it are returned.")] after: Option<String>,
        #[graphql(
            desc = "Number of items to return from the end of the list, up to 100. Cannot be combined with `first`."
        )]
        last: Option<i32>,
        #[graphql(desc = "Cursor to stop at: only items before it are returned.")] before: Option<String>,
    ) -> Result<Connection<String, AuditEvent, EmptyFields, EmptyFields>> {
        let filter = filter.unwrap_or_default().parse()?;
        let listing = audit::list(app(ctx), &filter, &Page { first, after, last, before }).await?;
        let mut connection = Connection::new(listing.has_previous_page, listing.has_next_page);
        connection.edges.extend(listing.rows.into_iter().map(|(cursor, event)| Edge::new(cursor, event.into())));
        Ok(connection)
    }
}
