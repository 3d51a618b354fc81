//! A mail that shows whether the settings of the mail server are right.

use crate::mailer::{Failure, Mail, Mailer};
use model::clock::Clock;
use model::config::Config;
use model::error::{Error, Result};
use model::values::{Email, MailId};

/// Sends a mail to an address at once. It uses no database, and nothing is stored.
///
/// # Errors
/// [`Error::Conflict`] when no mail server is configured; [`Error::Unavailable`] with the reason when the server does
/// not accept the mail.
pub async fn send_trial(config: &Config, to: Email) -> Result<()> {
    let mailer = Mailer::new(config)?;
    if !mailer.is_on() {
        return Err(Error::Conflict("No mail server is configured: set mail.smtp_url."));
    }
    let issuer = config.issuer();
    let text = format!("This mail shows that {issuer} can send mails. You can ignore it.\n");
    let mail = Mail {
        to,
        subject: "Test of the mail settings".to_owned(),
        html: format!("<p>{}</p>", text.trim_end()).into(),
        text: text.into(),
    };
    mailer.send(MailId::generate(Clock::default().now()), &mail).await.map_err(|failure| match failure {
        Failure::Permanent(reason) => Error::unavailable(format!("the mail server rejected the mail: {reason}")),
        Failure::Passing(reason) => Error::unavailable(format!("the mail was not sent: {reason}")),
    })
}
