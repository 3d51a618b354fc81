//! How many log-ins are heard, and how many mails one can cause. An attempt is taken before any work is done for it,
//! and given back when it succeeds; a key that has used up its burst is slowed down, never locked.

use std::net::IpAddr;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, DatabaseConnection};

use model::config::Limits;
use model::error::{Error, Result};
use model::values::Email;
use store::rate_limits::{self, Rule};

/// An attempt that was heard.
#[derive(Debug)]
#[must_use = "a success gives its attempt back"]
pub struct Attempt(Vec<Rule>);

impl Attempt {
    /// Takes an attempt from the account and from the client's network, or from neither.
    ///
    /// # Errors
    /// [`Error::RateLimited`] when one of them has none left.
    pub async fn take(
        db: &DatabaseConnection,
        limits: &Limits,
        account: &Email,
        address: Option<IpAddr>,
        now: DateTime<Utc>,
    ) -> Result<Self> {
        Self::take_named(db, limits, account_key(account), address, now).await
    }

    /// Takes an attempt from a service client, by whatever name was sent for it, and from the network.
    ///
    /// # Errors
    /// [`Error::RateLimited`] when one of them has none left.
    pub async fn take_for_client(
        db: &DatabaseConnection,
        limits: &Limits,
        client: &str,
        address: Option<IpAddr>,
        now: DateTime<Utc>,
    ) -> Result<Self> {
        Self::take_named(db, limits, format!("client:{}", hashed(client)), address, now).await
    }

    /// Takes an attempt at a one-time token from the network.
    ///
    /// # Errors
    /// [`Error::RateLimited`] when it has none left.
    pub async fn take_for_token(
        db: &DatabaseConnection,
        limits: &Limits,
        address: Option<IpAddr>,
        now: DateTime<Utc>,
    ) -> Result<Self> {
        let network = address.map(|address| {
            let key = format!("token-{}", network_key(address));
            rule(key, limits.network_interval, limits.network_attempts)
        });
        Self::take_all(db, network.into_iter().collect(), now).await
    }

    async fn take_named(
        db: &DatabaseConnection,
        limits: &Limits,
        key: String,
        address: Option<IpAddr>,
        now: DateTime<Utc>,
    ) -> Result<Self> {
        let account = rule(key, limits.account_interval, limits.account_attempts);
        let network =
            address.map(|address| rule(network_key(address), limits.network_interval, limits.network_attempts));
        Self::take_all(db, std::iter::once(account).chain(network).collect(), now).await
    }

    async fn take_all(db: &DatabaseConnection, rules: Vec<Rule>, now: DateTime<Utc>) -> Result<Self> {
        let now = now.timestamp_micros();
        if rate_limits::take(db, &rules, now).await? {
            return Ok(Self(rules));
        }
        let free_at = rate_limits::find(db, &rules).await?;
        let waits = rules.iter().map(|rule| free_at.get(&rule.key).unwrap_or(&now) + rule.interval - rule.burst - now);
        let longest = waits.max().and_then(|wait| u64::try_from(wait).ok()).unwrap_or_default();
        Err(Error::RateLimited { retry_after: Duration::from_micros(longest) })
    }

    /// Gives the attempt back, in the transaction of what it was for.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn give_back(self, txn: &impl ConnectionTrait) -> Result<()> {
        Ok(rate_limits::give_back(txn, &self.0).await?)
    }
}

/// Takes one mail to an address, whether anybody here has it or not, and one request from the network. Neither is given
/// back.
///
/// # Errors
/// [`Error::RateLimited`] when one of them has none left.
pub async fn take_mail(
    db: &DatabaseConnection,
    limits: &Limits,
    to: &Email,
    address: Option<IpAddr>,
    now: DateTime<Utc>,
) -> Result<()> {
    let account = rule(format!("mail:{}", hashed(to.as_str())), limits.mail_interval, limits.mail_burst);
    let network = address.map(|address| {
        let key = format!("mail-{}", network_key(address));
        rule(key, limits.network_interval, limits.network_attempts)
    });
    let _taken = Attempt::take_all(db, std::iter::once(account).chain(network).collect(), now).await?;
    Ok(())
}

/// A counter that is heard `attempts` times at once, and once every `interval` from then on. The configuration is
/// checked for what the sums here and in `rate_limits` can hold.
fn rule(key: String, interval: Duration, attempts: u32) -> Rule {
    let interval = i64::try_from(interval.as_micros()).unwrap_or(i64::MAX / 1_000_000);
    Rule { key, interval, burst: interval.saturating_mul(attempts.into()) }
}

/// The address is hashed, as it may belong to nobody here and is none of our business then.
fn account_key(account: &Email) -> String {
    format!("account:{}", hashed(account.as_str()))
}

fn hashed(text: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, text.as_bytes()))
}

/// Whoever has one IPv6 address has the /64 that it is in.
fn network_key(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => format!("network:{address}"),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("network:{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}
