//! Rate limits for log-ins, mails and other actions that callers may repeat.
//!
//! An attempt is taken before any work is done for it, and given back when it succeeds. A key that has used up its
//! burst is slowed down. Failed passwords in a row slow it down more and more: see `slowing`.

mod slowing;

use std::borrow::Cow;
use std::net::IpAddr;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{ConnectionTrait, DatabaseConnection};

use crate::app::App;
use crate::callers::Device;
use model::config::Limits;
use model::error::{Error, Result};
use model::values::{Email, SessionId, UserId};
use slowing::Slowing;
use store::known_networks;
use store::rate_limits::{self, Rule};

pub(crate) use slowing::REMEMBERED;

/// Time to wait for comparisons that are still running.
const RUNNING: Duration = Duration::from_secs(1);

/// An action whose attempts are counted, by its subject and by the network of the caller.
#[derive(Clone, Copy, Debug)]
pub enum LimitedAction<'a> {
    /// Comparing the password of an account, for a caller from any network.
    Password(&'a Email),
    /// Comparing the password of an account, for a caller from a network that its user has signed in from.
    PasswordFromKnownNetwork(&'a Email, IpAddr),
    /// Comparing the password of a signed-in user.
    PasswordInSession(SessionId),
    /// Comparing the password of an account for a caller who has the link of a mail, by the hash of its token.
    PasswordWithLink(&'a str),
    /// A failed authentication of a service client, by the identifier that was sent.
    ClientSecret(&'a str),
    /// Checking a new password before the current one is compared.
    NewPassword,
    /// Using a one-time token.
    OneTimeToken,
    /// Sending a mail to an address, which may belong to no user.
    Mail(&'a Email, MailPurpose),
    /// A change that a user makes to their own account, and that needs no proof of identity.
    Write(UserId),
}

/// What a mail is for. Each purpose has a counter of its own, so that nobody uses up the mails that a user needs to get
/// into their account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailPurpose {
    /// Registering an account.
    Registration,
    /// Verifying the address of a user.
    Verification,
    /// Changing the address of a user.
    AddressChange,
    /// Setting a new password.
    PasswordReset,
}

/// Counter of an action: the prefix of its keys, and its rate.
struct Counter<'a> {
    prefix: &'static str,
    subject: Cow<'a, str>,
    /// Interval after which one more attempt is accepted.
    interval: TimeDelta,
    /// Number of attempts that are accepted at once.
    burst: u32,
}

impl<'a> LimitedAction<'a> {
    /// Returns the counter of the subject, or `None` for an action without a subject.
    fn by_subject(self, limits: &Limits) -> Option<Counter<'a>> {
        let of_account = |prefix, subject| {
            let (interval, burst) = (limits.account_interval, limits.account_attempts);
            Some(Counter { prefix, subject, interval, burst })
        };
        match self {
            Self::Password(account) => of_account("account", account.as_str().into()),
            Self::PasswordFromKnownNetwork(account, address) => {
                of_account("account-network", format!("{account} {}", network(address)).into())
            }
            Self::PasswordInSession(session) => of_account("account-session", session.to_string().into()),
            Self::PasswordWithLink(token) => of_account("account-link", token.into()),
            Self::ClientSecret(client) => of_account("client", client.into()),
            Self::NewPassword | Self::OneTimeToken => None,
            Self::Mail(to, purpose) => {
                let (interval, burst) = (limits.mail_interval, limits.mail_burst);
                Some(Counter { prefix: purpose.prefix(), subject: to.as_str().into(), interval, burst })
            }
            Self::Write(user) => {
                let (interval, burst) = (limits.write_interval, limits.write_burst);
                Some(Counter { prefix: "write", subject: user.to_string().into(), interval, burst })
            }
        }
    }

    /// Returns the prefix of the counter of the network, if there is one. Its rate is the same for every action.
    fn by_network(self) -> Option<&'static str> {
        match self {
            Self::Password(_) | Self::PasswordFromKnownNetwork(..) | Self::ClientSecret(_) => Some("network"),
            // Failures of others in the network must not keep a user from changing their account.
            Self::PasswordInSession(_) | Self::PasswordWithLink(_) => None,
            Self::NewPassword => Some("new-password-network"),
            Self::OneTimeToken => Some("token-network"),
            Self::Mail(..) => Some("mail-network"),
            Self::Write(_) => None,
        }
    }

    /// Returns whether failures in a row slow the subject down.
    fn is_slowed(self) -> bool {
        match self {
            Self::Password(_)
            | Self::PasswordFromKnownNetwork(..)
            | Self::PasswordInSession(_)
            | Self::PasswordWithLink(_) => true,
            Self::ClientSecret(_) | Self::NewPassword | Self::OneTimeToken | Self::Mail(..) | Self::Write(_) => false,
        }
    }

    fn subject_rule(self, limits: &Limits) -> Option<Rule> {
        self.by_subject(limits).map(|Counter { prefix, subject, interval, burst }| {
            // The key is a hash: the subject may belong to no user and must not be recorded then.
            let hash = BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, subject.as_bytes()));
            rule(format!("{prefix}:{hash}"), interval, burst)
        })
    }

    fn network_rules(self, limits: &Limits, address: Option<IpAddr>) -> Vec<Rule> {
        let (Some(prefix), Some(address)) = (self.by_network(), address) else { return Vec::new() };
        let of =
            |network: String| rule(format!("{prefix}:{network}"), limits.network_interval, limits.network_attempts);
        let site = site(address).map(|site| {
            let rule = of(site);
            // Ten times as many, in the same time.
            Rule { interval: (rule.interval / 10).max(1), ..rule }
        });
        std::iter::once(of(network(address))).chain(site).collect()
    }
}

