//! `user create`, `user disable`, `user enable`.

use std::io::{self, BufRead, IsTerminal};

use clap::Subcommand;
use secrecy::{ExposeSecret, SecretString};

use super::Failure;
use crate::app::App;
use crate::auth::accounts::{self, NewUser, Rank};
use crate::error::Error;
use crate::values::{Email, NewPassword};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make a user. The password is asked for, or read from the first line of standard input.
    Create {
        /// The e-mail address.
        email: String,
        /// Let them do everything.
        #[arg(long)]
        superuser: bool,
        /// Make them staff.
        #[arg(long)]
        staff: bool,
        /// Given name.
        #[arg(long, default_value = "")]
        first_name: String,
        /// Family name.
        #[arg(long, default_value = "")]
        last_name: String,
    },
    /// Forbid a user to sign in, and end their sessions.
    Disable {
        /// The e-mail address.
        email: String,
    },
    /// Let a disabled user sign in again.
    Enable {
        /// The e-mail address.
        email: String,
    },
}

pub(super) async fn run(app: &App, command: Command) -> Result<(), Failure> {
    let user = match command {
        Command::Create { email, superuser, staff, first_name, last_name } => {
            let email: Email = email.parse()?;
            let password = NewPassword::parse(read_password()?)?;
            let rank = match (superuser, staff) {
                (true, _) => Rank::Superuser,
                (false, true) => Rank::Staff,
                (false, false) => Rank::User,
            };
            accounts::create(app, NewUser { email, password, first_name, last_name, rank }).await?
        }
        Command::Disable { email } => accounts::disable(app, find(app, &email).await?).await?,
        Command::Enable { email } => accounts::enable(app, find(app, &email).await?).await?,
    };
    let state = if user.is_active { "active" } else { "disabled" };
    println!("{} {} ({state})", user.id, user.email);
    Ok(())
}

async fn find(app: &App, email: &str) -> Result<crate::values::UserId, Error> {
    Ok(accounts::by_email(app, &email.parse()?).await?.id)
}

fn read_password() -> Result<SecretString, Failure> {
    let stdin = io::stdin();
    if !stdin.is_terminal() {
        let mut line = String::new();
        stdin.lock().read_line(&mut line)?;
        return Ok(line.trim_end_matches(['\r', '\n']).into());
    }
    let password: SecretString = rpassword::prompt_password("Password: ")?.into();
    let again: SecretString = rpassword::prompt_password("Password again: ")?.into();
    if password.expose_secret() != again.expose_secret() {
        return Err(Error::invalid("password", "the two are not the same").into());
    }
    Ok(password)
}
