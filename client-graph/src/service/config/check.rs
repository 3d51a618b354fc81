//! The rules of a configuration, beyond the type of each value.

use std::time::Duration;

use secrecy::ExposeSecret;
use settings::MasterSecret;

use super::{Config, Problem, Profile};
use crate::client::AuthGraph;

impl Config {
    /// Returns all broken rules.
    pub(super) fn check(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut rule = |kept: bool, key: &str, message: &str| {
            if !kept {
                problems.push(Problem { key: key.to_owned(), message: message.to_owned() });
            }
        };
        if !self.secret.expose_secret().is_empty()
            && let Err(reason) = MasterSecret::parse(&self.secret)
        {
            rule(false, "secret", reason);
        }
        for origin in &self.server.allowed_origins {
            let message = "must hold origins such as https://app.example.com or capacitor://localhost";
            rule(settings::is_origin(origin), "server.allowed_origins", message);
        }
        let url = self.database.url.expose_secret();
        if !url.is_empty()
            && let Err(reason) = database::check_url(url)
        {
            rule(false, "database.url", &reason);
        }
        rule((2..=1000).contains(&self.database.max_connections), "database.max_connections", "must be from 2 to 1000");
        for (key, timeout) in [
            ("database.statement_timeout", self.database.statement_timeout),
            ("database.lock_timeout", self.database.lock_timeout),
            ("database.idle_in_transaction_timeout", self.database.idle_in_transaction_timeout),
        ] {
            rule((Duration::from_secs(1)..=Duration::from_secs(600)).contains(&timeout), key, "must be from 1s to 10m");
        }
        let (grace, idle) = (self.server.shutdown_grace, self.server.idle_timeout);
        let hour = Duration::from_secs(3600);
        rule(grace <= hour, "server.shutdown_grace", "must be at most 1h");
        let times = Duration::from_secs(1)..=hour;
        rule(times.contains(&idle), "server.idle_timeout", "must be from 1s to 1h");
        let idle = self.server.anonymous_socket_idle;
        rule(times.contains(&idle), "server.anonymous_socket_idle", "must be from 1s to 1h");
        let times = Duration::from_secs(11)..=Duration::from_secs(600);
        rule(times.contains(&self.server.request_timeout), "server.request_timeout", "must be from 11s to 10m");
        let (all, of_one) = (self.server.max_connections, self.server.max_connections_per_address);
        rule((1..=1_000_000).contains(&all), "server.max_connections", "must be from 1 to 1000000");
        rule((1..=1_000_000).contains(&of_one), "server.max_connections_per_address", "must be from 1 to 1000000");
        let sockets = self.server.max_anonymous_sockets_per_address;
        let key = "server.max_anonymous_sockets_per_address";
        rule((1..=1_000_000).contains(&sockets), key, "must be from 1 to 1000000");
        let known = !self.auth.client_id.is_empty();
        let secret = !self.auth.client_secret.expose_secret().is_empty();
        rule(known == secret, "auth.client_secret", "must be set together with auth.client_id");
        for problem in self.check_auth() {
            rule(false, "auth", &problem);
        }
        problems
    }

    /// Returns the problems that the library finds.
    fn check_auth(&self) -> Vec<String> {
        let settings = &self.auth;
        let mut builder = AuthGraph::builder(&settings.url).audience(&settings.audience).leeway(settings.leeway);
        if !settings.jwks_url.is_empty() {
            builder = builder.jwks_url(&settings.jwks_url);
        }
        if settings.allow_insecure_http {
            builder = builder.allow_insecure_http();
        }
        builder.build().err().map(|error| error.problems().to_vec()).unwrap_or_default()
    }

    /// Returns what is allowed and probably not meant, or needs the attention of the operator.
    #[must_use]
    pub fn warnings(&self) -> Vec<Problem> {
        let mut warnings = Vec::new();
        let mut warn = |applies: bool, key: &str, message: String| {
            if applies {
                warnings.push(Problem { key: key.to_owned(), message });
            }
        };
        let url = self.database.url.expose_secret();
        let file = if url.is_empty() { Some(self.database_file()) } else { database::sqlite_file(url) };
        for path in file.iter().flat_map(|file| database::readable_by_others(file)) {
            let key = if url.is_empty() { "data_dir" } else { "database.url" };
            warn(true, key, format!("others can read or write {}: set its mode to 600", path.display()));
        }
        if self.profile != Profile::Production {
            return warnings;
        }
        let is_embedded = url.is_empty() || url.starts_with("sqlite:");
        warn(
            !is_embedded && self.secret.expose_secret().is_empty(),
            "secret",
            "is generated and kept in data_dir: all replicas need the same one. Write the output of \
             `openssl rand -base64 32`"
                .to_owned(),
        );
        warn(
            is_embedded,
            "database.url",
            "is SQLite: it serves one process on one machine. Keep data_dir on a disk that outlives the container, or \
             use PostgreSQL"
                .to_owned(),
        );
        warn(
            self.auth.client_id.is_empty(),
            "auth.client_id",
            "is empty: access tokens of an ended session are accepted until they expire".to_owned(),
        );
        warnings
    }
}
