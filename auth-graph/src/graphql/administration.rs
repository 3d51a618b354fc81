//! Other people's accounts: `createUser`, `inviteUser`, `updateUser`, `disableUser` and so on, `impersonate`,
//! `userSessions`, `roles`.

mod inputs;

use async_graphql::types::Json;
use async_graphql::{Context, ID, Object, SimpleObject};
use chrono::{DateTime, Utc};
use secrecy::ExposeSecret;
use subgraph::{access, credential, guarded};

use super::account::User;
use super::caller::{actor, app, principal};
use super::error::Result;
use super::guard::{HasScope, HasScopeForAll};
use super::registration::MailRequestedPayload;
use super::session::LoginSession;
use engine::accounts::{self, Deletion, USERS_READ};
use engine::administration::{self, IMPERSONATE, Impersonator, USERS_WRITE};
use engine::audit;
use inputs::{
    CreateUserInput, ImpersonateInput, InviteUserInput, MergeUsersInput, SetUserPasswordInput, SetUserRolesInput,
    UpdateUserInput,
};
use model::values::NewPassword;
use store::users::Model;

/// Result of a mutation that creates or changes a user.
#[derive(SimpleObject)]
pub struct UserPayload {
    /// The user after the change.
    user: User,
}

/// Result of `revokeUserSessions`.
#[derive(SimpleObject)]
pub struct RevokeUserSessionsPayload {
    /// Number of sessions that were ended.
    revoked_sessions: usize,
}

/// Access token to act as another user.
#[derive(SimpleObject)]
pub struct ImpersonatePayload {
    /// Access token. Its claim `sub` is the user, its claim `act` is you. It cannot be refreshed.
    access_token: String,
    /// Type of the access token, always `Bearer` (RFC 6750).
    token_type: &'static str,
    /// Time at which the access token expires (UTC).
    expires_at: DateTime<Utc>,
    /// Scopes that the access token grants: every scope of the user.
    scope: Vec<String>,
    /// The user whom the access token is for.
    user: User,
}

