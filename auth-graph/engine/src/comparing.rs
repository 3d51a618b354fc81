//! The only place that compares passwords, whatever they are given for: a sign-in, a change by address and password, a
//! proof by a signed-in user, or the confirmation of an address.
//!
//! It counts attempts, refuses sample passwords outside of the demo, and leaves a trace of each failure: a login event,
//! a metric and a line of the log. The answers and the times do not reveal what was wrong.

use std::borrow::Cow;

use credentials::Place;
use model::config::Profile;
use model::error::{Error, Result};
use model::values::{Email, Method, Password, SessionId};
use store::{known_networks, login_events, user_credentials, users};

use crate::accounts::Account;
use crate::app::App;
use crate::audit::login_events::first_party;
use crate::callers::{Device, Principal};
use crate::limits::{self, Attempt, LimitedAction};
use crate::mail::{self, Letter};
use crate::signing_in::Identifier;

/// The account that a password is given for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Claim<'a> {
    /// The account with this address or user name, if there is one, to sign in.
    SignIn(&'a Identifier),
    /// The account with this address or user name, if there is one, to change it.
    Change(&'a Identifier),
    /// The account of a user who is signed in.
    Proof {
        /// The user.
        user: &'a users::Model,
        /// The caller.
        principal: &'a Principal,
        /// Name of the argument with the password in the API.
        field: &'static str,
    },
    /// The account of a user who has the link of a mail.
    Link {
        /// The user.
        user: &'a users::Model,
        /// Hash of the token in the link.
        token: &'a str,
    },
    /// The account that a registration will create, for a caller who has the link of its mail.
    Registration {
        /// The future account.
        account: &'a Account,
        /// Hash of the token in the link.
        token: &'a str,
    },
}

/// A password that was right.
#[derive(Debug)]
pub(crate) struct Right {
    /// The user, who is active.
    pub(crate) user: users::Model,
    /// The credential that was compared.
    pub(crate) credential: user_credentials::Model,
    /// The attempt that was taken. The work gives it back when it succeeds.
    pub(crate) attempt: Attempt,
}

/// What the database knows about an account.
struct Found {
    user: Option<users::Model>,
    credential: Option<user_credentials::Model>,
    decoy: Option<String>,
}

/// Compares a password, and does the work that it is given for if it is right. A work that fails with
/// [`Error::InvalidCredentials`] or [`Error::ValidationFailed`] is recorded like a wrong password: its answer tells
/// that the password was right.
///
/// # Errors
/// [`Error::InvalidCredentials`], or [`Error::WrongPassword`] for a proof; [`Error::RateLimited`] before any work is
/// done; [`Error::Unavailable`] when too many passwords are being compared; those of the work.
pub(crate) async fn compare<T>(
    app: &App,
    claim: Claim<'_>,
    password: &Password,
    device: &Device,
    work: impl AsyncFnOnce(Right) -> Result<T>,
) -> Result<T> {
    let result = attempt(app, claim, password, device, work).await;
    let metrics = claim.metrics(app);
    match &result {
        Ok(_) => metrics.granted.increment(1),
        Err(Error::InvalidCredentials | Error::WrongPassword { .. } | Error::ValidationFailed { .. }) => {
            metrics.refused.increment(1);
        }
        Err(Error::RateLimited { .. }) => metrics.limited.increment(1),
        Err(_) => {}
    }
    result
}

async fn attempt<T>(
    app: &App,
    claim: Claim<'_>,
    password: &Password,
    device: &Device,
    work: impl AsyncFnOnce(Right) -> Result<T>,
) -> Result<T> {
    // Before the database is asked for anything.
    let place = app.passwords.pool.reserve().inspect_err(|_| claim.metrics(app).shed.increment(1))?;
    let email = claim.address(app).await?;
    let action = claim.limited(app, &email, device).await?;
    limits::attempt(app, action, device.address, async |attempt| {
        let (found, spent) = (claim.find(app, &email).await?, attempt.clone());
        // The user of a registration does not exist yet.
        let user = found.user.clone().filter(|_| !matches!(claim, Claim::Registration { .. }));
        let result = match found.right(app, place, password, attempt).await? {
            Some(right) => work(right).await,
            None => Err(Error::InvalidCredentials),
        };
        match result {
            Err(error @ (Error::InvalidCredentials | Error::ValidationFailed { .. })) => {
                record(app, claim, user.as_ref(), &error, device).await?;
                let is_slowed = spent.fail(&app.relaxed_db, app.clock.now()).await?;
                if let Some(user) = user.filter(|_| is_slowed) {
                    warn(app, &user).await?;
                }
                Err(claim.explain(error))
            }
            other => other,
        }
    })
    .await
}

impl Found {
    /// Compares the password. Returns `None` when it is wrong or cannot be used.
    async fn right(self, app: &App, place: Place<'_>, password: &Password, attempt: Attempt) -> Result<Option<Right>> {
        let hash = self.credential.as_ref().map(|credential| credential.secret.as_str());
        let same = place.compare(password, hash, self.decoy.as_deref()).await?;
        let usable = app.config.profile == Profile::Demo || !password.is_sample();
        Ok(match (self.user, self.credential) {
            (Some(user), Some(credential)) if same && usable && user.is_active => {
                Some(Right { user, credential, attempt })
            }
            _ => None,
        })
    }
}

impl<'a> Claim<'a> {
    /// Returns the address of the account. Every further look-up is by it.
    async fn address(self, app: &App) -> Result<Cow<'a, Email>> {
        match self {
            Self::SignIn(identifier) | Self::Change(identifier) => identifier.address(app).await,
            Self::Proof { user, .. } | Self::Link { user, .. } => Ok(Cow::Borrowed(&user.email)),
            Self::Registration { account, .. } => Ok(Cow::Borrowed(&account.user.email)),
        }
    }

    /// Returns the action whose attempts are counted. Strangers, a network that the user has signed in from, a session
    /// and a link have counters of their own, so that none keeps another out.
    async fn limited<'b>(self, app: &App, email: &'b Email, device: &Device) -> Result<LimitedAction<'b>>
    where
        'a: 'b,
    {
        match self {
            Self::SignIn(_) | Self::Change(_) => {}
            Self::Proof { .. } => {
                let session = self.session().map(LimitedAction::PasswordInSession);
                return Ok(session.unwrap_or(LimitedAction::Password(email)));
            }
            Self::Link { token, .. } | Self::Registration { token, .. } => {
                return Ok(LimitedAction::PasswordWithLink(token));
            }
        }
        let Some(address) = device.address else { return Ok(LimitedAction::Password(email)) };
        let is_known = known_networks::contains(&app.db, email, &limits::network(address), app.clock.now()).await?;
        Ok(match is_known {
            true => LimitedAction::PasswordFromKnownNetwork(email, address),
            false => LimitedAction::Password(email),
        })
    }

    fn metrics(self, app: &App) -> &crate::metrics::Comparisons {
        match self {
            Self::SignIn(_) => &app.metrics.logins,
            _ => &app.metrics.proofs,
        }
    }

    fn session(self) -> Option<SessionId> {
        match self {
            Self::Proof { principal, .. } => principal.holder().session(),
            _ => None,
        }
    }

    async fn find(self, app: &App, email: &Email) -> Result<Found> {
        Ok(match self {
            Self::SignIn(_) | Self::Change(_) => {
                let users::Candidate { user, password, decoy } = users::candidate(&app.db, email).await?;
                Found { user, credential: password, decoy }
            }
            Self::Proof { user, .. } | Self::Link { user, .. } => {
                let account = Account::of(&app.db, user.clone()).await?;
                let credential = account.password().cloned();
                Found { user: Some(account.user), credential, decoy: None }
            }
            Self::Registration { account, .. } => {
                Found { user: Some(account.user.clone()), credential: account.password().cloned(), decoy: None }
            }
        })
    }

    /// Returns the error for the caller, who learns which argument was wrong unless they gave an address too.
    fn explain(self, error: Error) -> Error {
        match (self, error) {
            (Self::Proof { field, .. }, Error::InvalidCredentials) => Error::WrongPassword { field },
            (Self::Link { .. } | Self::Registration { .. }, Error::InvalidCredentials) => {
                Error::WrongPassword { field: "password" }
            }
            (_, error) => error,
        }
    }
}

/// Records a failure.
async fn record(
    app: &App,
    claim: Claim<'_>,
    user: Option<&users::Model>,
    error: &Error,
    device: &Device,
) -> Result<()> {
    let event = login_events::Model {
        code: Some(error.code().as_str().to_owned()),
        user_id: user.map(|user| user.id),
        session_id: claim.session(),
        method: Some(Method::Password.as_str().to_owned()),
        ..first_party(device, app.clock.now())
    };
    let (user, address) = (user.map(|user| user.id.to_string()), event.ip_address.clone());
    login_events::insert(&app.relaxed_db, event).await?;
    match claim {
        Claim::SignIn(_) => tracing::info!(user, address, "a sign-in was refused"),
        _ => tracing::info!(user, address, "a password was refused"),
    }
    Ok(())
}

/// Sends the user a mail about many failures.
async fn warn(app: &App, user: &users::Model) -> Result<()> {
    let (now, locale) = (app.clock.now(), user.locale.clone());
    tracing::warn!(user = %user.id, "many passwords were refused in a row");
    mail::enqueue(app, &app.db, &user.email, locale, &Letter::PasswordGuessed, now).await?;
    app.mail.waiting.notify_one();
    Ok(())
}