impl MailPurpose {
    fn prefix(self) -> &'static str {
        match self {
            Self::Registration => "mail-registration",
            Self::Verification => "mail-verification",
            Self::AddressChange => "mail-address-change",
            Self::PasswordReset => "mail-password-reset",
        }
    }
}

/// An attempt that was accepted.
#[derive(Clone, Debug)]
#[must_use = "a success gives its attempt back"]
pub struct Attempt {
    subject: Option<Rule>,
    networks: Vec<Rule>,
    /// How failures in a row slow the subject down, if they do.
    slowing: Option<Slowing>,
}

/// Does the work that an attempt is taken for. The work gives the attempt back when it succeeds. When it fails and the
/// caller is not to blame, as with [`Error::Unavailable`] and [`Error::Internal`], the attempt is given back here.
///
/// # Errors
/// As [`Attempt::take`]; those of the work.
pub(crate) async fn attempt<T>(
    app: &App,
    action: LimitedAction<'_>,
    address: Option<IpAddr>,
    work: impl AsyncFnOnce(Attempt) -> Result<T>,
) -> Result<T> {
    let attempt = Attempt::take(&app.relaxed_db, &app.config.limits, action, address, app.clock.now()).await?;
    let rules = attempt.rules();
    let result = work(attempt).await;
    if matches!(result, Err(Error::Unavailable { .. } | Error::Internal(_))) {
        // The failure of the work is the one to report.
        if let Err(error) = rate_limits::give_back(&app.relaxed_db, &rules).await {
            tracing::warn!(error = errors::explain(&error), "an attempt could not be given back");
        }
    }
    result
}

/// Counts a change that a user makes to their own account, before any work is done for it. A change that fails is not
/// given back.
///
/// # Errors
/// [`Error::RateLimited`].
pub(crate) async fn count_write(app: &App, user: UserId) -> Result<()> {
    let action = LimitedAction::Write(user);
    Attempt::take(&app.relaxed_db, &app.config.limits, action, None, app.clock.now()).await.map(drop)
}

/// Counts a mail to an address, before any work is done for it. A mail is not given back.
///
/// # Errors
/// [`Error::RateLimited`].
pub(crate) async fn count_mail(app: &App, email: &Email, purpose: MailPurpose, device: &Device) -> Result<()> {
    let action = LimitedAction::Mail(email, purpose);
    Attempt::take(&app.relaxed_db, &app.config.limits, action, device.address, app.clock.now()).await.map(drop)
}

impl Attempt {
    /// Takes an attempt from the counters of the subject and of the network. If one of them has none left, no attempt
    /// is taken.
    ///
    /// # Errors
    /// [`Error::RateLimited`] when one of the counters has no attempt left.
    pub async fn take(
        db: &DatabaseConnection,
        limits: &Limits,
        action: LimitedAction<'_>,
        address: Option<IpAddr>,
        now: DateTime<Utc>,
    ) -> Result<Self> {
        let attempt = Self {
            subject: action.subject_rule(limits),
            networks: action.network_rules(limits, address),
            slowing: action.is_slowed().then(|| Slowing::new(limits)),
        };
        let (rules, now) = (attempt.rules(), now.timestamp_micros());
        let taken = store::repeat_on_conflict(async || rate_limits::take(db, &rules, now).await).await?;
        let Some(taken) = taken else {
            let retry_after = attempt.longest_wait(db, now).await?;
            return Err(Error::RateLimited { retry_after });
        };
        if let (Some(subject), Some(slowing)) = (&attempt.subject, attempt.slowing)
            && let Some(counter) = taken.iter().find(|counter| counter.key == subject.key)
            && let Some(free_at) = slowing.free_at(counter)
        {
            // One attempt is accepted at that time, however many come.
            let is_free = free_at <= now && rate_limits::claim(db, counter, now).await?;
            if !is_free {
                rate_limits::give_back(db, &rules).await?;
                return Err(Error::RateLimited { retry_after: micros(free_at - now).max(RUNNING) });
            }
        }
        Ok(attempt)
    }

