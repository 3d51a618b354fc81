//! A rendered mail.

use secrecy::SecretString;

use model::values::Email;

/// A mail that is ready to be sent.
#[derive(Debug)]
pub struct Mail {
    /// Recipient.
    pub to: Email,
    /// Subject, in one line.
    pub subject: String,
    /// Plain text. It may contain a one-time token.
    pub text: SecretString,
    /// The same content as HTML.
    pub html: SecretString,
}
