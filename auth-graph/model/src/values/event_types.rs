//! The types of events, as webhooks name them.

use std::collections::BTreeSet;
use std::str::FromStr;

use sea_orm::FromJsonQueryResult;
use serde::{Deserialize, Serialize};

use crate::error::Error;

/// What can happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum EventType {
    /// A user was made.
    UserCreated,
    /// A user was changed.
    UserUpdated,
    /// A user was deleted.
    UserDeleted,
    /// A session was ended, or a service client with all its tokens.
    SessionRevoked,
    /// One token of a service client was ended.
    TokenRevoked,
}

impl EventType {
    /// Each of them.
    pub const ALL: [Self; 5] =
        [Self::UserCreated, Self::UserUpdated, Self::UserDeleted, Self::SessionRevoked, Self::TokenRevoked];

    /// Its name.
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

/// The types that somebody wants to be told of; none: all of them, those that are added later too.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
#[serde(transparent)]
pub struct EventTypes(BTreeSet<EventType>);

impl EventTypes {
    /// Reads a list of names.
    ///
    /// # Errors
    /// [`Error::ValidationFailed`] when there is no such type.
    pub fn parse<T: AsRef<str>>(names: &[T]) -> Result<Self, Error> {
        names.iter().map(|name| name.as_ref().parse()).collect::<Result<_, _>>().map(Self)
    }

    /// Whether events of this type are wanted.
    #[must_use]
    pub fn include(&self, event: EventType) -> bool {
        self.0.is_empty() || self.0.contains(&event)
    }

    /// Their names, in the order in which users live.
    #[must_use]
    pub fn to_strings(&self) -> Vec<String> {
        self.0.iter().map(|event| event.as_str().to_owned()).collect()
    }
}
