//! The transport of mails: an SMTP server, or the console in development.

use std::io::Write;
use std::time::Duration;

use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use secrecy::ExposeSecret;

use super::message::Mail;
use model::config::{Config, Profile};
use model::error::{Error, Result};

/// For so long the server may take to answer a command.
const TIMEOUT: Duration = Duration::from_secs(20);
/// For so long handing over one mail may take.
const AT_MOST: Duration = Duration::from_secs(60);

/// The transport of mails.
#[derive(Debug)]
pub enum Transport {
    /// To an SMTP server.
    Smtp {
        /// The connection to it, made when the first mail is sent.
        server: Box<AsyncSmtpTransport<Tokio1Executor>>,
        /// The sender.
        from: Mailbox,
    },
    /// To the console, with the tokens in them: never in production.
    Console,
    /// Nowhere.
    None,
}

/// The reason for which a mail was not handed over.
#[derive(Debug)]
pub enum Failure {
    /// The server will not take it, however often it is tried: it is about this mail or its reader, and not about us
    /// (RFC 5321 section 4.2.3).
    Permanent(String),
    /// It may be taken later.
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
            let from = config.mail.from.parse().map_err(Error::internal)?;
            return Ok(Self::Smtp { server: Box::new(builder.timeout(Some(TIMEOUT)).build()), from });
        }
        Ok(match config.profile {
            Profile::Production => Self::None,
            Profile::Development | Profile::Demo => Self::Console,
        })
    }

    pub(super) async fn send(&self, mail: &Mail) -> Result<(), Failure> {
        match self {
            Self::Smtp { server, from } => {
                let message = message(mail, from.clone()).map_err(Failure::Permanent)?;
                let sent = tokio::time::timeout(AT_MOST, server.send(message)).await;
                let sent = sent.map_err(|_| Failure::Passing("it took too long".to_owned()))?;
                sent.map(drop).map_err(|error| {
                    // What the server says of a mail can quote it; the status can not.
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

/// Returns the reason for a missing answer, such as a certificate that is not trusted.
fn no_status(error: &smtp::Error) -> String {
    if error.is_response() { "the answer can not be read".to_owned() } else { error.to_string() }
}

fn message(mail: &Mail, from: Mailbox) -> Result<Message, String> {
    let to: Address = mail.to.as_str().parse().map_err(|_| "the address can not be written to".to_owned())?;
    // No name is written beside the address: it is the user's to choose, and headers are no place for it. Other
    // programs shall not answer (RFC 3834).
    let builder = Message::builder().from(from).to(Mailbox::new(None, to)).subject(mail.subject.clone());
    let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
    let builder = builder.raw_header(HeaderValue::new(automatic, "auto-generated".to_owned()));
    let (text, html) = (mail.text.expose_secret().to_owned(), mail.html.expose_secret().to_owned());
    builder.multipart(MultiPart::alternative_plain_html(text, html)).map_err(|_| "it can not be written".to_owned())
}
