//! Types of events, as webhooks name them.

use std::collections::BTreeSet;
use std::str::FromStr;

use sea_orm::FromJsonQueryResult;
use serde::{Deserialize, Serialize};

use crate::error::Error;

/// Type of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum EventType {
    /// A user was created.
    UserCreated,
    /// A user was changed.
    UserUpdated,
    /// A user was deleted.
    UserDeleted,
    /// A session was ended, or a service client was disabled with all its tokens.
    SessionRevoked,
    /// A single token of a service client was revoked.
    TokenRevoked,
}

impl EventType {
    /// Every type.
    pub const ALL: [Self; 5] =
        [Self::UserCreated, Self::UserUpdated, Self::UserDeleted, Self::SessionRevoked, Self::TokenRevoked];

    /// Returns the name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UserCreated => "user.created",
            Self::UserUpdated => "user.updated",
            Self::UserDeleted => "user.deleted",
            Self::SessionRevoked => "session.revoked",
            Self::TokenRevoked => "token.revoked",
        }
    }
}

impl FromStr for EventType {
    type Err = Error;

    /// # Errors
    /// [`Error::ValidationFailed`] when there is no such type.
    fn from_str(text: &str) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|event| event.as_str() == text).ok_or_else(|| {
            let known = Self::ALL.map(Self::as_str).join(", ");
            Error::invalid("eventTypes", format!("must be among {known}"))
        })
    }
}

impl TryFrom<String> for EventType {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl From<EventType> for String {
    fn from(event: EventType) -> Self {
        event.as_str().to_owned()
    }
}

/// Types of events that an endpoint receives. An empty set means all types, also those that are added later.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
#[serde(transparent)]
pub struct EventTypes(BTreeSet<EventType>);

impl EventTypes {
    /// Parses a list of names.
    ///
    /// # Errors
    /// [`Error::ValidationFailed`] when there is no such type.
    pub fn parse<T: AsRef<str>>(names: &[T]) -> Result<Self, Error> {
        names.iter().map(|name| name.as_ref().parse()).collect::<Result<_, _>>().map(Self)
    }

    /// Returns true if the endpoint receives events of this type.
    #[must_use]
    pub fn include(&self, event: EventType) -> bool {
        self.0.is_empty() || self.0.contains(&event)
    }

    /// Returns the names, in the order of the life of a user.
    #[must_use]
    pub fn to_strings(&self) -> Vec<String> {
        self.0.iter().map(|event| event.as_str().to_owned()).collect()
    }
}
