//! The command `mail test`.

use clap::Subcommand;
use secrecy::ExposeSecret;

use super::failure::Failure;
use engine::mail;
use model::config::Config;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Send a mail to an address at once, without the database or the running service.
    Test {
        /// E-mail address of the recipient.
        address: String,
    },
}

pub(super) async fn run(config: &Config, command: Command) -> Result<(), Failure> {
    let Command::Test { address } = command;
    mail::send_trial(config, address.parse()?).await?;
    match config.mail.smtp_url.expose_secret() {
        "" => Ok(print_line!("the mail was printed on the console, because mail.smtp_url is empty")?),
        _ => Ok(print_line!("the mail server accepted a mail to {address}")?),
    }
}
