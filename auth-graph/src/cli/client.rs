//! `client create`, `client list`, `client rotate-secret`, `client disable`.

use clap::Subcommand;
use secrecy::ExposeSecret;

use super::Failure;
use crate::app::App;
use crate::auth::Actor;
use crate::auth::clients::{self, NewClient, WithSecret};
use crate::store::service_clients::Model;
use crate::values::Scopes;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make a service client, and print its identifier and its secret. The secret is shown this once.
    Create {
        /// What people call it.
        name: String,
        /// What it may ask for; may be repeated.
        #[arg(long = "scope", value_name = "SCOPE")]
        scopes: Vec<String>,
        /// Who its tokens may be for; may be repeated. Left out: tokens.audience of the configuration.
        #[arg(long = "audience", value_name = "AUDIENCE")]
        audiences: Vec<String>,
    },
    /// List the service clients.
    List,
    /// Give a service client a new secret, and print it this once. The old one is of no use from then on.
    RotateSecret {
        /// Its identifier.
        id: String,
    },
    /// Disable a service client for good, and end its tokens.
    Disable {
        /// Its identifier.
        id: String,
    },
}

pub(super) async fn run(app: &App, command: Command) -> Result<(), Failure> {
    match command {
        Command::Create { name, scopes, audiences } => {
            let scopes = Scopes::parse(&scopes.join(" "))?;
            print_secret(&clients::create(app, &Actor::operator(), NewClient { name, scopes, audiences }).await?);
        }
        Command::List => clients::list(app).await?.iter().for_each(print),
        Command::RotateSecret { id } => {
            print_secret(&clients::rotate_secret(app, &Actor::operator(), id.parse()?).await?)
        }
        Command::Disable { id } => print(&clients::disable(app, &Actor::operator(), id.parse()?).await?),
    }
    Ok(())
}

fn print(client: &Model) {
    let state = if client.is_active() { "active" } else { "disabled" };
    let (scopes, audiences) = (client.scopes.to_claim(), client.audiences().join(" "));
    println!("{} {} ({state}) scopes: {scopes}; audiences: {audiences}", client.id, client.name);
}

/// In the form that a shell or an environment file takes.
fn print_secret(made: &WithSecret) {
    println!("client_id={}\nclient_secret={}", made.client.id, made.secret.expose_secret());
}
