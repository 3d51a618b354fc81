//! Rules of the section `[webhooks]`.

use std::time::Duration;

use chrono::TimeDelta;

use crate::config::{Config, Profile};

impl Config {
    pub(in crate::config) fn check_webhooks(&self, rule: &mut impl FnMut(bool, &str, &str)) {
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
