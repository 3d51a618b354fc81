//! Rules of the configuration beyond the type of each value.

mod accounts;
mod claims;
mod production;
mod rest;
mod urls;
mod webhooks;

use std::time::Duration;

use chrono::TimeDelta;
use secrecy::ExposeSecret;
use settings::{MasterSecret, Problem};
use url::Url;

use super::{Config, Profile};
use crate::values::WebhookSecret;
use urls::{is_plain, is_private_on_its_way};

const MINUTE: TimeDelta = TimeDelta::minutes(1);
const HOUR: TimeDelta = TimeDelta::hours(1);
const DAY: TimeDelta = TimeDelta::days(1);
const SECOND: Duration = Duration::from_secs(1);

impl Config {
    /// Returns every violated rule.
    pub(super) fn check(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut rule = |kept: bool, key: &str, message: &str| {
            if !kept {
                problems.push(Problem { key: key.to_owned(), message: message.to_owned() });
            }
        };
        self.check_addresses(&mut rule);
        self.check_cookies(&mut rule);
        self.check_tokens(&mut rule);
        self.check_claims(&mut rule);
        self.check_costs(&mut rule);
        self.check_limits(&mut rule);
        self.check_accounts(&mut rule);
        self.check_rest(&mut rule);
        self.check_webhooks(&mut rule);
        self.check_production(&mut rule);
        if !self.secret.expose_secret().is_empty()
            && let Err(reason) = MasterSecret::parse(&self.secret)
        {
            rule(false, "secret", reason);
        }
        for previous in &self.previous_secrets {
            if let Err(reason) = MasterSecret::parse(previous) {
                rule(false, "previous_secrets", reason);
            }
        }
        rule(
            self.previous_secrets.is_empty() || !self.secret.expose_secret().is_empty(),
            "previous_secrets",
            "needs a configured secret: the file in data_dir keeps its own previous secrets",
        );
        let url = self.database.url.expose_secret();
        if !url.is_empty()
            && let Err(reason) = database::check_url(url)
        {
            rule(false, "database.url", &reason);
        }
        let filter = tracing_subscriber::EnvFilter::try_new(&self.log.filter);
        rule(filter.is_ok(), "log.filter", "is not a filter such as info or auth_graph=debug,warn");
        problems
    }

    fn check_addresses(&self, rule: &mut impl FnMut(bool, &str, &str)) {
        let loopback = self.server.bind.ip().is_loopback();
        let public_url = &self.server.public_url;
        if public_url.is_empty() {
            rule(loopback, "server.public_url", "is required when server.bind is not a loopback address");
        } else {
            match Url::parse(public_url) {
                Ok(url) => {
                    rule(is_plain(&url), "server.public_url", "must have no user, password, query or fragment");
                    rule(
                        is_private_on_its_way(&url),
                        "server.public_url",
                        "must be https://, or http:// to a loopback address",
                    );
                }
                Err(_) => rule(false, "server.public_url", "is not a URL"),
            }
        }
        rule(
            loopback || self.profile != Profile::Demo,
            "profile",
            "the demo has known passwords: it serves loopback addresses only",
        );
        for origin in &self.server.allowed_origins {
            let message = "must contain origins such as https://app.example.com or capacitor://localhost";
            rule(settings::is_origin(origin), "server.allowed_origins", message);
        }
        let times = SECOND..=3600 * SECOND;
        rule(times.contains(&self.server.idle_timeout), "server.idle_timeout", "must be from 1s to 1h");
        let idle = self.server.anonymous_socket_idle;
        rule(times.contains(&idle), "server.anonymous_socket_idle", "must be from 1s to 1h");
        rule(self.server.shutdown_grace <= *times.end(), "server.shutdown_grace", "must be at most 1h");
        let times = 11 * SECOND..=600 * SECOND;
        rule(times.contains(&self.server.request_timeout), "server.request_timeout", "must be from 11s to 10m");
        let (all, of_one) = (self.server.max_connections, self.server.max_connections_per_address);
        rule((1..=1_000_000).contains(&all), "server.max_connections", "must be from 1 to 1000000");
        rule((1..=1_000_000).contains(&of_one), "server.max_connections_per_address", "must be from 1 to 1000000");
        let sockets = self.server.max_anonymous_sockets_per_address;
        let key = "server.max_anonymous_sockets_per_address";
        rule((1..=1_000_000).contains(&sockets), key, "must be from 1 to 1000000");
    }

