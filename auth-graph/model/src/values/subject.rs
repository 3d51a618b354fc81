//! Identifiers of more than one kind: the holder of a token, and what ends before its time.

use std::fmt;

use serde::{Serialize, Serializer};
use uuid::Uuid;

use super::{ClientId, SessionId, TokenId, UserId};

/// A user or a service client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A user.
    User(UserId),
    /// A service client.
    Client(ClientId),
}

impl Subject {
    /// Returns the user, or `None` for a service client.
    #[must_use]
    pub fn user(self) -> Option<UserId> {
        match self {
            Self::User(user) => Some(user),
            Self::Client(_) => None,
        }
    }

    /// Returns the service client, or `None` for a user.
    #[must_use]
    pub fn client(self) -> Option<ClientId> {
        match self {
            Self::User(_) => None,
            Self::Client(client) => Some(client),
        }
    }

    /// Returns the identifier without its kind.
    #[must_use]
    pub fn uuid(self) -> Uuid {
        match self {
            Self::User(user) => user.0,
            Self::Client(client) => client.0,
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.uuid().fmt(formatter)
    }
}

/// As the identifier without its kind, as in the claim `sub`.
impl Serialize for Subject {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.uuid().serialize(serializer)
    }
}

/// Holder of an access token. A user holds it through a session; a service client has no session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    /// A user and the session.
    User(UserId, SessionId),
    /// A service client.
    Client(ClientId),
}

impl Holder {
    /// Returns the holder that the claims `sub` and `sid` name. A token of a service client carries the identifier of
    /// the client in both, so that readers of the feed refuse the tokens of a disabled client as those of an ended
    /// session.
    #[must_use]
    pub fn of_claims(sub: Uuid, sid: Uuid) -> Self {
        match sub == sid {
            true => Self::Client(ClientId(sub)),
            false => Self::User(UserId(sub), SessionId(sid)),
        }
    }

    /// Returns the claim `sid`; see [`Self::of_claims`].
    #[must_use]
    pub fn sid(self) -> Uuid {
        match self {
            Self::User(_, session) => session.0,
            Self::Client(client) => client.0,
        }
    }

    /// Returns the user or the service client.
    #[must_use]
    pub fn subject(self) -> Subject {
        match self {
            Self::User(user, _) => Subject::User(user),
            Self::Client(client) => Subject::Client(client),
        }
    }

    /// Returns the session, or `None` for a service client.
    #[must_use]
    pub fn session(self) -> Option<SessionId> {
        match self {
            Self::User(_, session) => Some(session),
            Self::Client(_) => None,
        }
    }

    /// Returns what ends all tokens of the holder.
    #[must_use]
    pub fn revocable(self) -> Revoked {
        match self {
            Self::User(_, session) => Revoked::Session(session),
            Self::Client(client) => Revoked::Client(client),
        }
    }
}

/// What ended before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Revoked {
    /// A session of a user, with all its tokens.
    Session(SessionId),
    /// A service client, with all its tokens.
    Client(ClientId),
    /// A single access token of a service client.
    Token(TokenId),
}
