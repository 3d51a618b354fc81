//! The query `whoami`.

use std::sync::Arc;

use async_graphql::{Context, ID, Object};
use chrono::{DateTime, Utc};
use serde_json::Value;

use super::request::Result;
use crate::client::Caller;
use crate::guard::{Open, access, caller, guarded};
use crate::principal::{Principal, PrincipalKind};

/// The verified caller, and their mirrored user.
pub struct Whoami(Arc<Principal>);

/// A user as this service last received them from auth-graph: a row of its mirror. The type `User` is resolved by
/// auth-graph itself.
pub struct MirroredUser(crate::mirror::MirroredUser);

#[derive(Default)]
pub(super) struct WhoamiQuery;

#[guarded]
#[Object]
impl WhoamiQuery {
    /// Caller, as described by the access token; null without a token. A token that is not good is an error with its
    /// code, such as `TOKEN_EXPIRED`.
    #[graphql(access(Open))]
    async fn whoami(&self, ctx: &Context<'_>) -> Result<Option<Whoami>> {
        let context = caller(ctx)?;
        match context.caller() {
            Caller::Anonymous => Ok(None),
            Caller::Principal(_) | Caller::Refused(_) => Ok(Some(Whoami(Arc::clone(context.principal()?)))),
        }
    }
}

/// The verified caller, and their mirrored user.
#[Object]
impl Whoami {
    /// Subject of the token: the id of a user, or of a service that acts for itself.
    async fn subject(&self) -> ID {
        self.0.subject.0.into()
    }

    /// Session of the token; null for a service without one.
    async fn session_id(&self) -> Option<ID> {
        self.0.session_id.map(|id| id.0.into())
    }

    /// Scopes of the token.
    async fn scope(&self) -> &[String] {
        &self.0.scope
    }

    /// Mirrored user, created on the first visit; null for a service.
    async fn user(&self, ctx: &Context<'_>) -> Result<Option<MirroredUser>> {
        match self.0.kind {
            PrincipalKind::User => Ok(Some(MirroredUser(caller(ctx)?.user().await?))),
            PrincipalKind::Service => Ok(None),
        }
    }
}

/// A user as this service last received them from auth-graph: a row of its mirror. The type `User` is resolved by
/// auth-graph itself.
#[Object]
impl MirroredUser {
    /// Permanent identifier of the user.
    async fn id(&self) -> ID {
        self.0.id.0.into()
    }

    /// E-mail address: an attribute that changes and can pass to another user.
    async fn email(&self) -> &str {
        &self.0.email
    }

    /// First name.
    async fn first_name(&self) -> &str {
        &self.0.first_name
    }

    /// Last name.
    async fn last_name(&self) -> &str {
        &self.0.last_name
    }

    /// Telephone number.
    async fn phone_number(&self) -> Option<&str> {
        self.0.phone_number.as_deref()
    }

    /// True when the user can sign in.
    async fn is_active(&self) -> bool {
        self.0.is_active
    }

    /// True when the user belongs to the staff.
    async fn is_staff(&self) -> bool {
        self.0.is_staff
    }

    /// True when the user may do everything.
    async fn is_superuser(&self) -> bool {
        self.0.is_superuser
    }

    /// True when the user has confirmed the e-mail address.
    async fn email_verified(&self) -> bool {
        self.0.email_verified
    }

    /// Roles of the user: named sets of scopes.
    async fn roles(&self) -> &[String] {
        &self.0.roles
    }

    /// All scopes that the user may have. The scopes of this request are in `scope` of `Whoami`.
    async fn scopes(&self) -> &[String] {
        &self.0.scopes
    }

    /// Data that services keep with the user.
    async fn metadata(&self) -> &Value {
        &self.0.metadata
    }

    /// Time when the account was created.
    async fn date_joined(&self) -> DateTime<Utc> {
        self.0.date_joined
    }

    /// Time of the last change to the user, by auth-graph's clock.
    async fn updated_at(&self) -> DateTime<Utc> {
        self.0.updated_at
    }

    /// Number that grows with each change: of two copies of a user, the one with the higher version is newer.
    async fn version(&self) -> i64 {
        self.0.version
    }

    /// Time when this row was last written.
    async fn mirrored_at(&self) -> DateTime<Utc> {
        self.0.mirrored_at
    }
}
