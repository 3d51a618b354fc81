//! The commands `user …`. The operator has the permissions of a superuser.

mod argument;
mod create;
mod listing;
mod password;

use clap::{Args, Subcommand};
use secrecy::ExposeSecret;

use super::confirm::{self, Unasked};
use super::failure::Failure;
use engine::accounts::Deletion;
use engine::administration::{self, Impersonator, Update};
use engine::app::App;
use engine::audit;
use engine::callers::Actor;
use model::error::{Code, Error};
use model::values::{NewPassword, Scopes, UserId};

pub(super) use argument::UserArgument;
use create::Create;
use listing::{List, Search, Shown, print};
use password::read_password;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Create a user. The command asks for a password, or reads it from the first line of standard input.
    Create(Create),
    /// Invite a person to create an account. The running service sends the mail.
    Invite {
        /// E-mail address.
        email: String,
        /// Language of the mail, such as de.
        #[arg(long)]
        locale: Option<String>,
    },
    /// Find users by words of the address, of the user name or of the names.
    Search(Search),
    /// List users in the order of their creation.
    List(List),
    /// Show a user.
    Show(Shown),
    /// Change a user; attributes that are not given stay the same.
    Update(Changes),
    /// Merge two accounts of one person. The first is deleted, and the second takes over the data that it lacks.
    Merge {
        #[command(flatten)]
        user: UserArgument,
        /// E-mail address or identifier of the user who remains.
        #[arg(long, value_name = "USER")]
        into: String,
        /// Reason, for the audit log.
        #[arg(long)]
        reason: String,
    },
    /// Print an access token with which an administrator acts as a user.
    Impersonate {
        #[command(flatten)]
        user: UserArgument,
        /// E-mail address or identifier of the administrator who uses it; the token names them.
        #[arg(long, value_name = "USER")]
        by: String,
        /// Reason, for the audit log.
        #[arg(long)]
        reason: String,
    },
    /// Replace the roles and scopes of a user.
    SetRoles {
        #[command(flatten)]
        user: UserArgument,
        /// A role of the configuration; may be repeated.
        #[arg(long = "role", value_name = "ROLE")]
        roles: Vec<String>,
        /// Scope in addition to those of the roles; may be repeated.
        #[arg(long = "scope", value_name = "SCOPE")]
        scopes: Vec<String>,
    },
    /// Set the password of a user and end their sessions. The command asks for it, or reads it from standard input.
    SetPassword(UserArgument),
    /// Remove the password of a user and end their sessions. A mail lets them set another one.
    ForceReset(UserAndReason),
    /// Disable a user, who can no longer sign in, and end their sessions.
    Disable(UserAndReason),
    /// Enable a disabled user, who can sign in again.
    Enable(UserArgument),
    /// Delete a user and end their sessions; `user restore` undoes it.
    Delete {
        #[command(flatten)]
        user: UserAndReason,
        /// Delete all data except the identifier. This cannot be undone.
        #[arg(long)]
        for_good: bool,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
    /// Restore a deleted user.
    Restore {
        /// E-mail address or identifier of the user, as `user list --deleted` prints them.
        user: String,
    },
    /// List the sessions of a user.
    Sessions(Shown),
    /// End the sessions of a user, or one of them.
    RevokeSessions {
        #[command(flatten)]
        user: UserArgument,
        /// Identifier of a single session.
        #[arg(long, value_name = "ID")]
        session: Option<String>,
    },
}

#[derive(Debug, Args)]
pub(super) struct Changes {
    #[command(flatten)]
    user: UserArgument,
    /// New e-mail address.
    #[arg(long)]
    new_email: Option<String>,
    /// True if the address is verified.
    #[arg(long)]
    email_verified: Option<bool>,
    /// Name to sign in with, if accounts.usernames is on; an empty text removes it.
    #[arg(long, value_name = "NAME")]
    username: Option<String>,
    /// Given name.
    #[arg(long)]
    first_name: Option<String>,
    /// Family name.
    #[arg(long)]
    last_name: Option<String>,
    /// Phone number; an empty text removes it.
    #[arg(long)]
    phone_number: Option<String>,
    /// True for staff.
    #[arg(long)]
    staff: Option<bool>,
    /// True for a superuser, who has all permissions.
    #[arg(long)]
    superuser: Option<bool>,
    /// Metadata that services store with the user: a JSON object that replaces the existing one.
    #[arg(long, value_name = "JSON", value_parser = json)]
    metadata: Option<serde_json::Value>,
    /// Metadata that only administrators see: a JSON object that replaces the existing one.
    #[arg(long, value_name = "JSON", value_parser = json)]
    private_metadata: Option<serde_json::Value>,
}

#[derive(Debug, Args)]
pub(super) struct UserAndReason {
    #[command(flatten)]
    user: UserArgument,
    /// Reason, for the audit log.
    #[arg(long)]
    reason: Option<String>,
}

impl UserAndReason {
    async fn parse(self, app: &App) -> Result<(UserId, Option<String>), Failure> {
        Ok((self.user.id(app).await?, self.reason.map(|text| audit::reason(&text)).transpose()?))
    }
}

pub(super) async fn run(app: &App, command: Command) -> Result<(), Failure> {
    match command {
        Command::Create(options) => create::run(app, options).await,
        Command::Invite { email, locale } => invite(app, &email, locale).await,
        Command::Search(options) => listing::search(app, options).await,
        Command::List(options) => listing::list(app, options).await,
        Command::Show(options) => listing::show(app, &options).await,
        Command::Update(options) => update(app, options).await,
        Command::Merge { user, into, reason } => merge(app, &user, into, &reason).await,
        Command::Impersonate { user, by, reason } => impersonate(app, &user, by, &reason).await,
        Command::SetRoles { user, roles, scopes } => set_roles(app, &user, roles, &scopes).await,
        Command::SetPassword(user) => set_password(app, &user).await,
        Command::ForceReset(user) => force_reset(app, user).await,
        Command::Disable(user) => disable(app, user).await,
        Command::Enable(user) => enable(app, &user).await,
        Command::Delete { user, for_good, yes } => delete(app, user, for_good, yes).await,
        Command::Restore { user } => restore(app, &user).await,
        Command::Sessions(options) => listing::sessions(app, &options).await,
        Command::RevokeSessions { user, session } => revoke_sessions(app, &user, session).await,
    }
}

