//! Passwords that a person chooses. How they are hashed is `credentials::passwords`.

use secrecy::{ExposeSecret, SecretString};

use crate::error::Error;

/// The passwords of the demo's users, which everybody can read in our README.
const SAMPLES: [&str; 3] = ["admin-pass", "staff-pass", "user-pass"];

/// Whether everybody knows this password from our documentation.
#[must_use]
pub fn is_sample_password(password: &SecretString) -> bool {
    SAMPLES.contains(&password.expose_secret())
}

/// A password that may be set: 8 to 256 characters.
#[derive(Clone, Debug)]
pub struct NewPassword(SecretString);

impl NewPassword {
    /// Checks a password before it is hashed.
    ///
    /// # Errors
    /// [`Error::ValidationFailed`] when it is too short or too long.
    pub fn parse(password: SecretString) -> Result<Self, Error> {
        match password.expose_secret().chars().count() {
            8..=256 => Ok(Self(password)),
            _ => Err(Error::invalid("password", "must have 8 to 256 characters")),
        }
    }

    /// The password, to be hashed.
    #[must_use]
    pub fn as_secret(&self) -> &SecretString {
        &self.0
    }
}
