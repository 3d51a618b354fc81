//! The configuration in effect, printed without its secrets.

use std::fmt::Write;
use std::time::Duration;

use secrecy::ExposeSecret;
use url::Url;

use super::{ClaimsForAudience, Config, ScopesOfAudience};

impl Config {
    /// The effective configuration as TOML. The secret and the password of the database are replaced by asterisks.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let mut text = String::new();
        let mut section = |name: &str, keys: &[(&str, String)]| {
            let lines = keys.iter().fold(String::new(), |mut lines, (key, value)| {
                // Writing to a String can not fail.
                let _ = writeln!(lines, "{key} = {value}");
                lines
            });
            let header = if name.is_empty() { String::new() } else { format!("\n[{name}]\n") };
            text += &(header + &lines);
        };
        let profile = format!("{:?}", self.profile).to_lowercase();
        section(
            "",
            &[
                ("profile", quote(&profile)),
                ("data_dir", quote(&self.data_dir.to_string_lossy())),
                ("secret", quote(if self.secret.expose_secret().is_empty() { "" } else { "***" })),
                ("previous_secrets", list(self.previous_secrets.iter().map(|_| "***"))),
            ],
        );
        let server = &self.server;
        section(
            "server",
            &[
                ("bind", quote(&server.bind.to_string())),
                ("public_url", quote(&server.public_url)),
                ("trusted_proxies", list(server.trusted_proxies.iter())),
                ("allowed_origins", list(server.allowed_origins.iter())),
                ("shutdown_grace", duration(server.shutdown_grace)),
                ("idle_timeout", duration(server.idle_timeout)),
            ],
        );
        let graphql = &self.graphql;
        section(
            "graphql",
            &[
                ("queries_by_get", graphql.queries_by_get.to_string()),
                ("stored_documents_bytes", graphql.stored_documents_bytes.to_string()),
                ("trusted_documents", quote(&graphql.trusted_documents.file().to_string_lossy())),
                ("allowed_documents", quote(&format!("{:?}", graphql.allowed_documents).to_lowercase())),
            ],
        );
        section(
            "cookies",
            &[("domain", quote(&self.cookies.domain)), ("same_site", quote(&format!("{:?}", self.cookies.same_site)))],
        );
        section(
            "database",
            &[
                ("url", quote(&without_password(self.database.url.expose_secret()))),
                ("max_connections", self.database.max_connections.to_string()),
            ],
        );
        section(
            "tokens",
            &[
                ("algorithm", quote(&format!("{:?}", self.tokens.algorithm))),
                ("audience", quote(&self.tokens.audience)),
                ("further_audiences", list(self.tokens.further_audiences.iter())),
                ("audience_scopes", audience_scopes(&self.tokens.audience_scopes)),
                ("access_lifetime", duration(self.tokens.access_lifetime)),
                ("idle_lifetime", duration(self.tokens.idle_lifetime)),
                ("session_lifetime", duration(self.tokens.session_lifetime)),
                ("key_rotation", duration(self.tokens.key_rotation)),
                ("key_publish_lead", duration(self.tokens.key_publish_lead)),
                ("publish_all_algorithms", self.tokens.publish_all_algorithms.to_string()),
            ],
        );
        let hook = &self.claims.hook;
        section(
            "claims",
            &[
                ("django", self.claims.django.to_string()),
                ("user_id", quote(&format!("{:?}", self.claims.user_id).to_lowercase())),
                ("policies", policies(&self.claims.policies)),
                ("max_bytes", self.claims.max_bytes.to_string()),
            ],
        );
        section(
            "claims.hook",
            &[
                ("url", quote(&hook.url)),
                ("secrets", list(hook.secrets.iter().map(|_| "***"))),
                ("timeout", duration(hook.timeout)),
                ("on_failure", quote(&format!("{:?}", hook.on_failure).to_lowercase())),
            ],
        );
        section(
            "rest",
            &[("enabled", self.rest.enabled.to_string()), ("create_user", self.rest.create_user.to_string())],
        );
        section(
            "passwords",
            &[
                ("threads", self.passwords.threads.to_string()),
                ("nice", self.passwords.nice.to_string()),
                ("queue", self.passwords.queue.to_string()),
                ("memory_kib", self.passwords.memory_kib.to_string()),
                ("iterations", self.passwords.iterations.to_string()),
                ("min_score", self.passwords.min_score.to_string()),
                ("breached_list", quote(&self.passwords.breached_list.to_string_lossy())),
                ("breached_url", quote(&self.passwords.breached_url)),
                ("breached_timeout", duration(self.passwords.breached_timeout)),
            ],
        );
        let accounts = &self.accounts;
        section(
            "accounts",
            &[
                ("registration", quote(&format!("{:?}", accounts.registration).to_lowercase())),
                ("pages_url", quote(&accounts.pages_url)),
                ("recent_sign_in", duration(accounts.recent_sign_in)),
                ("verification_lifetime", duration(accounts.verification_lifetime)),
                ("reset_lifetime", duration(accounts.reset_lifetime)),
                ("invitation_lifetime", duration(accounts.invitation_lifetime)),
                ("reserved_metadata", list(accounts.reserved_metadata.iter())),
                ("metadata_schema", quote(&accounts.metadata_schema.to_string_lossy())),
                ("private_metadata_schema", quote(&accounts.private_metadata_schema.to_string_lossy())),
            ],
        );
        let mail = &self.mail;
        section(
            "mail",
            &[
                ("smtp_url", quote(&without_password(mail.smtp_url.expose_secret()))),
                ("smtp_authorities", quote(&mail.smtp_authorities.to_string_lossy())),
                ("from", quote(&mail.from)),
                ("service_name", quote(&mail.service_name)),
                ("language", quote(&mail.language)),
                ("templates", quote(&mail.templates.to_string_lossy())),
                ("give_up_after", duration(mail.give_up_after)),
            ],
        );
        section(
            "limits",
            &[
                ("account_attempts", self.limits.account_attempts.to_string()),
                ("account_interval", duration(self.limits.account_interval)),
                ("network_attempts", self.limits.network_attempts.to_string()),
                ("network_interval", duration(self.limits.network_interval)),
                ("mail_burst", self.limits.mail_burst.to_string()),
                ("mail_interval", duration(self.limits.mail_interval)),
            ],
        );
        section("feed", &[("retention", duration(self.feed.retention))]);
        let webhooks = &self.webhooks;
        section(
            "webhooks",
            &[
                ("allow_loopback", webhooks.allow_loopback.to_string()),
                ("allowed_networks", list(webhooks.allowed_networks.iter())),
                ("timeout", duration(webhooks.timeout)),
                ("give_up_after", duration(webhooks.give_up_after)),
                ("disable_after", duration(webhooks.disable_after)),
                ("secret_overlap", duration(webhooks.secret_overlap)),
                ("retention", duration(webhooks.retention)),
            ],
        );
        let roles: Vec<_> =
            self.roles.iter().map(|(role, scopes)| (role.as_str(), list(scopes.to_strings().iter()))).collect();
        section("roles", &roles);
        section(
            "audit",
            &[
                ("retention", duration(self.audit.retention)),
                ("login_event_retention", duration(self.audit.login_event_retention)),
            ],
        );
        section("federation", &[("access_directives", self.federation.access_directives.to_string())]);
        section("log", &[("filter", quote(&self.log.filter))]);
        text
    }
}

