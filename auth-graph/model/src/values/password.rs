//! Passwords in their normal form. `credentials::passwords` hashes and compares them.

use std::fmt;

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

/// A password that a caller gives. It has its normal form (NFKC, NIST SP 800-63B section 3.1.1.2), because keyboards
/// and systems encode the same letters differently. Only the normal form is hashed.
#[derive(Clone)]
pub struct Password {
    normal: SecretString,
    /// The password as it was given, if that is not the normal form. Hashes of other systems may be of this form.
    given: Option<SecretString>,
}

impl Password {
    /// Returns the normal form.
    #[must_use]
    pub fn normal(&self) -> &SecretString {
        &self.normal
    }

    /// Returns the password as it was given, if that is not the normal form.
    #[must_use]
    pub fn given(&self) -> Option<&SecretString> {
        self.given.as_ref()
    }

    /// Returns true for a password that is published in the documentation.
    #[must_use]
    pub fn is_sample(&self) -> bool {
        is_sample_password(&self.normal)
    }
}

impl From<SecretString> for Password {
    fn from(given: SecretString) -> Self {
        let normal: SecretString = given.expose_secret().nfkc().collect::<String>().into();
        let is_normal = normal.expose_secret() == given.expose_secret();
        Self { normal, given: (!is_normal).then_some(given) }
    }
}

impl From<String> for Password {
    fn from(given: String) -> Self {
        SecretString::from(given).into()
    }
}

impl From<&str> for Password {
    fn from(given: &str) -> Self {
        SecretString::from(given).into()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Password(…)")
    }
}

/// New password of 8 to 256 characters. `engine` checks its strength.
#[derive(Clone, Debug)]
pub struct NewPassword(Password);

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
        let password = Password::from(password);
        match password.normal.expose_secret().chars().count() {
            8..=256 => Ok(Self(password)),
            _ => refused,
        }
    }

    /// Returns the text, in its normal form.
    #[must_use]
    pub fn as_secret(&self) -> &SecretString {
        &self.0.normal
    }

    /// Returns the password.
    #[must_use]
    pub fn as_password(&self) -> &Password {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_normal_form_of_a_password_does_not_depend_on_the_keyboard() {
        let [composed, decomposed] = ["caf\u{e9} noir", "cafe\u{301} noir"].map(Password::from);
        assert_eq!(composed.normal().expose_secret(), decomposed.normal().expose_secret());
        assert!(composed.given().is_none());
        assert_eq!(decomposed.given().unwrap().expose_secret(), "cafe\u{301} noir");
        assert!(Password::from("ｕｓｅｒ-pass").is_sample());
        assert_eq!(format!("{composed:?}"), "Password(…)");
    }
}