/// A named set of scopes, defined in the configuration of the service.
#[derive(SimpleObject)]
pub struct Role {
    /// Name of the role.
    name: String,
    /// Scopes that the role grants.
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
    /// Lists the active sessions of a user, latest first. Requires the scope `users:read`. Service clients that see
    /// only some users or fields are rejected with `FORBIDDEN`.
    #[graphql(access(HasScopeForAll(USERS_READ)), tag = "admin")]
    async fn user_sessions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Identifier of the user.")] user_id: ID,
    ) -> Result<Vec<LoginSession>> {
        let sessions = administration::list_sessions(app(ctx), user_id.parse()?).await?;
        let current = principal(ctx)?.holder().session();
        Ok(sessions.into_iter().map(|session| LoginSession::new(session, current)).collect())
    }

    /// Object with custom data of a user that only administrators see, in addition to `metadata`, which the user sees
    /// too. Requires the scope `users:read`. Service clients that see only some users or fields are rejected with
    /// `FORBIDDEN`.
    #[graphql(access(HasScopeForAll(USERS_READ)), tag = "admin")]
    async fn private_metadata(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Identifier of the user.")] user_id: ID,
    ) -> Result<Json<serde_json::Value>> {
        Ok(Json(accounts::by_id(app(ctx), user_id.parse()?).await?.private_metadata))
    }

    /// Lists the roles that the configuration of the service defines. Requires the scope `users:read`.
    #[graphql(access(HasScope(USERS_READ)), tag = "admin")]
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
    /// Creates a user account. You can only give roles and scopes that you have yourself. Fails with `CONFLICT` when
    /// the e-mail address is taken. Requires the scope `users:write`.
    #[graphql(access(HasScope(USERS_WRITE)), tag = "admin", directive = credential::apply())]
    async fn create_user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Details of the account.")] input: CreateUserInput,
    ) -> Result<UserPayload> {
        let user = administration::create(app(ctx), &actor(ctx)?, input.parse()?).await?;
        Ok(payload(ctx, user))
    }

    /// Sends an invitation to an e-mail address. Its link lets the recipient create an account. No mail is sent when
    /// the address already has an account. Fails with `FORBIDDEN` when registration is disabled. Requires the scope
    /// `users:write`.
    #[graphql(access(HasScope(USERS_WRITE)), tag = "admin", directive = credential::apply())]
    async fn invite_user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "E-mail address to invite, and the language of the mail.")] input: InviteUserInput,
    ) -> Result<MailRequestedPayload> {
        let (email, locale) = input.parse()?;
        administration::invite(app(ctx), &actor(ctx)?, &email, locale).await?;
        Ok(MailRequestedPayload::new())
    }

    /// Changes a user account. Only superusers can change `isStaff`, `isSuperuser` and the accounts of superusers. To
    /// change the e-mail address or its verification, you must have every role and scope that the user has. Requires
    /// the scope `users:write`.
    #[graphql(access(HasScope(USERS_WRITE)), tag = "admin")]
    async fn update_user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Changes to the account.")] input: UpdateUserInput,
    ) -> Result<UserPayload> {
        let (id, update) = input.parse()?;
        Ok(payload(ctx, administration::update(app(ctx), &actor(ctx)?, id, update).await?))
    }

    /// Replaces the roles and scopes of a user. You can only give and take roles and scopes that you have yourself.
    /// Access tokens follow at their next refresh, other services follow through the change feed. Requires the scope
    /// `users:write`.
    #[graphql(access(HasScope(USERS_WRITE)), tag = "admin")]
    async fn set_user_roles(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "New roles and scopes of the user.")] input: SetUserRolesInput,
    ) -> Result<UserPayload> {
        let (id, roles, scopes) = input.parse()?;
        Ok(payload(ctx, administration::set_roles(app(ctx), &actor(ctx)?, id, roles, scopes).await?))
    }

    /// Sets the password of a user and ends all their sessions. You must have every role and scope that the user has.
    /// Requires the scope `users:write`.
    #[graphql(access(HasScope(USERS_WRITE)), tag = "admin", directive = credential::apply())]
    async fn set_user_password(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The user, and the new password.")] input: SetUserPasswordInput,
    ) -> Result<UserPayload> {
        let (id, password) = (input.id.parse()?, NewPassword::parse(input.password.into())?);
        Ok(payload(ctx, administration::set_password(app(ctx), &actor(ctx)?, id, &password).await?))
    }

    /// Removes the password of a user and ends all their sessions. A mail with a link lets the user set a new one.
    /// You must have every role and scope that the user has. Requires the scope `users:write`.
    #[graphql(access(HasScope(USERS_WRITE)), tag = "admin", directive = credential::apply())]
    async fn force_password_reset(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Identifier of the user.")] id: ID,
        #[graphql(desc = "Reason for the audit log: 1 to 500 characters.")] reason: Option<String>,
    ) -> Result<UserPayload> {
        let reason = self::reason(reason)?;
        Ok(payload(ctx, administration::force_password_reset(app(ctx), &actor(ctx)?, id.parse()?, reason).await?))
    }

    /// Disables a user, who can no longer sign in, and ends all their sessions. You must have every role and scope that
    /// the user has. Requires the scope `users:write`.
    #[graphql(access(HasScope(USERS_WRITE)), tag = "admin")]
    async fn disable_user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Identifier of the user.")] id: ID,
        #[graphql(desc = "Reason for the audit log: 1 to 500 characters.")] reason: Option<String>,
    ) -> Result<UserPayload> {
        let reason = self::reason(reason)?;
        Ok(payload(ctx, administration::disable(app(ctx), &actor(ctx)?, id.parse()?, reason).await?))
    }

    /// Enables a disabled user, who can sign in again. You must have every role and scope that the user has. Requires
    /// the scope `users:write`.
    #[graphql(access(HasScope(USERS_WRITE)), tag = "admin")]
    async fn enable_user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Identifier of the user.")] id: ID,
    ) -> Result<UserPayload> {
        Ok(payload(ctx, administration::enable(app(ctx), &actor(ctx)?, id.parse()?).await?))
    }

    /// Deletes a user and ends all their sessions. The user is no longer found, the e-mail address stays reserved, and
    /// `restoreUser` undoes the deletion.
    ///
    /// A permanent deletion (`forGood`) cannot be undone: it removes everything except the identifier, and the e-mail
    /// address can be used for another account. It is also possible for a user who is deleted already.
    ///
    /// You must have every role and scope that the user has. Requires the scope `users:write`.
    #[graphql(access(HasScope(USERS_WRITE)), tag = "admin")]
    async fn delete_user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Identifier of the user.")] id: ID,
        #[graphql(desc = "Reason for the audit log: 1 to 500 characters.")] reason: Option<String>,
        #[graphql(desc = "True to delete the user permanently.", default_with = "Some(false)")] for_good: Option<bool>,
    ) -> Result<UserPayload> {
        let reason = self::reason(reason)?;
        let deletion = if for_good.unwrap_or_default() { Deletion::ForGood } else { Deletion::Restorable };
        Ok(payload(ctx, administration::delete(app(ctx), &actor(ctx)?, id.parse()?, deletion, reason).await?))
    }

    /// Restores a deleted user. Fails with `NOT_FOUND` when the user was deleted permanently. You must have every role
    /// and scope that the user has. Requires the scope `users:write`.
    #[graphql(access(HasScope(USERS_WRITE)), tag = "admin")]
    async fn restore_user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Identifier of the user.")] id: ID,
    ) -> Result<UserPayload> {
        Ok(payload(ctx, administration::restore(app(ctx), &actor(ctx)?, id.parse()?).await?))
    }

    /// Merges two accounts of one person. The first account is deleted permanently, and queries for its identifier
    /// return the second one. The second account takes over what it lacks: given name, family name, phone number,
    /// language, and the members of `metadata` that users can set themselves. It does not take over the e-mail address,
    /// password, roles or scopes. You must have every role and scope that either user has. Requires the scope
    /// `users:write`.
    #[graphql(access(HasScope(USERS_WRITE)), tag = "admin")]
    async fn merge_users(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The two accounts, and the reason.")] input: MergeUsersInput,
    ) -> Result<UserPayload> {
        let (id, into, reason) = (input.id.parse()?, input.into.parse()?, audit::reason(&input.reason)?);
        Ok(payload(ctx, administration::merge(app(ctx), &actor(ctx)?, id, into, reason).await?))
    }

    /// Ends one session of a user, or all of them. Their tokens are rejected from now on. You must have every role and
    /// scope that the user has. Requires the scope `users:write`.
    #[graphql(access(HasScope(USERS_WRITE)), tag = "admin")]
    async fn revoke_user_sessions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Identifier of the user.")] user_id: ID,
        #[graphql(desc = "Identifier of the session. By default, all sessions are ended.")] session_id: Option<ID>,
    ) -> Result<RevokeUserSessionsPayload> {
        let (app, actor, user) = (app(ctx), actor(ctx)?, user_id.parse()?);
        let revoked_sessions = match session_id {
            Some(session) => administration::revoke_session(app, &actor, user, session.parse()?).await?,
            None => administration::revoke_all_sessions(app, &actor, user).await?,
        };
        Ok(RevokeUserSessionsPayload { revoked_sessions })
    }

    /// Issues an access token of another user, with the usual lifetime. Fails with `FORBIDDEN` when the user has roles
    /// or scopes that you do not have. The user sees the token among their sessions. Requires the scope
    /// `users:impersonate`.
    #[graphql(access(HasScope(IMPERSONATE)), tag = "admin")]
    async fn impersonate(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The user, and the reason.")] input: ImpersonateInput,
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
