//! The configuration in effect, printed without its secrets.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::path::Path;
use std::time::Duration;

use secrecy::ExposeSecret;
use url::Url;

use super::{
    Accounts, Audit, Claims, ClaimsForAudience, ClaimsHook, Config, Cookies, Database, Graphql, Limits, Mail,
    Passwords, Rest, ScopesOfAudience, Server, Tokens, Webhooks,
};
use crate::values::Scopes;

impl Config {
    /// The effective configuration as TOML. The secret and the password of the database are replaced by asterisks.
    #[must_use]
    pub fn to_toml(&self) -> String {
        [
            general(self),
            server(&self.server),
            graphql(&self.graphql),
            cookies(&self.cookies),
            database(&self.database),
            tokens(&self.tokens),
            claims(&self.claims),
            claims_hook(&self.claims.hook),
            rest(&self.rest),
            passwords(&self.passwords),
            accounts(&self.accounts),
            mail(&self.mail),
            limits(&self.limits),
            section("feed", &[("retention", duration(self.feed.retention))]),
            webhooks(&self.webhooks),
            roles(&self.roles),
            audit(&self.audit),
            section("federation", &[("access_directives", self.federation.access_directives.to_string())]),
            section("log", &[("filter", quote(&self.log.filter))]),
        ]
        .concat()
    }
}

fn general(config: &Config) -> String {
    lines(&[
        ("profile", word(config.profile)),
        ("data_dir", path(&config.data_dir)),
        ("secret", quote(if config.secret.expose_secret().is_empty() { "" } else { "***" })),
        ("previous_secrets", list(config.previous_secrets.iter().map(|_| "***"))),
    ])
}

fn server(server: &Server) -> String {
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
    )
}

fn graphql(graphql: &Graphql) -> String {
    section(
        "graphql",
        &[
            ("queries_by_get", graphql.queries_by_get.to_string()),
            ("stored_documents_bytes", graphql.stored_documents_bytes.to_string()),
            ("trusted_documents", path(&graphql.trusted_documents)),
            ("allowed_documents", word(graphql.allowed_documents)),
        ],
    )
}

fn cookies(cookies: &Cookies) -> String {
    section("cookies", &[("domain", quote(&cookies.domain)), ("same_site", quote(&format!("{:?}", cookies.same_site)))])
}

fn database(database: &Database) -> String {
    section(
        "database",
        &[
            ("url", quote(&without_password(database.url.expose_secret()))),
            ("max_connections", database.max_connections.to_string()),
        ],
    )
}

fn tokens(tokens: &Tokens) -> String {
    section(
        "tokens",
        &[
            ("algorithm", quote(&format!("{:?}", tokens.algorithm))),
            ("audience", quote(&tokens.audience)),
            ("further_audiences", list(tokens.further_audiences.iter())),
            ("audience_scopes", audience_scopes(&tokens.audience_scopes)),
            ("access_lifetime", duration(tokens.access_lifetime)),
            ("idle_lifetime", duration(tokens.idle_lifetime)),
            ("session_lifetime", duration(tokens.session_lifetime)),
            ("key_rotation", duration(tokens.key_rotation)),
            ("key_publish_lead", duration(tokens.key_publish_lead)),
            ("publish_all_algorithms", tokens.publish_all_algorithms.to_string()),
        ],
    )
}

fn claims(claims: &Claims) -> String {
    section(
        "claims",
        &[
            ("django", claims.django.to_string()),
            ("user_id", word(claims.user_id)),
            ("policies", policies(&claims.policies)),
            ("max_bytes", claims.max_bytes.to_string()),
        ],
    )
}

fn claims_hook(hook: &ClaimsHook) -> String {
    section(
        "claims.hook",
        &[
            ("url", quote(&hook.url)),
            ("secrets", list(hook.secrets.iter().map(|_| "***"))),
            ("timeout", duration(hook.timeout)),
            ("on_failure", word(hook.on_failure)),
        ],
    )
}

fn rest(rest: &Rest) -> String {
    section("rest", &[("enabled", rest.enabled.to_string()), ("create_user", rest.create_user.to_string())])
}

fn passwords(passwords: &Passwords) -> String {
    section(
        "passwords",
        &[
            ("threads", passwords.threads.to_string()),
            ("nice", passwords.nice.to_string()),
            ("queue", passwords.queue.to_string()),
            ("memory_kib", passwords.memory_kib.to_string()),
            ("iterations", passwords.iterations.to_string()),
            ("min_score", passwords.min_score.to_string()),
            ("breached_list", path(&passwords.breached_list)),
            ("breached_url", quote(&passwords.breached_url)),
            ("breached_timeout", duration(passwords.breached_timeout)),
        ],
    )
}

fn accounts(accounts: &Accounts) -> String {
    section(
        "accounts",
        &[
            ("registration", word(accounts.registration)),
            ("pages_url", quote(&accounts.pages_url)),
            ("recent_sign_in", duration(accounts.recent_sign_in)),
            ("verification_lifetime", duration(accounts.verification_lifetime)),
            ("reset_lifetime", duration(accounts.reset_lifetime)),
            ("invitation_lifetime", duration(accounts.invitation_lifetime)),
            ("reserved_metadata", list(accounts.reserved_metadata.iter())),
            ("metadata_schema", path(&accounts.metadata_schema)),
            ("private_metadata_schema", path(&accounts.private_metadata_schema)),
        ],
    )
}

fn mail(mail: &Mail) -> String {
    section(
        "mail",
        &[
            ("smtp_url", quote(&without_password(mail.smtp_url.expose_secret()))),
            ("smtp_authorities", path(&mail.smtp_authorities)),
            ("from", quote(&mail.from)),
            ("service_name", quote(&mail.service_name)),
            ("language", quote(&mail.language)),
            ("templates", path(&mail.templates)),
            ("give_up_after", duration(mail.give_up_after)),
        ],
    )
}

fn limits(limits: &Limits) -> String {
    section(
        "limits",
        &[
            ("account_attempts", limits.account_attempts.to_string()),
            ("account_interval", duration(limits.account_interval)),
            ("network_attempts", limits.network_attempts.to_string()),
            ("network_interval", duration(limits.network_interval)),
            ("mail_burst", limits.mail_burst.to_string()),
            ("mail_interval", duration(limits.mail_interval)),
        ],
    )
}

fn webhooks(webhooks: &Webhooks) -> String {
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
    )
}

fn roles(roles: &BTreeMap<String, Scopes>) -> String {
    let keys: Vec<_> = roles.iter().map(|(role, scopes)| (role.as_str(), list(scopes.to_strings().iter()))).collect();
    section("roles", &keys)
}

fn audit(audit: &Audit) -> String {
    section(
        "audit",
        &[("retention", duration(audit.retention)), ("login_event_retention", duration(audit.login_event_retention))],
    )
}

fn section(name: &str, keys: &[(&str, String)]) -> String {
    format!("\n[{name}]\n{}", lines(keys))
}

fn lines(keys: &[(&str, String)]) -> String {
    keys.iter().map(|(key, value)| format!("{key} = {value}\n")).collect()
}

/// A value of an enum, as it is written in a configuration.
fn word(value: impl Debug) -> String {
    quote(&format!("{value:?}").to_lowercase())
}

fn path(path: &Path) -> String {
    quote(&path.to_string_lossy())
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
