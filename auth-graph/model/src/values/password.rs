//! New passwords. `credentials::passwords` hashes them.

use secrecy::{ExposeSecret, SecretString};
use unicode_normalization::UnicodeNormalization;

use crate::error::Error;

/// Passwords of the users of the demo, which are published in README.
const SAMPLES: [&str; 3] = ["admin-pass", "staff-pass", "user-pass"];

/// Returns true for a password that is published in the documentation.
#[must_use]
pub fn is_sample_password(password: &SecretString) -> bool {
    SAMPLES.contains(&password.expose_secret())
}

/// Returns the normal form (NFKC, NIST SP 800-63B section 3.1.1.2) of a password, as keyboards and systems encode the
/// same letters differently.
#[must_use]
pub fn normalised(password: &SecretString) -> SecretString {
    password.expose_secret().nfkc().collect::<String>().into()
}

/// Normalised new password of 8 to 256 characters. `engine` checks its strength.
#[derive(Clone, Debug)]
pub struct NewPassword(SecretString);

impl NewPassword {
    /// Normalises a password and checks its length.
    ///
    /// # Errors
    /// [`Error::ValidationFailed`] when it is too short or too long.
    pub fn parse(password: SecretString) -> Result<Self, Error> {
        let refused = Err(Error::invalid("password", "must have 8 to 256 characters"));
        // Normalising can make a text longer, many times over.
        if password.expose_secret().len() > 4096 {
            return refused;
        }
        let password = normalised(&password);
        match password.expose_secret().chars().count() {
            8..=256 => Ok(Self(password)),
            _ => refused,
        }
    }

    #[must_use]
    pub fn as_secret(&self) -> &SecretString {
        &self.0
    }
}
