//! How many log-ins are heard, and how many mails one can cause. An attempt is taken before any work is done for it,
//! and given back when it succeeds; a key that has used up its burst is slowed down, never locked.

use std::net::IpAddr;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, DatabaseConnection};

use crate::config::Limits;
use crate::error::{Error, Result};
use crate::store::{self, rate_limits};
use crate::values::Email;

/// An attempt that was heard.
#[derive(Debug)]
#[must_use = "a success gives its attempt back"]
pub struct Attempt(Vec<Rule>);

#[derive(Debug)]
struct Rule {
    key: String,
    interval: i64,
    burst: i64,
}

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
            Rule::new(key, limits.network_interval, limits.network_attempts)
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
        let account = Rule::new(key, limits.account_interval, limits.account_attempts);
        let network =
            address.map(|address| Rule::new(network_key(address), limits.network_interval, limits.network_attempts));
        Self::take_all(db, std::iter::once(account).chain(network).collect(), now).await
    }

    async fn take_all(db: &DatabaseConnection, rules: Vec<Rule>, now: DateTime<Utc>) -> Result<Self> {
        let now = now.timestamp_micros();
        let txn = store::begin(db).await?;
        for rule in &rules {
            if !rate_limits::take(&txn, &rule.key, now, rule.interval, rule.burst).await? {
                let free_at = rate_limits::free_at(&txn, &rule.key).await?.unwrap_or(now);
                txn.rollback().await?;
                let wait = u64::try_from(free_at + rule.interval - rule.burst - now).unwrap_or(0);
                return Err(Error::RateLimited { retry_after: Duration::from_micros(wait) });
            }
        }
        txn.commit().await?;
        Ok(Self(rules))
    }

    /// Gives the attempt back, in the transaction of what it was for.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn give_back(self, txn: &impl ConnectionTrait) -> Result<()> {
        for rule in self.0 {
            rate_limits::give_back(txn, &rule.key, rule.interval).await?;
        }
        Ok(())
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
    let account = Rule::new(format!("mail:{}", hashed(to.as_str())), limits.mail_interval, limits.mail_burst);
    let network = address.map(|address| {
        let key = format!("mail-{}", network_key(address));
        Rule::new(key, limits.network_interval, limits.network_attempts)
    });
    let _taken = Attempt::take_all(db, std::iter::once(account).chain(network).collect(), now).await?;
    Ok(())
}

impl Rule {
    fn new(key: String, interval: Duration, attempts: u32) -> Self {
        let interval = i64::try_from(interval.as_micros()).unwrap_or(i64::MAX / 1_000_000);
        Self { key, interval, burst: interval.saturating_mul(attempts.into()) }
    }
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
