//! The commands `audit export`, `audit events` and `audit logins`.

use std::io::{self, Write};

use chrono::{DateTime, Duration, Utc};
use clap::Subcommand;
use sea_orm::ActiveEnum;
use serde_json::json;

use super::failure::Failure;
use super::user::UserArgument;
use engine::app::App;
use engine::audit::login_events::{self, Piece};
use engine::audit::{self, ExportError, Filter, Model};
use engine::pagination::Page;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Print the audit log as JSON, one event per line, the earliest first.
    Export {
        /// Only events from this time on (RFC 3339).
        #[arg(long, value_name = "TIME", value_parser = super::arguments::time)]
        from: Option<DateTime<Utc>>,
        /// Only events before this time (RFC 3339).
        #[arg(long, value_name = "TIME", value_parser = super::arguments::time)]
        until: Option<DateTime<Utc>>,
        /// Only actions on the target with this identifier.
        #[arg(long, value_name = "ID")]
        target: Option<String>,
        /// Only this action, such as user.disable.
        #[arg(long)]
        action: Option<String>,
    },
    /// Print sign-ins and failed attempts as JSON, one per line, the latest first.
    Events {
        /// Only events of this user: e-mail address or identifier.
        #[arg(long)]
        user: Option<String>,
        /// Number of events, at most 100.
        #[arg(long, default_value_t = 20)]
        first: i32,
        /// Only events after this cursor, which is printed to standard error when there are more events.
        #[arg(long, value_name = "CURSOR", allow_hyphen_values = true)]
        after: Option<String>,
    },
    /// Print the number of sign-ins on each of the last days, by result.
    Logins {
        /// Number of days, 1 to 365.
        #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(i64).range(1..=365))]
        days: i64,
    },
}

pub(super) async fn run(app: &App, command: Command) -> Result<(), Failure> {
    match command {
        Command::Export { from, until, target, action } => {
            let filter = Filter { actor_id: None, target_id: target, action, from, until };
            let mut out = io::BufWriter::new(io::stdout().lock());
            audit::export(app, &filter, |event| writeln!(out, "{}", line(event))).await?;
            Ok(out.flush()?)
        }
        Command::Events { user, first, after } => {
            let user_id = match user {
                Some(user) => Some(UserArgument { user }.id(app).await?),
                None => None,
            };
            let filter = login_events::Filter { user_id, ..Default::default() };
            let page = Page { first: Some(first), after, ..Page::default() };
            let listing = login_events::list(app, &filter, &page).await?;
            for (_, event) in &listing.rows {
                print_line!("{}", sign_in(event))?;
            }
            if let (true, Some((cursor, _))) = (listing.has_next_page, listing.rows.last()) {
                eprintln!("more: --after {cursor}");
            }
            Ok(())
        }
        Command::Logins { days } => {
            let now = app.clock.now();
            let (from, until) = (Some(now - Duration::days(days)), Some(now));
            let filter = login_events::Filter { from, until, ..Default::default() };
            let counts = login_events::count(app, &filter, Piece::Day).await?;
            for ((day, result), count) in login_events::sums(&counts) {
                print_line!("{} {result} {count}", day.format("%Y-%m-%d"))?;
            }
            Ok(())
        }
    }
}

fn line(event: &Model) -> serde_json::Value {
    json!({
        "id": event.id,
        "occurredAt": event.occurred_at,
        "action": event.action,
        "actorKind": event.actor_kind.name().to_uppercase(),
        "actorId": event.actor_id,
        "targetKind": event.target_kind,
        "targetId": event.target_id,
        "before": event.before,
        "after": event.after,
        "reason": event.reason,
        "requestId": event.request_id,
        "ipAddress": event.ip_address,
    })
}

/// Builds the JSON of an event, with the fields of `LoginEvent` in the schema.
fn sign_in(event: &login_events::Model) -> serde_json::Value {
    json!({
        "id": event.id.0,
        "occurredAt": event.occurred_at,
        "kind": event.kind.to_value().to_uppercase(),
        "granted": event.code.is_none(),
        "code": event.code,
        "userId": event.user_id,
        "sessionId": event.session_id,
        "clientId": event.client_id,
        "ipAddress": event.ip_address,
        "userAgent": event.user_agent,
    })
}

impl From<ExportError> for Failure {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::Read(error) => error.into(),
            ExportError::Write(error) => Self::Io(error),
        }
    }
}
