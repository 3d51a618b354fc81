//! The audit log: each change to a user, and each change that an actor makes to an object of another owner. Events are
//! recorded in the transaction of the change.
//!
//! Passwords and secrets never appear in it: `facts` lists one by one the facts that are recorded of a user.

pub mod login_events;
mod recorded;

use chrono::Duration;
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};
use uuid::Uuid;

use super::accounts::Account;
use super::callers::Actor;
use super::pagination::{Listing, Page};
use crate::app::App;
use model::error::{Error, Result};
use model::values::{EventId, Username};
use store::{audit_events, user_credentials, users};

pub use store::audit_events::{Filter, Model};

/// Scope that allows reading the audit log and the sign-in events of all users.
pub const AUDIT_READ: &str = "audit:read";

/// Name of the list in its cursors.
const LIST: &str = "audit";
/// Range of a list whose filter no index leads to, unless the filter gives a start.
const RECENT: Duration = Duration::days(30);
/// Number of events that an export reads at a time.
const BATCH: u64 = 500;
/// Maximum length of a reason, in characters.
const REASON_LENGTH: usize = 500;

/// An action and its target, to be recorded in the audit log.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// Action: a kind of object and a verb, such as `user.disable`.
    pub(crate) action: &'static str,
    /// Kind of the target.
    pub(crate) target_kind: &'static str,
    /// Identifier of the target.
    pub(crate) target_id: String,
    /// Facts about the target before the action.
    pub(crate) before: Value,
    /// Facts about the target after the action.
    pub(crate) after: Value,
    /// Reason for the action.
    pub(crate) reason: Option<String>,
}

/// Parses the reason for an action, in the actor's own words: 1 to 500 characters.
///
/// # Errors
/// [`Error::ValidationFailed`] when it is longer, or contains no readable text.
pub fn reason(text: &str) -> Result<String> {
    let text = text.trim();
    let control = |letter: char| letter.is_control() && letter != '\n';
    match text.chars().count() {
        1..=REASON_LENGTH if !text.contains(control) => Ok(text.to_owned()),
        _ => Err(Error::invalid("reason", "must have 1 to 500 characters")),
    }
}

/// Records an action of an actor, in the transaction of the action. Only the differences between `before` and `after`
/// are stored; of private metadata, only that it differs.
pub(crate) async fn record(app: &App, txn: &impl ConnectionTrait, actor: &Actor, entry: Entry) -> Result<()> {
    let now = app.clock.now();
    let (actor_kind, actor_id) = actor.identity();
    let (before, after) = recorded::differences(entry.before, entry.after);
    let event = Model {
        id: EventId::generate(now),
        occurred_at: now,
        action: entry.action.to_owned(),
        actor_kind,
        actor_id,
        target_kind: entry.target_kind.to_owned(),
        target_id: entry.target_id,
        before,
        after,
        reason: entry.reason,
        request_id: actor.device().request_id.clone(),
        ip_address: actor.device().address.map(|address| address.to_string()),
    };
    Ok(audit_events::insert(txn, event).await?)
}

/// Builds the entry for a change to an account. No facts about the person are recorded when the user is erased.
pub(crate) fn of_account(
    action: &'static str,
    before: Option<&Account>,
    after: &Account,
    reason: Option<String>,
) -> Entry {
    let user = &after.user;
    let (before, now) = match before {
        Some(before) if user.erased_at.is_some() => {
            let merged_into = user.merged_into.map(|id| id.to_string());
            (
                json!({ "deleted": before.user.deleted_at.is_some() }),
                json!({ "deleted": true, "erased": true, "mergedInto": merged_into }),
            )
        }
        before => (before.map_or(Value::Null, facts), facts(after)),
    };
    Entry { action, target_kind: "user", target_id: user.id.to_string(), before, after: now, reason }
}

/// Returns the facts about a user that the audit log records, for the command line.
pub async fn facts_of(app: &App, user: users::Model) -> Result<Value> {
    Ok(facts(&Account::of(&app.db, user).await?))
}

/// Returns the facts about an account that may be recorded.
fn facts(account: &Account) -> Value {
    let user = &account.user;
    let factor = |credential: &user_credentials::Model| json!({ "kind": credential.kind.as_str(), "id": credential.id, "changedAt": credential.changed_at });
    let mut facts = json!({
        "email": user.email.shown(),
        "username": user.username.as_ref().map(Username::as_str),
        "emailVerified": user.email_verified,
        "firstName": user.first_name,
        "lastName": user.last_name,
        "phoneNumber": user.phone_number,
        "locale": user.locale.as_ref().map(ToString::to_string),
        "isActive": user.is_active,
        "isStaff": user.is_staff,
        "isSuperuser": user.is_superuser,
        "roles": user.roles,
        "scopes": user.scopes.to_strings(),
        "metadata": user.metadata,
        "privateMetadata": user.private_metadata,
        "hasPassword": account.password().is_some(),
        "deleted": user.deleted_at.is_some(),
        "erased": user.erased_at.is_some(),
        "mergedInto": user.merged_into.map(|id| id.to_string()),
    });
    let factors: Vec<Value> = account.factors().map(factor).collect();
    if !factors.is_empty() {
        facts["factors"] = factors.into();
    }
    facts
}

/// Returns one page of the audit log, the latest event first. Events that are filtered by their action alone are those
/// of the last 30 days, unless the filter gives a start.
///
/// # Errors
/// [`Error::ValidationFailed`] for a bad page.
pub async fn list(app: &App, filter: &Filter, page: &Page) -> Result<Listing<Model>> {
    let bounds = page.bounds(app, LIST)?;
    let is_indexed = filter.actor_id.is_some() || filter.target_id.is_some() || filter.action.is_none();
    let from = filter.from.or_else(|| (!is_indexed).then(|| app.clock.now() - RECENT));
    let filter = Filter { from, ..filter.clone() };
    let mut found = audit_events::page(&app.db, &filter, bounds.window()).await?;
    for event in &mut found {
        event.before = event.before.take().map(recorded::recorded);
        event.after = event.after.take().map(recorded::recorded);
    }
    Ok(bounds.listing(app, LIST, found, |event| event.id.0))
}

/// Passes every event to `take`, in chronological order and in batches.
///
/// # Errors
/// When the database fails, or `take` does.
pub async fn export(
    app: &App,
    filter: &Filter,
    mut take: impl FnMut(&Model) -> std::io::Result<()>,
) -> Result<(), ExportError> {
    let mut last = None;
    loop {
        let found = audit_events::after(&app.db, filter, last, BATCH).await.map_err(Error::from)?;
        for event in &found {
            take(event)?;
            last = Some(event.id);
        }
        if found.is_empty() {
            return Ok(());
        }
    }
}

/// The reason for which an export ended early.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The database failed.
    #[error(transparent)]
    Read(#[from] Error),
    /// The events could not be written.
    #[error(transparent)]
    Write(#[from] std::io::Error),
}

/// Deletes the events whose retention time is over.
pub(crate) async fn purge(app: &App) -> Result<()> {
    let keep = app.config.audit.retention;
    audit_events::purge(&app.db, app.clock.now() - keep).await?;
    Ok(())
}

/// Parses the identifier of an actor or a target.
///
/// # Errors
/// [`Error::ValidationFailed`] when it is not a UUID.
pub fn actor_id(text: &str) -> Result<Uuid> {
    Uuid::try_parse(text).map_err(|_| Error::invalid("actorId", "is not a UUID"))
}