fn quote(text: &str) -> String {
    toml::Value::from(text).to_string()
}

fn list(items: impl Iterator<Item = impl ToString>) -> String {
    toml::Value::from(items.map(|item| item.to_string()).collect::<Vec<_>>()).to_string()
}

fn policies(policies: &[ClaimsForAudience]) -> String {
    let tables = policies.iter().map(|policy| {
        let claims = policy.claims.iter().map(|(name, source)| (name.as_str().to_owned(), source.to_string().into()));
        let claims: toml::Table = claims.collect();
        toml::Table::from_iter([
            ("audience".to_owned(), policy.audience.clone().into()),
            ("claims".to_owned(), claims.into()),
        ])
    });
    toml::Value::from(tables.collect::<Vec<_>>()).to_string()
}

fn audience_scopes(limited: &[ScopesOfAudience]) -> String {
    let tables = limited.iter().map(|listed| {
        toml::Table::from_iter([
            ("audience".to_owned(), listed.audience.clone().into()),
            ("scopes".to_owned(), listed.scopes.to_strings().into()),
        ])
    });
    toml::Value::from(tables.collect::<Vec<_>>()).to_string()
}

/// In the largest unit that leaves no remainder, as a person would write it.
fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let units = [(86_400, "d"), (3600, "h"), (60, "m")];
    match units.into_iter().find(|(length, _)| seconds >= *length && seconds.is_multiple_of(*length)) {
        Some((length, unit)) if duration.subsec_nanos() == 0 => quote(&format!("{}{unit}", seconds / length)),
        _ => quote(&humantime_serde::re::humantime::format_duration(duration).to_string()),
    }
}

/// PostgreSQL takes the password among the parameters too.
fn without_password(url: &str) -> String {
    let Ok(mut parsed) = Url::parse(url) else { return url.to_owned() };
    let is_secret = |name: &str| name == "password";
    let parameters: Vec<_> = parsed.query_pairs().into_owned().collect();
    let among_parameters = parameters.iter().any(|(name, _)| is_secret(name));
    if parsed.password().is_none() && !among_parameters {
        return url.to_owned();
    }
    if parsed.password().is_some() && parsed.set_password(Some("***")).is_err() {
        return "***".to_owned();
    }
    if among_parameters {
        let shown = parameters.iter().map(|(name, value)| (name, if is_secret(name) { "***" } else { value }));
        parsed.query_pairs_mut().clear().extend_pairs(shown);
    }
    parsed.into()
}
