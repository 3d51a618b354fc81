//! Typed identifiers, parsed at the boundary: a text that is not a UUID never reaches an address or a query.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

use crate::error::Error;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(formatter)
            }
        }

        impl FromStr for $name {
            type Err = Error;

            /// # Errors
            /// `VALIDATION_FAILED` when the text is not a UUID in the usual form with hyphens.
            fn from_str(text: &str) -> Result<Self, Error> {
                if text.len() != 36 {
                    return Err(Error::invalid("id", "is not a UUID"));
                }
                Uuid::try_parse(text).map(Self).map_err(|_| Error::invalid("id", "is not a UUID"))
            }
        }
    };
}

id!(
    /// Permanent identifier of a user. It is never given to another person.
    UserId
);
id!(
    /// Identifier of a session: one sign-in on one device.
    SessionId
);
