//! Typed identifiers, so that one kind cannot be passed for another. They grant no access: everything that does is
//! random or signed.

use std::fmt;
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Utc};
use sea_orm::{DbErr, DeriveValueType, TryFromU64};
use serde::{Deserialize, Serialize};
use uuid::{ContextV7, Timestamp, Uuid};

use crate::error::Error;

/// Counter within a millisecond.
static CONTEXT: Mutex<ContextV7> = Mutex::new(ContextV7::new());

/// Counter for times of the past, which come in any order, and the millisecond that it counts in.
static PAST: Mutex<(i64, ContextV7)> = Mutex::new((0, ContextV7::new()));

fn generate(now: DateTime<Utc>) -> Uuid {
    let context = CONTEXT.lock().unwrap_or_else(PoisonError::into_inner);
    let (seconds, nanos) = since_1970(now);
    Uuid::new_v7(Timestamp::from_unix(&*context, seconds, nanos))
}

fn since_1970(time: DateTime<Utc>) -> (u64, u32) {
    u64::try_from(time.timestamp()).map_or((0, 0), |seconds| (seconds, time.timestamp_subsec_nanos()))
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, DeriveValueType)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// Returns a new identifier (UUIDv7, RFC 9562 section 5.7). Identifiers of one process sort by creation.
            #[must_use]
            pub fn generate(now: DateTime<Utc>) -> Self {
                Self(generate(now))
            }

            /// Returns a lower bound of the identifiers that are generated at this time or later.
            #[must_use]
            pub fn lowest(time: DateTime<Utc>) -> Self {
                let milliseconds = u128::try_from(time.timestamp_millis()).unwrap_or(0);
                Self(Uuid::from_u128(milliseconds << 80))
            }
        }

        impl TryFromU64 for $name {
            /// Fails always. SeaORM requires it of every primary key, and a UUID never comes from a counter.
            fn try_from_u64(_: u64) -> Result<Self, DbErr> {
                Err(DbErr::ConvertFromU64(stringify!($name)))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(formatter)
            }
        }

        impl FromStr for $name {
            type Err = Error;

            /// # Errors
            /// [`Error::ValidationFailed`] when the text is not a UUID.
            fn from_str(text: &str) -> Result<Self, Error> {
                Uuid::try_parse(text).map(Self).map_err(|_| Error::invalid("id", "is not a UUID"))
            }
        }
    };
}

id!(
    /// Identifier of a user. It is never reused for another person.
    UserId
);
id!(
    /// Identifier of a session.
    SessionId
);
id!(
    /// Identifier of an access token (its `jti`).
    TokenId
);
id!(
    /// Identifier of an event of the audit log or of a sign-in.
    EventId
);
id!(
    /// Identifier of a service client.
    ClientId
);
id!(
    /// Identifier of a mail that waits to be sent.
    MailId
);
id!(
    /// Identifier of an endpoint of webhooks.
    WebhookId
);
id!(
    /// Identifier of a delivery to an endpoint. All attempts have the same one.
    DeliveryId
);

impl UserId {
    /// Returns a new identifier for a user who has had an account elsewhere since this time. It sorts among those of
    /// that time. Identifiers for the same time sort by creation.
    #[must_use]
    pub fn since(time: DateTime<Utc>) -> Self {
        let mut past = PAST.lock().unwrap_or_else(PoisonError::into_inner);
        // A context never goes back.
        if past.0 != time.timestamp_millis() {
            *past = (time.timestamp_millis(), ContextV7::new());
        }
        let (seconds, nanos) = since_1970(time);
        Self(Uuid::new_v7(Timestamp::from_unix(&past.1, seconds, nanos)))
    }
}
