//! The commands `client create`, `client update`, `client list`, `client rotate-secret` and `client disable`.

use std::io;

use clap::{Args, Subcommand};
use secrecy::ExposeSecret;
use serde_json::json;

use super::failure::Failure;
use engine::app::App;
use engine::callers::Actor;
use engine::clients::{self, NewClient, WithSecret};
use model::error::Error;
use model::values::{Projection, RolesAndScopes, Scopes};
use store::clients::Model;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Create a service client, and print its identifier and its secret. The secret is shown only once.
    Create {
        /// Name of the client.
        name: String,
        /// Scope that the client may request; may be repeated.
        #[arg(long = "scope", value_name = "SCOPE")]
        scopes: Vec<String>,
        /// Audience that its tokens may have, one of tokens.audience and tokens.further_audiences of the configuration;
        /// may be repeated. Default: tokens.audience.
        #[arg(long = "audience", value_name = "AUDIENCE")]
        audiences: Vec<String>,
        #[command(flatten)]
        shown: Shown,
    },
    /// Change the users and fields that a service client can see. The client then reads all users again.
    Update {
        /// Identifier of the client.
        id: String,
        #[command(flatten)]
        shown: Shown,
        /// Let it see all users and fields.
        #[arg(long, conflicts_with_all = ["roles", "users_with_scope", "fields"])]
        everything: bool,
    },
    /// List the service clients.
    List {
        /// Print JSON, one client per line.
        #[arg(long)]
        json: bool,
    },
    /// Replace the secret of a service client, and print the new one. It is shown only once, and the previous secret is
    /// no longer accepted.
    RotateSecret {
        /// Identifier of the client.
        id: String,
    },
    /// Disable a service client permanently, and reject its tokens.
    Disable {
        /// Identifier of the client.
        id: String,
    },
}

/// Users and fields that a client can see. Default: everything.
#[derive(Args, Debug)]
pub(super) struct Shown {
    /// Only users with this role; may be repeated, and one of the roles suffices.
    #[arg(long = "users-with-role", value_name = "ROLE")]
    roles: Vec<String>,
    /// Only users with this scope; may be repeated, and one of the scopes suffices.
    #[arg(long, value_name = "SCOPE")]
    users_with_scope: Vec<String>,
    /// Only this field of users, such as email or metadata._orders; may be repeated.
    #[arg(long = "field", value_name = "FIELD")]
    fields: Vec<String>,
}

impl Shown {
    fn parse(self) -> Result<Option<Projection>, Failure> {
        let Self { roles, users_with_scope, fields } = self;
        if roles.is_empty() && users_with_scope.is_empty() && fields.is_empty() {
            return Ok(None);
        }
        let users =
            RolesAndScopes { roles: roles.into_iter().collect(), scopes: Scopes::parse(&users_with_scope.join(" "))? };
        Ok(Some(Projection::parse(users, Some(&fields[..]).filter(|fields| !fields.is_empty()))?))
    }
}

pub(super) async fn run(app: &App, command: Command) -> Result<(), Failure> {
    match command {
        Command::Create { name, scopes, audiences, shown } => {
            let new =
                NewClient { name, scopes: Scopes::parse(&scopes.join(" "))?, audiences, projection: shown.parse()? };
            print_secret(&clients::create(app, &Actor::operator(), new).await?)?;
        }
        Command::Update { id, shown, everything } => {
            let projection = shown.parse()?;
            if projection.is_none() && !everything {
                return Err(
                    Error::invalid("projection", "must name roles, scopes or fields, or use --everything").into()
                );
            }
            print(&clients::set_projection(app, &Actor::operator(), id.parse()?, projection).await?)?;
        }
        Command::List { json: false } => clients::list(app).await?.iter().try_for_each(print)?,
        Command::List { json: true } => {
            clients::list(app).await?.iter().try_for_each(|client| print_line!("{}", to_json(client)))?;
        }
        Command::RotateSecret { id } => {
            print_secret(&clients::rotate_secret(app, &Actor::operator(), id.parse()?).await?)?;
        }
        Command::Disable { id } => print(&clients::disable(app, &Actor::operator(), id.parse()?).await?)?,
    }
    Ok(())
}

fn print(client: &Model) -> io::Result<()> {
    let state = if client.is_active() { "active" } else { "disabled" };
    let (scopes, audiences) = (client.scopes.to_claim(), client.audiences().join(" "));
    let shown = client.projection.as_ref().map(describe).unwrap_or_default();
    print_line!("{} {} ({state}) scopes: {scopes}; audiences: {audiences}{shown}", client.id, client.name)
}

fn to_json(client: &Model) -> serde_json::Value {
    let projection = client.projection.as_ref();
    json!({
        "id": client.id,
        "name": client.name,
        "active": client.is_active(),
        "scopes": client.scopes.to_strings(),
        "audiences": client.audiences(),
        "usersWithRoles": projection.map(|projection| &projection.users().roles),
        "usersWithScopes": projection.map(|projection| projection.users().scopes.to_strings()),
        "fields": projection.and_then(Projection::fields),
    })
}

fn describe(projection: &Projection) -> String {
    let RolesAndScopes { roles, scopes } = projection.users();
    let part = |name: &str, items: Vec<String>| match items.is_empty() {
        true => String::new(),
        false => format!("; {name}: {}", items.join(" ")),
    };
    let fields = projection.fields().map_or(String::new(), |fields| format!("; fields: {}", fields.join(" ")));
    let roles = part("users with roles", roles.iter().cloned().collect());
    format!("{roles}{}{fields}", part("users with scopes", scopes.to_strings()))
}

/// Prints the identifier and the secret in the form of a shell script or an environment file.
fn print_secret(made: &WithSecret) -> io::Result<()> {
    print_line!("client_id={}\nclient_secret={}", made.client.id, made.secret.expose_secret())
}
