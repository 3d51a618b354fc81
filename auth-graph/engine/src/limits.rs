//! Rate limits for log-ins, mails and other actions that callers may repeat.
//!
//! An attempt is taken before any work is done for it, and given back when it succeeds. A key that has used up its
//! burst is slowed down and never locked.

use std::net::IpAddr;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{ConnectionTrait, DatabaseConnection};

use crate::app::App;
use model::config::Limits;
use model::error::{Error, Result};
use model::values::{Email, UserId};
use store::rate_limits::{self, Rule};

/// An action whose attempts are counted, by its subject and by the network of the caller.
#[derive(Clone, Copy, Debug)]
pub enum LimitedAction<'a> {
    /// Comparing the password of an account.
    Password(&'a Email),
    /// A failed authentication of a service client, by the identifier that was sent.
    ClientSecret(&'a str),
    /// Checking a new password before the current one is compared.
    NewPassword,
    /// Using a one-time token.
    OneTimeToken,
    /// Sending a mail to an address, which may belong to no user.
    Mail(&'a Email),
    /// A change that a user makes to their own account, and that needs no proof of identity.
    Write(UserId),
}

/// Counter of an action: the prefix of its keys, and its rate.
struct Counter {
    prefix: &'static str,
    subject: String,
    /// Interval after which one more attempt is accepted.
    interval: TimeDelta,
    /// Number of attempts that are accepted at once.
    burst: u32,
}

impl LimitedAction<'_> {
    /// Returns the counter of the subject, or `None` for an action without a subject.
    fn by_subject(self, limits: &Limits) -> Option<Counter> {
        let of_account = (limits.account_interval, limits.account_attempts);
        let (prefix, subject, (interval, burst)) = match self {
            Self::Password(account) => ("account", account.to_string(), of_account),
            Self::ClientSecret(client) => ("client", client.to_owned(), of_account),
            Self::NewPassword | Self::OneTimeToken => return None,
            Self::Mail(to) => ("mail", to.to_string(), (limits.mail_interval, limits.mail_burst)),
            Self::Write(user) => ("write", user.to_string(), (limits.write_interval, limits.write_burst)),
        };
        Some(Counter { prefix, subject, interval, burst })
    }

    /// Returns the prefix of the counter of the network, or `None` when the network does not count. Its rate is the
    /// same for every action.
    fn by_network(self) -> Option<&'static str> {
        match self {
            Self::Password(_) | Self::ClientSecret(_) => Some("network"),
            Self::NewPassword => Some("new-password-network"),
            Self::OneTimeToken => Some("token-network"),
            Self::Mail(_) => Some("mail-network"),
            Self::Write(_) => None,
        }
    }

    fn rules(self, limits: &Limits, address: Option<IpAddr>) -> Vec<Rule> {
        let subject = self.by_subject(limits).map(|Counter { prefix, subject, interval, burst }| {
            // The key is a hash: the subject may belong to no user and must not be recorded then.
            let hash = BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, subject.as_bytes()));
            rule(format!("{prefix}:{hash}"), interval, burst)
        });
        let network = self.by_network().zip(address).map(|(prefix, address)| {
            rule(format!("{prefix}:{}", network(address)), limits.network_interval, limits.network_attempts)
        });
        subject.into_iter().chain(network).collect()
    }
}

/// An attempt that was accepted.
#[derive(Debug)]
#[must_use = "a success gives its attempt back"]
pub struct Attempt(Vec<Rule>);

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
    let rules = attempt.0.clone();
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
        let rules = action.rules(limits, address);
        let now = now.timestamp_micros();
        if rate_limits::take(db, &rules, now).await? {
            return Ok(Self(rules));
        }
        let free_at = rate_limits::find(db, &rules).await?;
        let waits = rules.iter().map(|rule| free_at.get(&rule.key).unwrap_or(&now) + rule.interval - rule.burst - now);
        let longest = waits.max().and_then(|wait| u64::try_from(wait).ok()).unwrap_or_default();
        Err(Error::RateLimited { retry_after: Duration::from_micros(longest) })
    }

    /// Gives the attempt back, in the transaction of the action.
    pub async fn give_back(self, txn: &impl ConnectionTrait) -> Result<()> {
        Ok(rate_limits::give_back(txn, &self.0).await?)
    }
}

/// Returns the rule of a counter that accepts `attempts` at once, and one more in every `interval`. The check of the
/// configuration keeps the sums here and in `rate_limits` within their range.
fn rule(key: String, interval: TimeDelta, attempts: u32) -> Rule {
    let interval = interval.num_microseconds().expect("intervals are at most 30 days");
    Rule { key, interval, burst: interval.saturating_mul(attempts.into()) }
}

/// Returns the name of the network of an address. For IPv6 it is the /64, which belongs to one customer.
fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}
