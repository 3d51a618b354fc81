//! The commands `webhook …`.

use std::io;

use chrono::{DateTime, Utc};
use clap::{Subcommand, ValueEnum};
use secrecy::ExposeSecret;
use serde_json::json;

use super::failure::Failure;
use engine::app::App;
use engine::callers::Actor;
use engine::pagination::Page;
use engine::webhooks::{self, Log, NewWebhook, Update, WithSecret};
use model::values::{EventTypes, WebhookUrl};
use store::webhook_deliveries::{self, State};
use store::webhooks::Model;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Create an endpoint, and print its identifier and its secret. The secret is shown only once.
    Create {
        /// Address of the endpoint: https://, at a public address.
        url: String,
        /// Type of event that it receives, such as user.created; may be repeated. Default: all.
        #[arg(long = "event", value_name = "TYPE")]
        events: Vec<String>,
        /// Description for people.
        #[arg(long, default_value = "")]
        description: String,
    },
    /// List the endpoints.
    List {
        /// Print JSON, one endpoint per line.
        #[arg(long)]
        json: bool,
    },
    /// Change an endpoint; attributes that are not given stay the same.
    Update {
        /// Identifier of the endpoint.
        id: String,
        /// Address of the endpoint.
        #[arg(long)]
        url: Option<String>,
        /// Type of event that it receives; may be repeated. "all" for all types.
        #[arg(long = "event", value_name = "TYPE")]
        events: Vec<String>,
        /// Description for people.
        #[arg(long)]
        description: Option<String>,
    },
    /// Replace the secret of an endpoint, and print the new one, which is shown only once. For a while, requests are
    /// also signed with the previous secret.
    RotateSecret {
        /// Identifier of the endpoint.
        id: String,
    },
    /// Disable an endpoint, and give up its waiting deliveries.
    Disable {
        /// Identifier of the endpoint.
        id: String,
    },
    /// Enable an endpoint, which receives events from now on.
    Enable {
        /// Identifier of the endpoint.
        id: String,
    },
    /// Delete an endpoint and the log of its deliveries.
    Delete {
        /// Identifier of the endpoint.
        id: String,
    },
    /// Print the deliveries to an endpoint, the latest first.
    Deliveries {
        /// Identifier of the endpoint.
        id: String,
        /// Only deliveries in this state.
        #[arg(long)]
        state: Option<DeliveryState>,
        /// Number of deliveries, at most 100.
        #[arg(long, default_value_t = 20)]
        first: i32,
        /// Only deliveries after this cursor.
        #[arg(long, value_name = "CURSOR", allow_hyphen_values = true)]
        after: Option<String>,
    },
    /// Send deliveries again: a single one, or all to an endpoint.
    #[command(subcommand)]
    Replay(Replay),
}