    fn check_cookies(&self, rule: &mut impl FnMut(bool, &str, &str)) {
        let domain = &self.cookies.domain;
        if domain.is_empty() {
            return;
        }
        let key = "cookies.domain";
        let url = Url::parse(&self.server.public_url).ok();
        let https = url.as_ref().is_some_and(|url| url.scheme() == "https");
        rule(https, key, "needs a server.public_url that starts with https://");
        rule(is_shared_domain(domain), key, "must be a domain of two or more labels, such as example.com");
        let within = url.as_ref().and_then(Url::domain).is_some_and(|host| {
            host == domain || host.strip_suffix(domain.as_str()).is_some_and(|front| front.ends_with('.'))
        });
        rule(within, key, "must be the host of server.public_url or a parent domain of it");
    }

    fn check_tokens(&self, rule: &mut impl FnMut(bool, &str, &str)) {
        let tokens = &self.tokens;
        let lifetimes = MINUTE / 2..=HOUR;
        rule(lifetimes.contains(&tokens.access_lifetime), "tokens.access_lifetime", "must be from 30s to 1h");
        rule(
            tokens.idle_lifetime >= tokens.access_lifetime,
            "tokens.idle_lifetime",
            "must not be shorter than tokens.access_lifetime",
        );
        rule(
            tokens.session_lifetime >= tokens.idle_lifetime,
            "tokens.session_lifetime",
            "must not be shorter than tokens.idle_lifetime",
        );
        rule(tokens.session_lifetime <= DAY * 366, "tokens.session_lifetime", "must not be longer than a year");
        let sessions = tokens.sessions_per_user;
        rule((1..=100_000).contains(&sessions), "tokens.sessions_per_user", "must be from 1 to 100000");
        let leads = MINUTE * 5..=DAY * 7;
        rule(leads.contains(&tokens.key_publish_lead), "tokens.key_publish_lead", "must be from 5m to 7d");
        rule(
            tokens.key_rotation.is_zero() || tokens.key_rotation >= tokens.key_publish_lead * 2,
            "tokens.key_rotation",
            "must be 0s, or at least twice tokens.key_publish_lead",
        );
        rule(tokens.key_rotation <= DAY * 366 * 10, "tokens.key_rotation", "must be at most 10y");
        rule(!tokens.audience.trim().is_empty(), "tokens.audience", "must not be empty");
    }

    fn check_claims(&self, rule: &mut impl FnMut(bool, &str, &str)) {
        let further = &self.tokens.further_audiences;
        let visible = |text: &String| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        rule(further.iter().all(visible), "tokens.further_audiences", "must contain visible ASCII characters only");
        let limited = &self.tokens.audience_scopes;
        rule(
            limited.iter().all(|listed| self.serves_audience(&listed.audience)),
            "tokens.audience_scopes",
            "must be for tokens.audience or tokens.further_audiences",
        );
        let twice = |audience: &str| limited.iter().filter(|listed| listed.audience == audience).count() > 1;
        rule(
            !limited.iter().any(|listed| twice(&listed.audience)),
            "tokens.audience_scopes",
            "must have one entry for each audience",
        );
        for policy in &self.claims.policies {
            rule(
                self.serves_audience(&policy.audience),
                "claims.policies",
                "must be for tokens.audience or one of tokens.further_audiences",
            );
            for (name, source) in &policy.claims {
                if let Some(reason) = self.objection(policy, name, source) {
                    rule(false, "claims.policies", &reason);
                }
            }
        }
        rule((64..=4096).contains(&self.claims.max_bytes), "claims.max_bytes", "must be from 64 to 4096");
        let hook = &self.claims.hook;
        let waits = SECOND / 10..=10 * SECOND;
        rule(waits.contains(&hook.timeout), "claims.hook.timeout", "must be from 100ms to 10s");
        for secret in &hook.secrets {
            if let Err(reason) = WebhookSecret::parse(secret) {
                rule(false, "claims.hook.secrets", reason);
            }
        }
        if !hook.url.is_empty() {
            rule(!hook.secrets.is_empty(), "claims.hook.secrets", "must not be empty, because claims.hook.url is set");
            let safe = Url::parse(&hook.url).is_ok_and(|url| is_plain(&url) && is_private_on_its_way(&url));
            let message =
                "must be https://, or http:// to a loopback address, with no user, password, query or fragment";
            rule(safe, "claims.hook.url", message);
        }
    }

