//! The section `[webhooks]`.

use std::time::Duration;

use chrono::TimeDelta;
use ipnet::IpNet;
use serde::Deserialize;
use settings::time_delta;

use super::{Config, Profile};

/// Webhooks, which notify other services of changes.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhooks {
    /// If true, endpoints may be on this machine, also with `http://`.
    pub allow_loopback: bool,
    /// Private networks that may have endpoints.
    pub allowed_networks: Vec<IpNet>,
    /// Time to wait for an answer.
    #[serde(with = "humantime_serde")]
    pub timeout: Duration,
    /// Time after which a delivery is given up.
    #[serde(deserialize_with = "time_delta")]
    pub give_up_after: TimeDelta,
    /// Time of uninterrupted failure after which an endpoint is disabled.
    #[serde(deserialize_with = "time_delta")]
    pub disable_after: TimeDelta,
    /// Time for which a replaced secret signs in addition to its successor.
    #[serde(deserialize_with = "time_delta")]
    pub secret_overlap: TimeDelta,
    /// Retention of completed and abandoned deliveries.
    #[serde(deserialize_with = "time_delta")]
    pub retention: TimeDelta,
}

impl Config {
    pub(super) fn check_webhooks(&self, rule: &mut impl FnMut(bool, &str, &str)) {
        const DAY: TimeDelta = TimeDelta::days(1);
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
            rule((DAY / 24..=DAY * 30).contains(&duration), key, "must be from 1h to 30d");
        }
        rule(webhooks.secret_overlap <= DAY * 30, "webhooks.secret_overlap", "must be at most 30d");
        rule((DAY..=DAY * 366).contains(&webhooks.retention), "webhooks.retention", "must be from 1d to 366d");
    }
}