#[derive(Debug, Subcommand)]
pub(super) enum Replay {
    /// A single delivery.
    Delivery {
        /// Identifier of the endpoint.
        id: String,
    },
    /// All changes since a time.
    Since {
        /// Time of the first change (RFC 3339).
        #[arg(value_parser = super::arguments::time)]
        since: DateTime<Utc>,
        /// Identifier of the endpoint.
        id: String,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum DeliveryState {
    Waiting,
    Delivered,
    Dead,
}

impl From<DeliveryState> for State {
    fn from(state: DeliveryState) -> Self {
        match state {
            DeliveryState::Waiting => Self::Waiting,
            DeliveryState::Delivered => Self::Delivered,
            DeliveryState::Dead => Self::Dead,
        }
    }
}

pub(super) async fn run(app: &App, command: Command) -> Result<(), Failure> {
    let actor = Actor::operator();
    match command {
        Command::Create { url, events, description } => {
            let (url, event_types) = (WebhookUrl::parse(&url)?, EventTypes::parse(&events)?);
            print_secret(&webhooks::create(app, &actor, NewWebhook { url, description, event_types }).await?)?;
        }
        Command::List { json: false } => webhooks::list(app).await?.iter().try_for_each(print)?,
        Command::List { json: true } => {
            webhooks::list(app).await?.iter().try_for_each(|webhook| print_line!("{}", to_json(webhook)))?;
        }
        Command::Update { id, url, events, description } => {
            let event_types = match &events[..] {
                [] => None,
                [all] if all == "all" => Some(EventTypes::default()),
                events => Some(EventTypes::parse(events)?),
            };
            let update = Update { url: url.as_deref().map(WebhookUrl::parse).transpose()?, description, event_types };
            print(&webhooks::update(app, &actor, id.parse()?, update).await?)?;
        }
        Command::RotateSecret { id } => print_secret(&webhooks::rotate_secret(app, &actor, id.parse()?).await?)?,
        Command::Disable { id } => print(&webhooks::disable(app, &actor, id.parse()?).await?)?,
        Command::Enable { id } => print(&webhooks::enable(app, &actor, id.parse()?).await?)?,
        Command::Delete { id } => webhooks::delete(app, &actor, id.parse()?).await?,
        Command::Deliveries { id, state, first, after } => {
            let log = Log { webhook: id.parse()?, state: state.map(State::from) };
            let page = Page { first: Some(first), after, ..Page::default() };
            let listing = webhooks::deliveries(app, log, &page).await?;
            listing.rows.iter().try_for_each(|(_, delivery)| print_delivery(delivery))?;
            if let (true, Some((cursor, _))) = (listing.has_next_page, listing.rows.last()) {
                print_line!("more: --after {cursor}")?;
            }
        }
        Command::Replay(Replay::Delivery { id }) => {
            print_delivery(&webhooks::replay(app, &actor, id.parse()?).await?)?;
        }
        Command::Replay(Replay::Since { since, id }) => {
            print_line!("{} scheduled again", webhooks::replay_since(app, &actor, id.parse()?, since).await?)?;
        }
    }
    Ok(())
}

fn print(webhook: &Model) -> io::Result<()> {
    let state = match (webhook.disabled_at, webhook.failing_since) {
        (Some(_), _) => "disabled",
        (None, Some(_)) => "failing",
        (None, None) => "active",
    };
    let events = webhook.event_types.to_strings();
    let events = if events.is_empty() { "all".to_owned() } else { events.join(" ") };
    let (id, url, description) = (webhook.id, webhook.url.as_str(), &webhook.description);
    print_line!("{}", format!("{id} {url} ({state}) events: {events} {description}").trim_end())
}

fn to_json(webhook: &Model) -> serde_json::Value {
    json!({
        "id": webhook.id,
        "url": webhook.url.as_str(),
        "active": webhook.disabled_at.is_none(),
        "events": webhook.event_types.to_strings(),
        "description": webhook.description,
    })
}

fn print_delivery(delivery: &webhook_deliveries::Model) -> io::Result<()> {
    print_line!("{}", line(delivery))
}

fn line(delivery: &webhook_deliveries::Model) -> String {
    let (id, event, attempts) = (delivery.id, webhooks::event_name(delivery), delivery.attempts);
    let state = delivery.state.name();
    let mut line = format!("{id} {event} {} {state}, attempts {attempts}", delivery.recorded_at.to_rfc3339());
    // While another attempt waits, the row describes the previous one.
    if attempts > 0 {
        match (delivery.status, delivery.failure) {
            (Some(status), _) => line += &format!(", status {status}"),
            (None, Some(failure)) => line += &format!(", {}", webhooks::describe(failure)),
            (None, None) => {}
        }
        line += &delivery.duration_ms.map_or(String::new(), |took| format!(", {took} ms"));
    }
    line
}

/// Prints the identifier and the secret in the form of a shell script or an environment file.
fn print_secret(made: &WithSecret) -> io::Result<()> {
    print_line!("webhook_id={}\nwebhook_secret={}", made.webhook.id, made.secret.expose_secret())
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::values::{UserId, WebhookId};
    use store::changes::{self, Kind, SubjectKind};

    #[test]
    fn a_line_shows_the_last_attempt_unless_a_replay_has_reset_it() {
        let now = DateTime::UNIX_EPOCH;
        let change = changes::Model {
            position: 1,
            kind: Kind::UserCreated,
            subject_kind: Some(SubjectKind::User),
            subject_id: Some(UserId::generate(now).0),
            session_id: None,
            token_id: None,
            version: 1,
            recorded_at: now,
            held_before: None,
        };
        let mut delivery = webhook_deliveries::Model {
            attempts: 1,
            attempted_at: Some(now),
            failure: Some(webhook_deliveries::Failure::Status),
            status: Some(503),
            duration_ms: Some(12),
            ..webhook_deliveries::Model::new(WebhookId::generate(now), change, now)
        };
        assert!(line(&delivery).ends_with(" waiting, attempts 1, status 503, 12 ms"), "{}", line(&delivery));
        delivery.attempts = 0;
        assert!(line(&delivery).ends_with(" waiting, attempts 0"), "{}", line(&delivery));
    }
}
