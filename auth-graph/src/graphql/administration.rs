//! Other people's accounts: `createUser`, `inviteUser`, `updateUser`, `disableUser` and so on, `impersonate`,
//! `userSessions`, `roles`.

mod inputs;

use async_graphql::types::Json;
use async_graphql::{Context, ID, Object, SimpleObject};
use chrono::{DateTime, Utc};
use secrecy::ExposeSecret;
use subgraph::{credential, guarded, requires};

use super::account::User;
use super::caller::{actor, app, principal};
use super::error::Result;
use super::guard::{HasScope, HasScopeForAll};
use super::registration::MailRequestedPayload;
use super::session::Session;
use engine::accounts::{self, Deletion, USERS_READ};
use engine::administration::{self, IMPERSONATE, Impersonator, USERS_WRITE};
use engine::audit;
use inputs::{
    CreateUserInput, ImpersonateInput, InviteUserInput, MergeUsersInput, SetUserPasswordInput, SetUserRolesInput,
    UpdateUserInput,
};
use model::values::NewPassword;
use store::users::Model;

/// A user that was made or changed.
#[derive(SimpleObject)]
pub struct UserPayload {
    /// The user, as they are now.
    user: User,
}

/// What ending sessions did.
#[derive(SimpleObject)]
pub struct RevokeUserSessionsPayload {
    /// How many have ended.
    revoked_sessions: usize,
}

/// A token of somebody else.
#[derive(SimpleObject)]
pub struct ImpersonatePayload {
    /// The access token: `sub` is the user, `act` is you. It can not be refreshed.
    access_token: String,
    /// Always `Bearer` (RFC 6750).
    token_type: &'static str,
    /// When it expires.
    expires_at: DateTime<Utc>,
    /// What it allows: what the user has.
    scope: Vec<String>,
    /// Who it is about.
    user: User,
}

/// A named set of scopes, from the configuration.
#[derive(SimpleObject)]
pub struct Role {
    /// Its name.
    name: String,
    /// What it allows.
    scopes: Vec<String>,
}

fn payload(ctx: &Context<'_>, user: Model) -> UserPayload {
    UserPayload { user: User::new(app(ctx), user) }
}

fn reason(given: Option<String>) -> Result<Option<String>> {
    Ok(given.map(|text| audit::reason(&text)).transpose()?)
}

#[derive(Default)]
pub(super) struct AdministrationQuery;

#[guarded]
#[Object]
impl AdministrationQuery {
    /// The sessions of a user that have not ended, the latest first. Needs the scope `users:read`, and no client that
    /// is shown some users or fields only.
    #[graphql(requires(HasScopeForAll(USERS_READ)), tag = "admin")]
    async fn user_sessions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The user's `id`.")] user_id: ID,
    ) -> Result<Vec<Session>> {
        let sessions = administration::list_sessions(app(ctx), user_id.parse()?).await?;
        let current = principal(ctx)?.session();
        Ok(sessions.into_iter().map(|session| Session::new(session, current)).collect())
    }

    /// What only administrators see of a user; `metadata` is what the user sees too. Needs the scope `users:read`.
    #[graphql(requires(HasScopeForAll(USERS_READ)), tag = "admin")]
    async fn private_metadata(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The user's `id`.")] user_id: ID,
    ) -> Result<Json<serde_json::Value>> {
        Ok(Json(accounts::by_id(app(ctx), user_id.parse()?).await?.private_metadata))
    }

    /// The roles that there are. Needs the scope `users:read`.
    #[graphql(requires(HasScope(USERS_READ)), tag = "admin")]
    async fn roles(&self, ctx: &Context<'_>) -> Vec<Role> {
        let roles = &app(ctx).config.roles;
        roles.iter().map(|(name, scopes)| Role { name: name.clone(), scopes: scopes.to_strings() }).collect()
    }
}

#[derive(Default)]
pub(super) struct AdministrationMutation;

