//! How other services are told of changes by webhooks.

use std::time::Duration;

use ipnet::IpNet;
use serde::Deserialize;

use super::{Config, Profile};

/// How other services are told of changes by webhooks.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhooks {
    /// Whether endpoints may be on this machine, with `http://` too.
    pub allow_loopback: bool,
    /// Networks that are not public and may have endpoints all the same.
    pub allowed_networks: Vec<IpNet>,
    /// How long an answer is waited for.
    #[serde(with = "humantime_serde")]
    pub timeout: Duration,
    /// For so long a delivery is tried.
    #[serde(with = "humantime_serde")]
    pub give_up_after: Duration,
    /// An endpoint that has done nothing but fail for so long is disabled.
    #[serde(with = "humantime_serde")]
    pub disable_after: Duration,
    /// For so long a secret that was replaced signs beside its successor.
    #[serde(with = "humantime_serde")]
    pub secret_overlap: Duration,
    /// How long deliveries are kept that were made or given up.
    #[serde(with = "humantime_serde")]
    pub retention: Duration,
}

impl Config {
    pub(super) fn check_webhooks(&self, rule: &mut impl FnMut(bool, &str, &str)) {
        const HOUR: Duration = Duration::from_secs(3600);
        let webhooks = &self.webhooks;
        rule(
            !webhooks.allow_loopback || self.profile != Profile::Production,
            "webhooks.allow_loopback",
            "is for development: name the network in webhooks.allowed_networks in production",
        );
        let timeouts = Duration::from_millis(100)..=Duration::from_secs(30);
        rule(timeouts.contains(&webhooks.timeout), "webhooks.timeout", "must be from 100ms to 30s");
        for (key, duration) in
            [("webhooks.give_up_after", webhooks.give_up_after), ("webhooks.disable_after", webhooks.disable_after)]
        {
            rule((HOUR..=30 * 24 * HOUR).contains(&duration), key, "must be from 1h to 30d");
        }
        rule(webhooks.secret_overlap <= 30 * 24 * HOUR, "webhooks.secret_overlap", "must be at most 30d");
        rule(
            (24 * HOUR..=366 * 24 * HOUR).contains(&webhooks.retention),
            "webhooks.retention",
            "must be from 1d to 366d",
        );
    }
}
