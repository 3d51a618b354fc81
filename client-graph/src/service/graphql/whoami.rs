//! Who calls: `whoami`.

use std::sync::Arc;

use async_graphql::{Context, ID, Object};
use chrono::{DateTime, Utc};
use serde_json::Value;

use super::Result;
use crate::context::Caller;
use crate::guard::{Open, caller, guarded, requires};
use crate::principal::{Principal, PrincipalKind};

/// The verified caller, and what this service knows of them.
pub struct Whoami(Arc<Principal>);

/// A user as this service last heard of them: its local mirror row. `User` is who auth-graph says they are.
pub struct MirroredUser(crate::mirror::MirroredUser);

#[derive(Default)]
pub(super) struct WhoamiQuery;

#[guarded]
#[Object]
impl WhoamiQuery {
    /// Who calls, as their access token says; null when nobody is signed in. A token that is no good is an error with
    /// its code, such as `TOKEN_EXPIRED`.
    #[graphql(requires(Open))]
    async fn whoami(&self, ctx: &Context<'_>) -> Result<Option<Whoami>> {
        let context = caller(ctx)?;
        match context.caller() {
            Caller::Anonymous => Ok(None),
            Caller::Principal(_) | Caller::Refused(_) => Ok(Some(Whoami(Arc::clone(context.principal()?)))),
        }
    }
}

/// The verified caller, and what this service knows of them.
#[Object]
impl Whoami {
    /// Who the token speaks for: the id of a user, or of a service that calls for itself.
    async fn subject(&self) -> ID {
        self.0.subject.0.into()
    }

    /// The session that the token belongs to; null for a service without one.
    async fn session_id(&self) -> Option<ID> {
        self.0.session_id.map(|id| id.0.into())
    }

    /// What the token allows.
    async fn scope(&self) -> &[String] {
        &self.0.scope
    }

    /// The mirrored user, made on first sight; null for a service.
    async fn user(&self, ctx: &Context<'_>) -> Result<Option<MirroredUser>> {
        match self.0.kind {
            PrincipalKind::User => Ok(Some(MirroredUser(caller(ctx)?.user().await?))),
            PrincipalKind::Service => Ok(None),
        }
    }
}

/// A user as this service last heard of them: its local mirror row. `User` is who auth-graph says they are.
#[Object]
impl MirroredUser {
    /// Names the user, for ever.
    async fn id(&self) -> ID {
        self.0.id.0.into()
    }

    /// The e-mail address: an attribute that changes and can pass to another user.
    async fn email(&self) -> &str {
        &self.0.email
    }

    /// The first name.
    async fn first_name(&self) -> &str {
        &self.0.first_name
    }

    /// The last name.
    async fn last_name(&self) -> &str {
        &self.0.last_name
    }

    /// The telephone number.
    async fn phone_number(&self) -> Option<&str> {
        self.0.phone_number.as_deref()
    }

    /// Whether the user can sign in.
    async fn is_active(&self) -> bool {
        self.0.is_active
    }

    /// Whether the user belongs to the staff.
    async fn is_staff(&self) -> bool {
        self.0.is_staff
    }

    /// Whether the user may do everything.
    async fn is_superuser(&self) -> bool {
        self.0.is_superuser
    }

    /// Whether the e-mail address was proven.
    async fn email_verified(&self) -> bool {
        self.0.email_verified
    }

    /// The named sets of scopes that the user holds.
    async fn roles(&self) -> &[String] {
        &self.0.roles
    }

    /// All scopes that the user may have. What this request may do is said by `scope` of `Whoami`.
    async fn scopes(&self) -> &[String] {
        &self.0.scopes
    }

    /// What services keep with the user.
    async fn metadata(&self) -> &Value {
        &self.0.metadata
    }

    /// When the account was made.
    async fn date_joined(&self) -> DateTime<Utc> {
        self.0.date_joined
    }

    /// When the user last changed, by the clock of auth-graph.
    async fn updated_at(&self) -> DateTime<Utc> {
        self.0.updated_at
    }

    /// Counts the changes of the user: of two descriptions, the one with the higher version is newer.
    async fn version(&self) -> i64 {
        self.0.version
    }

    /// When this row was last written.
    async fn mirrored_at(&self) -> DateTime<Utc> {
        self.0.mirrored_at
    }
}
