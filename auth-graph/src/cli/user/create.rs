//! The command `user create`.

use std::path::PathBuf;

use clap::Args;

use super::listing::print;
use super::password::read_password;
use crate::cli::failure::Failure;
use engine::accounts::{self, Rank};
use engine::administration::{self, NewAccount};
use engine::app::App;
use engine::callers::Actor;
use model::error::{Code, Error};
use model::values::NewPassword;

#[derive(Debug, Args)]
pub(in crate::cli) struct Create {
    /// E-mail address. It can be left out for a user with a user name.
    #[arg(required_unless_present = "username")]
    email: Option<String>,
    /// Name to sign in with, if accounts.usernames is on.
    #[arg(long, value_name = "NAME")]
    username: Option<String>,
    /// Give the user the role superuser, with all permissions.
    #[arg(long)]
    superuser: bool,
    /// Give the user the role staff.
    #[arg(long)]
    staff: bool,
    /// Given name.
    #[arg(long, default_value = "")]
    first_name: String,
    /// Family name.
    #[arg(long, default_value = "")]
    last_name: String,
    /// Create the user without a password. They cannot sign in until they have set one.
    #[arg(long)]
    no_password: bool,
    /// File whose first line is the password, such as a mounted secret. Default: the command asks, or reads standard
    /// input.
    #[arg(long, value_name = "FILE", conflicts_with = "no_password")]
    password_file: Option<PathBuf>,
    /// Change nothing and succeed if the address, or the user name without one, has an account already. For the first
    /// start of a container.
    #[arg(long)]
    if_missing: bool,
}

pub(super) async fn run(app: &App, options: Create) -> Result<(), Failure> {
    let name = options.email.as_ref().or(options.username.as_ref()).cloned().unwrap_or_default();
    let email = options.email.map(|email| email.parse()).transpose()?;
    let username = options.username.map(|name| name.parse()).transpose()?;
    if options.if_missing
        && let Some(result) = existing(app, &name).await
    {
        return result;
    }
    let password = match options.no_password {
        true => None,
        false => Some(NewPassword::parse(read_password(options.password_file.as_deref())?)?),
    };
    let rank = match (options.superuser, options.staff) {
        (true, _) => Rank::Superuser,
        (false, true) => Rank::Staff,
        (false, false) => Rank::User,
    };
    let Create { first_name, last_name, .. } = options;
    let new = NewAccount { first_name, last_name, rank, ..NewAccount::of(email, username, password) };
    match administration::create(app, &Actor::operator(), new).await {
        Ok(user) => Ok(print(&user)?),
        // Several containers may start at once.
        Err(error) if options.if_missing && error.code() == Code::Conflict => {
            existing(app, &name).await.unwrap_or(Err(error.into()))
        }
        Err(error) => Err(error.into()),
    }
}

/// Returns the result of the command if the address or user name has an account.
async fn existing(app: &App, name: &str) -> Option<Result<(), Failure>> {
    match accounts::by_name(app, name).await {
        Ok(_) => Some(print_line!("{name} exists already").map_err(Failure::from)),
        Err(Error::NotFound) => None,
        Err(error) => Some(Err(error.into())),
    }
}
