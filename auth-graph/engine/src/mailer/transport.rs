//! The transport of mails: an SMTP server, or the console in development.

use std::io::Write;
use std::time::Duration;

use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use secrecy::ExposeSecret;

use super::message::Mail;
use super::names;
use model::config::{Config, Profile};
use model::error::{Error, Result};
use model::values::MailId;

/// Time limit for the answer of the server to one command.
const TIMEOUT: Duration = Duration::from_secs(20);
/// Time limit for sending one mail.
const AT_MOST: Duration = Duration::from_secs(60);

/// The transport of mails.
#[derive(Debug)]
pub enum Transport {
    /// Sends to an SMTP server.
    Smtp {
        /// Connection to the server, opened when the first mail is sent.
        server: Box<AsyncSmtpTransport<Tokio1Executor>>,
        /// Sender of the mails.
        from: Mailbox,
        /// Right side of their identifiers.
        domain: String,
    },
    /// Prints mails to the console, including their tokens; never used in production.
    Console,
    /// Sends nothing.
    None,
}

/// Reason for which a mail was not sent.
#[derive(Debug)]
pub enum Failure {
    /// The server rejects this mail or its recipient, and will reject every further attempt (RFC 5321 section 4.2.3).
    Permanent(String),
    /// A later attempt may succeed.
    Passing(String),
}

impl Transport {
    pub(super) fn new(config: &Config) -> Result<Self> {
        let url = config.mail.smtp_url.expose_secret();
        if !url.is_empty() {
            let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(url)
                .map_err(|_| Error::internal("mail.smtp_url is not the address of an SMTP server"))?;
            let builder = match config.mail.encryption().map_err(Error::internal)? {
                Some(encryption) => builder.tls(encryption),
                None => builder,
            };
            let from = names::sender(config)?;
            let server = builder.timeout(Some(TIMEOUT)).hello_name(names::hello_name(config)).build();
            return Ok(Self::Smtp { server: Box::new(server), from, domain: names::domain_of_identifiers(config) });
        }
        Ok(match config.profile {
            Profile::Production => Self::None,
            Profile::Development | Profile::Demo => Self::Console,
        })
    }

    pub(super) async fn send(&self, id: MailId, mail: &Mail) -> Result<(), Failure> {
        match self {
            Self::Smtp { server, from, domain } => {
                let message = message(mail, from.clone(), format!("<{id}@{domain}>")).map_err(Failure::Permanent)?;
                let sent = tokio::time::timeout(AT_MOST, server.send(message)).await;
                let sent = sent.map_err(|_| Failure::Passing("sending took too long".to_owned()))?;
                sent.map(drop).map_err(|error| {
                    // The message of the server may quote the mail. The status does not.
                    let Some(status) = error.status() else { return Failure::Passing(no_status(&error)) };
                    let permanent = (550..=554).contains(&u16::from(status));
                    if permanent {
                        Failure::Permanent(status.to_string())
                    } else {
                        Failure::Passing(status.to_string())
                    }
                })
            }
            Self::Console => {
                let (subject, text) = (&mail.subject, mail.text.expose_secret());
                let printed = writeln!(std::io::stderr(), "--- mail to {}: {subject}\n{text}\n---", mail.to);
                printed.map_err(|error| Failure::Passing(error.to_string()))
            }
            Self::None => Err(Failure::Passing("no SMTP server is configured".to_owned())),
        }
    }
}

/// Returns the reason for which there is no answer, such as a certificate that is not trusted.
fn no_status(error: &smtp::Error) -> String {
    if error.is_response() { "the answer of the server cannot be parsed".to_owned() } else { error.to_string() }
}

fn message(mail: &Mail, from: Mailbox, identifier: String) -> Result<Message, String> {
    let to: Address = mail.to.as_str().parse().map_err(|_| "the address is not valid for mail".to_owned())?;
    // The header contains the address without the name, because users choose their names. `Auto-Submitted` asks other
    // programs not to answer (RFC 3834).
    let builder = Message::builder().from(from).to(Mailbox::new(None, to)).subject(mail.subject.clone());
    let builder = builder.message_id(Some(identifier));
    let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
    let builder = builder.raw_header(HeaderValue::new(automatic, "auto-generated".to_owned()));
    let (text, html) = (mail.text.expose_secret().to_owned(), mail.html.expose_secret().to_owned());
    builder
        .multipart(MultiPart::alternative_plain_html(text, html))
        .map_err(|_| "the mail cannot be encoded".to_owned())
}