    fn check_costs(&self, rule: &mut impl FnMut(bool, &str, &str)) {
        let passwords = &self.passwords;
        rule(passwords.threads <= 256, "passwords.threads", "must be at most 256");
        rule((0..=19).contains(&passwords.nice), "passwords.nice", "must be from 0 to 19");
        rule((1..=10_000).contains(&passwords.queue), "passwords.queue", "must be from 1 to 10000");
        rule(
            (7168..=1_048_576).contains(&passwords.memory_kib),
            "passwords.memory_kib",
            "must be from 7168 (7 MiB) to 1048576 (1 GiB)",
        );
        rule((1..=20).contains(&passwords.iterations), "passwords.iterations", "must be from 1 to 20");
        if !passwords.breached_list.as_os_str().is_empty()
            && let Err(error) = std::fs::File::open(&passwords.breached_list)
        {
            rule(false, "passwords.breached_list", &format!("cannot be read: {error}"));
        }
        let url = &passwords.breached_url;
        let safe = Url::parse(url).is_ok_and(|url| is_plain(&url) && is_private_on_its_way(&url));
        rule(
            url.is_empty() || safe,
            "passwords.breached_url",
            "must be https://, or http:// to a loopback address, with no user, password, query or fragment",
        );
        let waits = SECOND / 10..=10 * SECOND;
        rule(waits.contains(&passwords.breached_timeout), "passwords.breached_timeout", "must be from 100ms to 10s");
        rule(
            passwords.memory_kib.saturating_mul(passwords.iterations) >= 35_840,
            "passwords.iterations",
            "is too low for this memory: memory_kib × iterations must be at least 35840",
        );
        rule((2..=1000).contains(&self.database.max_connections), "database.max_connections", "must be from 2 to 1000");
        for (key, timeout) in [
            ("database.statement_timeout", self.database.statement_timeout),
            ("database.lock_timeout", self.database.lock_timeout),
            ("database.idle_in_transaction_timeout", self.database.idle_in_transaction_timeout),
        ] {
            rule((SECOND..=600 * SECOND).contains(&timeout), key, "must be from 1s to 10m");
        }
        let retentions = HOUR..=DAY * 366;
        rule(retentions.contains(&self.feed.retention), "feed.retention", "must be from 1h to 366d");
        rule(passwords.min_score <= 4, "passwords.min_score", "must be from 0 to 4");
        let kept = DAY..=DAY * 366 * 100;
        for (key, retention) in [
            ("audit.retention", self.audit.retention),
            ("audit.login_event_retention", self.audit.login_event_retention),
            ("audit.session_retention", self.audit.session_retention),
        ] {
            rule(kept.contains(&retention), key, "must be from 1d to 100y");
        }
    }

    /// The longest interval times the largest number of attempts is the capacity of a counter, in microseconds.
    fn check_limits(&self, rule: &mut impl FnMut(bool, &str, &str)) {
        let limits = &self.limits;
        for (key, attempts) in [
            ("limits.account_attempts", limits.account_attempts),
            ("limits.account_failures", limits.account_failures),
            ("limits.network_attempts", limits.network_attempts),
            ("limits.mail_burst", limits.mail_burst),
            ("limits.write_burst", limits.write_burst),
        ] {
            rule((1..=1_000_000).contains(&attempts), key, "must be from 1 to 1000000");
        }
        let intervals = TimeDelta::milliseconds(1)..=DAY * 30;
        for (key, interval) in [
            ("limits.account_interval", limits.account_interval),
            ("limits.network_interval", limits.network_interval),
            ("limits.mail_interval", limits.mail_interval),
            ("limits.write_interval", limits.write_interval),
        ] {
            rule(intervals.contains(&interval), key, "must be from 1ms to 30d");
        }
    }
}

/// Returns true for a domain in the form that browsers compare, with at least two labels. Browsers know the longer
/// public suffixes, such as `co.uk`, and reject a cookie for one.
fn is_shared_domain(domain: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let is_number = |label: &str| label.bytes().all(|byte| byte.is_ascii_digit());
    domain.split('.').count() >= 2
        && domain.split('.').all(is_label)
        && !domain.rsplit('.').next().is_some_and(is_number)
}
