//! A written mail.

use secrecy::SecretString;

use model::values::Email;

/// A mail, ready to be sent.
#[derive(Debug)]
pub struct Mail {
    /// To whom.
    pub to: Email,
    /// Its subject, one line.
    pub subject: String,
    /// Text of the mail. It may contain a one-time token.
    pub text: SecretString,
    /// The same as HTML.
    pub html: SecretString,
}
