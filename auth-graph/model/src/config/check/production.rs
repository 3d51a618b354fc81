//! Rules and warnings about an installation for real users.

use lettre::message::Mailbox;
use secrecy::ExposeSecret;
use settings::Problem;

use crate::config::{Config, Profile};

impl Config {
    /// Refuses what loses data or mails in production.
    pub(super) fn check_production(&self, rule: &mut impl FnMut(bool, &str, &str)) {
        if self.profile != Profile::Production {
            return;
        }
        rule(
            !self.secret.expose_secret().is_empty() || self.is_embedded(),
            "secret",
            "is required in production with PostgreSQL: a generated one in data_dir would be lost with the container, \
             and other replicas would have another one. Write the output of `openssl rand -base64 32`",
        );
        let sends = !self.mail.smtp_url.expose_secret().is_empty();
        let is_local = self.mail.from.parse::<Mailbox>().is_ok_and(|sender| {
            let domain = sender.email.domain().to_lowercase();
            domain == "localhost" || domain.ends_with(".localhost")
        });
        rule(
            !(sends && is_local),
            "mail.from",
            "must be an address of a domain of yours in production: receivers reject mails from localhost",
        );
    }

    /// Returns true if the database is a file of SQLite.
    fn is_embedded(&self) -> bool {
        let url = self.database.url.expose_secret();
        url.is_empty() || url.starts_with("sqlite:")
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
        let is_public = !self.server.bind.ip().is_loopback();
        let public_url = &self.server.public_url;
        warn(
            self.profile == Profile::Development && (is_public || public_url.starts_with("https:")),
            "profile",
            "is development: the playground and introspection are open to all callers, and without mail.smtp_url the \
             links of mails are printed on the console. Set it to production"
                .to_owned(),
        );
        let url = self.database.url.expose_secret();
        let file = if url.is_empty() { Some(self.embedded_database()) } else { database::sqlite_file(url) };
        for path in file.iter().flat_map(|file| database::readable_by_others(file)) {
            let key = if url.is_empty() { "data_dir" } else { "database.url" };
            warn(true, key, format!("others can read or write {}: set its mode to 600", path.display()));
        }
        if self.profile != Profile::Production {
            return warnings;
        }
        warn(
            public_url.is_empty(),
            "server.public_url",
            format!("is empty: tokens name {} as their issuer. Set the https:// address of the service", self.issuer()),
        );
        warn(
            public_url.starts_with("http:"),
            "server.public_url",
            "is http://: passwords and tokens are not encrypted on their way. Set the https:// address of the service"
                .to_owned(),
        );
        warn(
            public_url.starts_with("https:") && self.server.trusted_proxies.is_empty(),
            "server.trusted_proxies",
            "is empty: all requests seem to come from the proxy that ends TLS, and share its limits of attempts"
                .to_owned(),
        );
        warn(
            self.is_embedded(),
            "database.url",
            "is SQLite: it serves one process on one machine. Keep data_dir on a disk that outlives the container, or \
             use PostgreSQL"
                .to_owned(),
        );
        warn(
            self.is_embedded() && self.secret.expose_secret().is_empty(),
            "secret",
            "is generated and kept in data_dir: back it up, because without it the database cannot be used".to_owned(),
        );
        warn(
            self.mail.smtp_url.expose_secret().is_empty(),
            "mail.smtp_url",
            "is empty: no mails are sent, and users cannot reset their passwords".to_owned(),
        );
        warnings
    }
}