    /// Gives the attempt of a success back, in the transaction of the action. A right password also ends the failures
    /// in a row.
    pub async fn give_back(&self, txn: &impl ConnectionTrait) -> Result<()> {
        match self {
            Self { subject: Some(subject), networks, slowing: Some(_) } => {
                rate_limits::reset(txn, std::slice::from_ref(&subject.key)).await?;
                rate_limits::give_back(txn, networks).await?;
            }
            other => rate_limits::give_back(txn, &other.rules()).await?,
        }
        Ok(())
    }

    /// Counts a failure. Returns whether it is the first one in a row that makes the wait longer.
    pub(crate) async fn fail(&self, db: &impl ConnectionTrait, now: DateTime<Utc>) -> Result<bool> {
        let (Some(subject), Some(slowing)) = (&self.subject, self.slowing) else { return Ok(false) };
        let failures = rate_limits::fail(db, &subject.key, now.timestamp_micros()).await?;
        Ok(slowing.begins_at(failures))
    }

    fn rules(&self) -> Vec<Rule> {
        self.subject.iter().chain(&self.networks).cloned().collect()
    }

    /// Returns the time until every counter has an attempt left.
    async fn longest_wait(&self, db: &DatabaseConnection, now: i64) -> Result<Duration> {
        let counters = rate_limits::find(db, &self.rules()).await?;
        let wait_of = |rule: &Rule| {
            let counter = counters.get(&rule.key);
            micros(counter.map_or(now, |counter| counter.free_at) + rule.interval - rule.burst - now)
        };
        let subject = self.subject.as_ref().map(|rule| {
            let wait = wait_of(rule);
            let failures = counters.get(&rule.key).map_or(0, |counter| i64::from(counter.failures));
            // The failures alone do not use the burst up, so attempts are running that may give themselves back.
            let is_running = self.slowing.is_some() && failures < rule.burst / rule.interval;
            if is_running { wait.min(RUNNING) } else { wait }
        });
        let waits = subject.into_iter().chain(self.networks.iter().map(wait_of));
        Ok(waits.max().unwrap_or_default())
    }
}

/// Makes the counters of an account accept attempts again, from any network and from these, as its user has a new
/// password.
pub(crate) async fn reset_passwords(
    txn: &impl ConnectionTrait,
    limits: &Limits,
    account: &Email,
    networks: impl IntoIterator<Item = String>,
) -> Result<()> {
    let known = networks.into_iter().filter_map(|network| network.split('/').next()?.parse().ok());
    let actions = known.map(|address| LimitedAction::PasswordFromKnownNetwork(account, address));
    let actions = std::iter::once(LimitedAction::Password(account)).chain(actions);
    let mut keys: Vec<String> = actions.filter_map(|action| action.subject_rule(limits)).map(|rule| rule.key).collect();
    keys.sort_unstable();
    Ok(rate_limits::reset(txn, &keys).await?)
}

/// Remembers the network of a device as known for a user, whose attempts from there then have a counter of their own.
pub(crate) async fn remember_network(
    txn: &impl ConnectionTrait,
    user: UserId,
    device: &Device,
    now: DateTime<Utc>,
) -> Result<()> {
    let Some(address) = device.address else { return Ok(()) };
    let row = known_networks::Model { user_id: user, network: network(address), until: now + REMEMBERED };
    Ok(known_networks::remember(txn, row).await?)
}

/// Returns the rule of a counter that accepts `attempts` at once, and one more in every `interval`. The check of the
/// configuration keeps the sums here and in `rate_limits` within their range.
fn rule(key: String, interval: TimeDelta, attempts: u32) -> Rule {
    let interval = interval.num_microseconds().expect("intervals are at most 30 days");
    Rule { key, interval, burst: interval.saturating_mul(attempts.into()) }
}

fn micros(time: i64) -> Duration {
    Duration::from_micros(u64::try_from(time).unwrap_or_default())
}

/// Returns the name of the network of an address. For IPv6 it is the /64, which belongs to one customer.
pub(crate) fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

/// Returns the name of the IPv6 /48 of an address, which is the largest network that many providers give a customer.
fn site(address: IpAddr) -> Option<String> {
    match address.to_canonical() {
        IpAddr::V4(_) => None,
        IpAddr::V6(address) => {
            let [a, b, c, ..] = address.segments();
            Some(format!("{a:x}:{b:x}:{c:x}::/48"))
        }
    }
}
