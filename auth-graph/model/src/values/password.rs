//! Passwords that a person chooses. How they are hashed is `credentials::passwords`.

use secrecy::{ExposeSecret, SecretString};
use unicode_normalization::UnicodeNormalization;

use crate::error::Error;

/// The passwords of the demo's users, which everybody can read in our README.
const SAMPLES: [&str; 3] = ["admin-pass", "staff-pass", "user-pass"];

/// Whether everybody knows this password from our documentation.
#[must_use]
pub fn is_sample_password(password: &SecretString) -> bool {
    SAMPLES.contains(&password.expose_secret())
}

/// The one form (NFKC, NIST SP 800-63B section 3.1.1.2) of what keyboards and systems write differently.
#[must_use]
pub fn normalised(password: &SecretString) -> SecretString {
    password.expose_secret().nfkc().collect::<String>().into()
}

/// A password that may be set, normalised: 8 to 256 characters. Whether it is a good one is for `auth` to say.
#[derive(Clone, Debug)]
pub struct NewPassword(SecretString);

impl NewPassword {
    /// Checks a password before it is hashed.
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

    /// The password, to be hashed.
    #[must_use]
    pub fn as_secret(&self) -> &SecretString {
        &self.0
    }
}
