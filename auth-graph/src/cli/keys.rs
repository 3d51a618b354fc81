//! The commands `keys list`, `keys rotate` and `keys retire`.

use clap::Subcommand;
use serde_json::json;

use super::failure::Failure;
use engine::app::App;
use engine::callers::Actor;
use engine::keys::{self, Start, State};
use model::error::{Code, Error};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List the signing keys with their algorithm, their state, and the times of creation, first signature and
    /// retirement.
    List {
        /// Print JSON, one key per line.
        #[arg(long)]
        json: bool,
    },
    /// Create a successor of the signing key. It is published at once and signs after tokens.key_publish_lead.
    Rotate {
        /// Sign with the successor at once. If one is published already, use that one.
        #[arg(long)]
        now: bool,
    },
    /// Withdraw a stolen key at once. Every token that it signed is rejected from now on, here and by services that
    /// follow the feed; other services reject them within 5 minutes.
    Retire {
        /// Identifier of the key, as `keys list` prints it.
        #[arg(allow_hyphen_values = true)]
        kid: String,
    },
}

pub(super) async fn run(app: &App, command: Command) -> Result<(), Failure> {
    match command {
        Command::List { json } => {
            for key in keys::list(app).await? {
                let state = match key.state {
                    State::Waiting => "waiting",
                    State::Signing => "signing",
                    State::Verifying => "verifying",
                    State::Retired => "retired",
                };
                if json {
                    let (made, from) = (key.created_at, key.active_from);
                    let shown = json!({
                        "kid": key.kid, "algorithm": key.algorithm, "state": state, "createdAt": made,
                        "signsFrom": from, "until": key.until,
                    });
                    print_line!("{shown}")?;
                    continue;
                }
                let time = |time: chrono::DateTime<chrono::Utc>| time.format("%Y-%m-%dT%H:%M:%SZ").to_string();
                let until = key.until.map_or_else(|| "-".to_owned(), time);
                let (made, from) = (time(key.created_at), time(key.active_from));
                print_line!("{} {} {state:<9} made {made} signs from {from} until {until}", key.kid, key.algorithm)?;
            }
        }
        Command::Rotate { now } => {
            let start = if now { Start::Now } else { Start::Published };
            let kid = keys::rotate(app, &Actor::operator(), start).await.map_err(not_replaced)?;
            print_line!("{kid}")?;
        }
        Command::Retire { kid } => {
            keys::retire(app, &Actor::operator(), &kid).await.map_err(not_withdrawn)?;
            print_line!("{kid} is withdrawn")?;
        }
    }
    Ok(())
}

/// Adds the command that puts the waiting key into use.
fn not_replaced(error: Error) -> Failure {
    match error.code() {
        Code::Conflict => Failure::with_hint(error, "`auth-graph keys rotate --now` lets the waiting key sign at once"),
        _ => error.into(),
    }
}

/// Adds the command that must be run before.
fn not_withdrawn(error: Error) -> Failure {
    match error.code() {
        Code::ValidationFailed => Failure::with_hint(error, "`auth-graph keys list` prints the identifiers"),
        Code::Conflict => {
            Failure::with_hint(error, "run `auth-graph keys rotate --now` first; it lets another key sign at once")
        }
        _ => error.into(),
    }
}
