//! What a reader is shown of other users. People are shown everything that their scopes allow; a service client can be
//! limited to some users and some fields.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::{Principal, scopes_of};
use crate::app::App;
use model::error::{Error, Result};
use model::values::{ClientId, Held, Projection, UserField};
use store::{service_clients, users};

/// What one reader is shown.
#[derive(Clone, Debug, Default)]
pub struct View {
    client: Option<ClientId>,
    projection: Option<Arc<Projection>>,
    generation: i64,
}

/// How a user looks to a reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sight {
    /// They are shown.
    Shown,
    /// They were shown once, and are no more.
    Gone,
    /// They are nobody.
    Hidden,
}

/// A user, as a reader is shown them.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The user. What the view does not show of them must not be told.
    pub user: users::Model,
    /// What is shown.
    pub view: View,
}

impl View {
    /// Of everything.
    #[must_use]
    pub fn everything() -> Self {
        Self::default()
    }

    /// What the caller is shown.
    ///
    /// # Errors
    /// [`Error::TokenRevoked`] when the client is not there any more; when the database fails.
    pub(crate) async fn of(app: &App, principal: &Principal) -> Result<Self> {
        if !principal.is_service() {
            return Ok(Self::everything());
        }
        let id = ClientId(principal.subject().0);
        let client = service_clients::find(&app.db, id).await?.ok_or(Error::TokenRevoked)?;
        Ok(Self {
            client: Some(id),
            projection: client.projection.map(Arc::new),
            generation: client.projection_generation,
        })
    }

    /// Refuses what a limited reader is not shown at all: lists and logs of all users.
    ///
    /// # Errors
    /// [`Error::Forbidden`].
    pub async fn require_everything(app: &App, principal: &Principal) -> Result<()> {
        match Self::of(app, principal).await?.projection {
            Some(_) => Err(Error::Forbidden),
            None => Ok(()),
        }
    }

    /// Whether anything is kept from the reader.
    pub(crate) fn is_limited(&self) -> bool {
        self.projection.is_some()
    }

    /// Whether it is what this client is shown.
    pub(crate) fn is_of(&self, client: ClientId) -> bool {
        self.client == Some(client)
    }

    /// How a user looks who held something else before a change.
    pub(crate) fn sight(&self, app: &App, user: &users::Model, before: Option<&Held>) -> Sight {
        let Some(projection) = &self.projection else { return Sight::Shown };
        let (now, exists) = (projection.selects(&held(app, user)), user.deleted_at.is_none());
        match now {
            true if exists => Sight::Shown,
            true => Sight::Gone,
            false if before.is_some_and(|before| projection.selects(before)) => Sight::Gone,
            false => Sight::Hidden,
        }
    }

    /// The user, if they are shown.
    pub(crate) fn see(&self, app: &App, user: users::Model) -> Option<Seen> {
        (self.sight(app, &user, None) == Sight::Shown).then(|| Seen { user, view: self.clone() })
    }

    /// Whether a field is shown; of the metadata, whether anything of it is.
    #[must_use]
    pub fn shows(&self, field: UserField) -> bool {
        self.projection.as_ref().is_none_or(|projection| projection.shows(field))
    }

    /// What is shown of the metadata; none: nothing.
    #[must_use]
    pub fn metadata(&self, whole: &Value) -> Option<Value> {
        match &self.projection {
            Some(projection) => projection.metadata(whole),
            None => Some(whole.clone()),
        }
    }

    /// The version of what is shown of a user. It counts the changes to what the reader may see, too, so that a copy
    /// takes what it was not shown before.
    #[must_use]
    pub fn version(&self, user: &users::Model) -> i64 {
        user.version + self.generation
    }

    /// When a user has gone from sight.
    pub(crate) fn gone_at(user: &users::Model) -> DateTime<Utc> {
        user.deleted_at.unwrap_or(user.updated_at)
    }
}

/// What a user holds.
fn held(app: &App, user: &users::Model) -> Held {
    Held { roles: user.roles().into_iter().collect(), scopes: scopes_of(app, user) }
}

/// What a user held before a change, where that was something else.
pub(crate) fn held_before(app: &App, before: &users::Model, after: &users::Model) -> Option<Held> {
    let was = held(app, before);
    (was != held(app, after)).then_some(was)
}
