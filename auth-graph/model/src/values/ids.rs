//! Typed identifiers, so that one kind can not be passed for another. They name things and open nothing: whatever
//! grants access is random or signed.

use std::fmt;
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Utc};
use sea_orm::{DbErr, DeriveValueType, TryFromU64};
use serde::{Deserialize, Serialize};
use uuid::{ContextV7, Timestamp, Uuid};

use crate::error::Error;

/// Counts within a millisecond.
static CONTEXT: Mutex<ContextV7> = Mutex::new(ContextV7::new());

/// The same for times of the past, which come in any order, and the millisecond that it counts in.
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
            /// A new identifier (UUIDv7, RFC 9562 section 5.7). Those that one process makes sort by their making.
            #[must_use]
            pub fn generate(now: DateTime<Utc>) -> Self {
                Self(generate(now))
            }
        }

        impl TryFromU64 for $name {
            /// SeaORM asks this of every primary key; a UUID never comes from a counter.
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
    /// Names a user, for ever: it is never given to another person.
    UserId
);
id!(
    /// Names a session.
    SessionId
);
id!(
    /// Names an access token (its `jti`), or any other record of an event.
    TokenId
);
id!(
    /// Names a service client.
    ClientId
);
id!(
    /// Names a mail that waits to be sent.
    MailId
);
id!(
    /// Names an endpoint of webhooks.
    WebhookId
);
id!(
    /// Names a delivery to an endpoint, however often it is tried.
    DeliveryId
);

impl UserId {
    /// A new identifier for somebody who has been a user elsewhere since this time: it sorts among those of that time.
    /// One after the other for one time, they sort by their making.
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

impl SessionId {
    /// No session that is begun at this time or later has an identifier below this one.
    #[must_use]
    pub fn lowest(time: DateTime<Utc>) -> Self {
        let milliseconds = u128::try_from(time.timestamp_millis()).unwrap_or(0);
        Self(Uuid::from_u128(milliseconds << 80))
    }
}
