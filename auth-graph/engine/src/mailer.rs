//! Mails: what they look like, and handing them over. When one is sent, and to whom, is decided in [`crate::mail`].

mod message;
mod templates;
mod transport;

use model::config::Config;
use model::error::Result;
use model::values::Email;

pub use message::Mail;
pub use templates::{Content, Template};
pub use transport::{Failure, Transport};

/// Writes mails and hands them over.
#[derive(Debug)]
pub struct Mailer {
    templates: templates::Templates,
    transport: Transport,
}

impl Mailer {
    /// Reads the templates and prepares the transport; nothing is connected yet.
    ///
    /// # Errors
    /// When a template can not be read or is broken, or the address of the server is none.
    pub fn new(config: &Config) -> Result<Self> {
        Ok(Self { templates: templates::Templates::load(config)?, transport: Transport::new(config)? })
    }

    /// Returns whether mails go anywhere.
    #[must_use]
    pub fn is_on(&self) -> bool {
        !matches!(self.transport, Transport::None)
    }

    /// Writes a mail.
    ///
    /// # Errors
    /// When a template fails.
    pub fn write(&self, to: Email, template: Template, content: &Content<'_>) -> Result<Mail> {
        self.templates.write(to, template, content)
    }

    /// Hands a mail over.
    ///
    /// # Errors
    /// The [`Failure`], which says whether it is worth trying again.
    pub async fn send(&self, mail: &Mail) -> Result<(), Failure> {
        self.transport.send(mail).await
    }
}
