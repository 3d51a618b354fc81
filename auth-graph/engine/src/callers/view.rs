//! The view that a reader has of other users. People see everything that their scopes allow; a service client can be
//! limited to some users and some fields.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::{Principal, roles_and_scopes_of};
use crate::app::App;
use model::error::{Error, Reason, Result};
use model::values::{ClientId, Projection, PublicFields, RolesAndScopes, Subject, UserField};
use store::{clients, users};

/// The part of the users' data that one reader sees.
#[derive(Clone, Debug, Default)]
pub struct UserView {
    client: Option<ClientId>,
    projection: Option<Arc<Projection>>,
    generation: i64,
    public: Option<PublicFields>,
}

/// Why a reader is not shown a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hidden {
    /// The service client is limited to other fields.
    LimitedClient,
    /// The field is not part of the public profile.
    NotPublic,
}

/// The visibility of a user to a reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Visibility {
    /// The reader sees the user.
    Shown,
    /// The reader saw the user earlier, and no longer does.
    Gone,
    /// The reader never sees the user, as if the user did not exist.
    Hidden,
}

/// A user, with the view that a reader has of them.
#[derive(Clone, Debug)]
pub struct VisibleUser {
    /// The user. Fields that the view hides must not be disclosed.
    pub user: users::Model,
    /// The view of the reader.
    pub view: UserView,
}

impl UserView {
    /// Builds a view of everything.
    #[must_use]
    pub fn everything() -> Self {
        Self::default()
    }

    /// Builds the view of the caller.
    ///
    /// # Errors
    /// [`Error::TokenRevoked`] when the client no longer exists; when the database fails.
    pub(crate) async fn of(app: &App, principal: &Principal) -> Result<Self> {
        let Some(id) = principal.subject().client() else { return Ok(Self::everything()) };
        let client = clients::find(&app.db, id).await?.ok_or(Error::TokenRevoked)?;
        Ok(Self {
            client: Some(id),
            projection: client.projection.map(Arc::new),
            generation: client.projection_generation,
            public: None,
        })
    }

    /// Returns the same view, limited to these fields: the one that a reader has of a stranger.
    pub(crate) fn limited_to(&self, public: &PublicFields) -> Self {
        Self { public: Some(public.clone()), ..self.clone() }
    }

    /// Checks that the reader is not limited, for lists and logs of all users.
    ///
    /// # Errors
    /// [`Error::Denied`] for a limited reader.
    pub async fn require_everything(app: &App, principal: &Principal) -> Result<()> {
        match Self::of(app, principal).await?.projection {
            Some(_) => Err(Error::Denied(Reason::LimitedClient)),
            None => Ok(()),
        }
    }

    /// Returns whether the view hides anything from the reader.
    pub(crate) fn is_limited(&self) -> bool {
        self.projection.is_some()
    }

    /// Returns whether this is the view of this service client.
    pub(crate) fn is_of(&self, subject: Option<Subject>) -> bool {
        self.client.is_some_and(|client| subject == Some(Subject::Client(client)))
    }

    /// Returns the visibility of a user who held other roles and scopes before a change.
    pub(crate) fn visibility(&self, app: &App, user: &users::Model, before: Option<&RolesAndScopes>) -> Visibility {
        let Some(projection) = &self.projection else { return Visibility::Shown };
        let (now, exists) = (projection.selects(&roles_and_scopes_of(app, user)), user.deleted_at.is_none());
        match now {
            true if exists => Visibility::Shown,
            true => Visibility::Gone,
            false if before.is_some_and(|before| projection.selects(before)) => Visibility::Gone,
            false => Visibility::Hidden,
        }
    }

    /// Returns the user, if the reader may see them.
    pub(crate) fn see(&self, app: &App, user: users::Model) -> Option<VisibleUser> {
        (self.visibility(app, &user, None) == Visibility::Shown).then(|| VisibleUser { user, view: self.clone() })
    }

    /// Returns whether a field is shown; for the metadata, whether any part of it is.
    #[must_use]
    pub fn shows(&self, field: UserField) -> bool {
        self.hides(field).is_none()
    }

    /// Returns why a field is hidden, or `None` if it is shown.
    #[must_use]
    pub fn hides(&self, field: UserField) -> Option<Hidden> {
        if self.projection.as_ref().is_some_and(|projection| !projection.shows(field)) {
            return Some(Hidden::LimitedClient);
        }
        let is_public = self.public.as_ref().is_none_or(|public| public.shows(field));
        (!is_public).then_some(Hidden::NotPublic)
    }

    /// Returns why the fields that every mirror has are hidden, such as the version, or `None` if they are shown.
    #[must_use]
    pub fn hides_state(&self) -> Option<Hidden> {
        self.public.as_ref().map(|_| Hidden::NotPublic)
    }

    /// Returns the part of the metadata that is shown, or `None`.
    #[must_use]
    pub fn metadata(&self, whole: &Value) -> Option<Value> {
        match (&self.projection, &self.public) {
            (None, None) => Some(whole.clone()),
            (Some(projection), None) => projection.metadata(whole),
            (None, Some(public)) => public.metadata(whole),
            (Some(projection), Some(public)) => public.metadata(&projection.metadata(whole)?),
        }
    }

    /// Returns the version of the visible part of a user. It also counts the changes to the reader's view, so that a
    /// copy accepts data that it was not shown before.
    #[must_use]
    pub fn version(&self, user: &users::Model) -> i64 {
        user.version + self.generation
    }

    /// Returns the time at which a user became invisible.
    pub(crate) fn gone_at(user: &users::Model) -> DateTime<Utc> {
        user.deleted_at.unwrap_or(user.updated_at)
    }
}

/// Returns the roles and scopes that a user held before a change, where they were different.
pub(crate) fn held_before(app: &App, before: &users::Model, after: &users::Model) -> Option<RolesAndScopes> {
    let was = roles_and_scopes_of(app, before);
    (was != roles_and_scopes_of(app, after)).then_some(was)
}