#[guarded]
#[Object]
impl AdministrationMutation {
    /// Makes an account for somebody. It gets no more than you have. Needs the scope `users:write`.
    #[graphql(requires(HasScope(USERS_WRITE)), tag = "admin", directive = credential::apply())]
    async fn create_user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The account.")] input: CreateUserInput,
    ) -> Result<UserPayload> {
        let user = administration::create(app(ctx), &actor(ctx)?, input.parse()?).await?;
        Ok(payload(ctx, user))
    }

    /// Sends somebody a mail with which they make their account, unless their address has one. `FORBIDDEN` when
    /// registration is off. Needs the scope `users:write`.
    #[graphql(requires(HasScope(USERS_WRITE)), tag = "admin", directive = credential::apply())]
    async fn invite_user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whom to invite.")] input: InviteUserInput,
    ) -> Result<MailRequestedPayload> {
        let (email, locale) = input.parse()?;
        administration::invite(app(ctx), &actor(ctx)?, &email, locale).await?;
        Ok(MailRequestedPayload::new())
    }

    /// Changes an account. Only superusers change flags, and accounts of superusers; whoever changes an address must
    /// have every scope that the user has. Needs the scope `users:write`.
    #[graphql(requires(HasScope(USERS_WRITE)), tag = "admin")]
    async fn update_user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What shall be different.")] input: UpdateUserInput,
    ) -> Result<UserPayload> {
        let (id, update) = input.parse()?;
        Ok(payload(ctx, administration::update(app(ctx), &actor(ctx)?, id, update).await?))
    }

    /// Gives a user other roles and scopes, in place of those before; none that you do not have. Tokens follow at their
    /// next refresh, other services by the feed. Needs the scope `users:write`.
    #[graphql(requires(HasScope(USERS_WRITE)), tag = "admin")]
    async fn set_user_roles(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The roles and scopes.")] input: SetUserRolesInput,
    ) -> Result<UserPayload> {
        let (id, roles, scopes) = input.parse()?;
        Ok(payload(ctx, administration::set_roles(app(ctx), &actor(ctx)?, id, roles, scopes).await?))
    }

    /// Sets a user's password and ends their sessions. You must have every scope that the user has. Needs the scope
    /// `users:write`.
    #[graphql(requires(HasScope(USERS_WRITE)), tag = "admin", directive = credential::apply())]
    async fn set_user_password(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The user and the password.")] input: SetUserPasswordInput,
    ) -> Result<UserPayload> {
        let (id, password) = (input.id.parse()?, NewPassword::parse(input.password.into())?);
        Ok(payload(ctx, administration::set_password(app(ctx), &actor(ctx)?, id, &password).await?))
    }

    /// Takes a user's password away and ends their sessions: a mail lets them set another one. You must have every
    /// scope that the user has. Needs the scope `users:write`.
    #[graphql(requires(HasScope(USERS_WRITE)), tag = "admin", directive = credential::apply())]
    async fn force_password_reset(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The user's `id`.")] id: ID,
        #[graphql(desc = "Why, for the audit log.")] reason: Option<String>,
    ) -> Result<UserPayload> {
        let reason = self::reason(reason)?;
        Ok(payload(ctx, administration::force_password_reset(app(ctx), &actor(ctx)?, id.parse()?, reason).await?))
    }

    /// Forbids a user to sign in, and ends their sessions. Needs the scope `users:write`.
    #[graphql(requires(HasScope(USERS_WRITE)), tag = "admin")]
    async fn disable_user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The user's `id`.")] id: ID,
        #[graphql(desc = "Why, for the audit log.")] reason: Option<String>,
    ) -> Result<UserPayload> {
        let reason = self::reason(reason)?;
        Ok(payload(ctx, administration::disable(app(ctx), &actor(ctx)?, id.parse()?, reason).await?))
    }

    /// Lets a disabled user sign in again. Needs the scope `users:write`.
    #[graphql(requires(HasScope(USERS_WRITE)), tag = "admin")]
    async fn enable_user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The user's `id`.")] id: ID,
    ) -> Result<UserPayload> {
        Ok(payload(ctx, administration::enable(app(ctx), &actor(ctx)?, id.parse()?).await?))
    }

    /// Deletes a user, so that nothing finds them any more, and ends their sessions. Their address stays taken, and
    /// `restoreUser` brings them back, unless it is for good: then nothing is left but the identifier, the address is
    /// free, and you must have every scope that the user has. For good, somebody can be deleted who is deleted already.
    /// Needs the scope `users:write`.
    #[graphql(requires(HasScope(USERS_WRITE)), tag = "admin")]
    async fn delete_user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The user's `id`.")] id: ID,
        #[graphql(desc = "Why, for the audit log.")] reason: Option<String>,
        #[graphql(desc = "Whether it can not be undone.", default_with = "Some(false)")] for_good: Option<bool>,
    ) -> Result<UserPayload> {
        let reason = self::reason(reason)?;
        let deletion = if for_good.unwrap_or_default() { Deletion::ForGood } else { Deletion::Restorable };
        Ok(payload(ctx, administration::delete(app(ctx), &actor(ctx)?, id.parse()?, deletion, reason).await?))
    }

    /// Brings a deleted user back. Needs the scope `users:write`.
    #[graphql(requires(HasScope(USERS_WRITE)), tag = "admin")]
    async fn restore_user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The user's `id`.")] id: ID,
    ) -> Result<UserPayload> {
        Ok(payload(ctx, administration::restore(app(ctx), &actor(ctx)?, id.parse()?).await?))
    }

    /// Makes one account of two that are the same person's. The one is deleted for good, and `user` answers to its
    /// identifier with the other, which gets what it does not have of names, phone number, language and `metadata`, but
    /// neither address, password, roles nor scopes. You must have every scope that either has. Needs the scope
    /// `users:write`.
    #[graphql(requires(HasScope(USERS_WRITE)), tag = "admin")]
    async fn merge_users(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The two accounts, and why.")] input: MergeUsersInput,
    ) -> Result<UserPayload> {
        let (id, into, reason) = (input.id.parse()?, input.into.parse()?, audit::reason(&input.reason)?);
        Ok(payload(ctx, administration::merge(app(ctx), &actor(ctx)?, id, into, reason).await?))
    }

    /// Ends one session of a user, or all of them: their tokens are refused from now on. Needs the scope `users:write`.
    #[graphql(requires(HasScope(USERS_WRITE)), tag = "admin")]
    async fn revoke_user_sessions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The user's `id`.")] user_id: ID,
        #[graphql(desc = "The session's `id`; all of them when left out.")] session_id: Option<ID>,
    ) -> Result<RevokeUserSessionsPayload> {
        let (app, actor, user) = (app(ctx), actor(ctx)?, user_id.parse()?);
        let revoked_sessions = match session_id {
            Some(session) => administration::revoke_session(app, &actor, user, session.parse()?).await?,
            None => administration::revoke_all_sessions(app, &actor, user).await?,
        };
        Ok(RevokeUserSessionsPayload { revoked_sessions })
    }

    /// Gets an access token of a user who may do no more than you, for as long as one is good. The user sees it among
    /// their sessions. Needs the scope `users:impersonate`.
    #[graphql(requires(HasScope(IMPERSONATE)), tag = "admin")]
    async fn impersonate(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The user, and why.")] input: ImpersonateInput,
    ) -> Result<ImpersonatePayload> {
        let (id, reason) = (input.id.parse()?, audit::reason(&input.reason)?);
        let granted = administration::impersonate(app(ctx), &actor(ctx)?, Impersonator::Themself, id, reason).await?;
        Ok(ImpersonatePayload {
            access_token: granted.access_token.expose_secret().to_owned(),
            token_type: "Bearer",
            expires_at: granted.expires_at,
            scope: granted.scope.to_strings(),
            user: User::new(app(ctx), granted.user),
        })
    }
}
