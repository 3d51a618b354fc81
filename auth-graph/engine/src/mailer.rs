//! Renders mails and passes them to the mail server. [`crate::mail`] decides when a mail is sent and to whom.

mod message;
mod names;
mod templates;
mod transport;

use model::config::Config;
use model::error::Result;
use model::values::{Email, MailId};

pub use message::Mail;
pub use templates::{Content, Link, Template};
pub use transport::{Failure, Transport};

/// Renders and sends mails.
#[derive(Debug)]
pub struct Mailer {
    templates: templates::Templates,
    transport: Transport,
}

impl Mailer {
    /// Loads the templates and prepares the transport, without connecting to the server.
    ///
    /// # Errors
    /// When a template cannot be read or is invalid, or the URL of the server is invalid.
    pub fn new(config: &Config) -> Result<Self> {
        Ok(Self { templates: templates::Templates::load(config)?, transport: Transport::new(config)? })
    }

    /// Returns whether mails can be sent.
    #[must_use]
    pub fn is_on(&self) -> bool {
        !matches!(self.transport, Transport::None)
    }

    /// Renders a mail.
    ///
    /// # Errors
    /// When a template cannot be rendered.
    pub fn write(&self, to: Email, template: Template, content: &Content<'_>) -> Result<Mail> {
        self.templates.write(to, template, content)
    }

    /// Passes a mail to the server. Each attempt for the same identifier has the same `Message-ID`, by which receivers
    /// recognise a mail that arrives twice.
    ///
    /// # Errors
    /// [`Failure`], which says whether another attempt can succeed.
    pub async fn send(&self, id: MailId, mail: &Mail) -> Result<(), Failure> {
        self.transport.send(id, mail).await
    }
}