async fn invite(app: &App, email: &str, locale: Option<String>) -> Result<(), Failure> {
    let locale = locale.map(|locale| locale.parse()).transpose()?;
    administration::invite(app, &Actor::operator(), &email.parse()?, locale).await.map_err(|error| match error {
        // Only the configuration can forbid an action of the operator.
        Error::Denied(_) => Error::Conflict(
            "Invitations are off: set accounts.registration to invitation or open, and in production mail.smtp_url.",
        ),
        other => other,
    })?;
    Ok(print_line!("an invitation to {email} was queued")?)
}

async fn update(app: &App, options: Changes) -> Result<(), Failure> {
    let update = Update {
        email: options.new_email.map(|email| email.parse()).transpose()?,
        email_verified: options.email_verified,
        username: options.username,
        first_name: options.first_name,
        last_name: options.last_name,
        phone_number: options.phone_number,
        is_staff: options.staff,
        is_superuser: options.superuser,
        metadata: options.metadata,
        private_metadata: options.private_metadata,
    };
    Ok(print(&administration::update(app, &Actor::operator(), options.user.id(app).await?, update).await?)?)
}

async fn merge(app: &App, user: &UserArgument, into: String, reason: &str) -> Result<(), Failure> {
    let (id, into) = (user.id(app).await?, UserArgument { user: into }.id(app).await?);
    Ok(print(&administration::merge(app, &Actor::operator(), id, into, audit::reason(reason)?).await?)?)
}

async fn impersonate(app: &App, user: &UserArgument, by: String, reason: &str) -> Result<(), Failure> {
    let by = Impersonator::Named(UserArgument { user: by }.id(app).await?);
    let (id, reason) = (user.id(app).await?, audit::reason(reason)?);
    let granted = administration::impersonate(app, &Actor::operator(), by, id, reason).await?;
    Ok(print_line!("{}", granted.access_token.expose_secret())?)
}

async fn set_roles(app: &App, user: &UserArgument, roles: Vec<String>, scopes: &[String]) -> Result<(), Failure> {
    let scopes = Scopes::parse(&scopes.join(" "))?;
    Ok(print(&administration::set_roles(app, &Actor::operator(), user.id(app).await?, roles, scopes).await?)?)
}

async fn set_password(app: &App, user: &UserArgument) -> Result<(), Failure> {
    let id = user.id(app).await?;
    let password = NewPassword::parse(read_password(None)?)?;
    Ok(print(&administration::set_password(app, &Actor::operator(), id, &password).await?)?)
}

async fn force_reset(app: &App, user: UserAndReason) -> Result<(), Failure> {
    let (id, reason) = user.parse(app).await?;
    if !app.mail.mailer.is_on() {
        eprintln!("the user gets no mail, because mail.smtp_url is empty: set a password with `user set-password`");
    }
    Ok(print(&administration::force_password_reset(app, &Actor::operator(), id, reason).await?)?)
}

async fn disable(app: &App, user: UserAndReason) -> Result<(), Failure> {
    let (id, reason) = user.parse(app).await?;
    Ok(print(&administration::disable(app, &Actor::operator(), id, reason).await?)?)
}

async fn enable(app: &App, user: &UserArgument) -> Result<(), Failure> {
    Ok(print(&administration::enable(app, &Actor::operator(), user.id(app).await?).await?)?)
}

async fn delete(app: &App, user: UserAndReason, for_good: bool, yes: bool) -> Result<(), Failure> {
    let named = user.user.user.clone();
    let (id, reason) = user.parse(app).await?;
    let (deletion, effect, unasked) = match for_good {
        true => (Deletion::ForGood, "will be deleted with all data, which cannot be undone.", Unasked::Refuse),
        false => (Deletion::Restorable, "will be deleted; `user restore` undoes it.", Unasked::Continue),
    };
    confirm::ask(&format!("The user {named} {effect}"), yes, unasked)?;
    Ok(print(&administration::delete(app, &Actor::operator(), id, deletion, reason).await?)?)
}

async fn restore(app: &App, user: &str) -> Result<(), Failure> {
    let hint = |error: Error| match error.code() {
        Code::NotFound | Code::ValidationFailed => {
            Failure::with_hint(error, "`auth-graph user list --deleted` prints the users who can be restored")
        }
        _ => error.into(),
    };
    let id = match user.contains('@') {
        true => administration::deleted_by_email(app, &user.parse()?).await,
        false => user.parse().map_err(|_: Error| Error::invalid("user", "must be an e-mail address or an identifier")),
    };
    let restored = administration::restore(app, &Actor::operator(), id.map_err(hint)?).await;
    Ok(print(&restored.map_err(hint)?)?)
}

async fn revoke_sessions(app: &App, user: &UserArgument, session: Option<String>) -> Result<(), Failure> {
    let (id, actor) = (user.id(app).await?, Actor::operator());
    let ended = match session {
        Some(session) => administration::revoke_session(app, &actor, id, session.parse()?).await?,
        None => administration::revoke_all_sessions(app, &actor, id).await?,
    };
    Ok(print_line!("{ended} ended")?)
}

fn json(text: &str) -> Result<serde_json::Value, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}
