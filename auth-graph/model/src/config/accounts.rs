//! How accounts are made and looked after, and how mails are sent.

use std::path::{Path, PathBuf};
use std::time::Duration;

use lettre::message::Mailbox;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::Url;

use super::{Config, Profile};
use crate::values::JsonSchema;

/// How accounts are made and looked after.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Accounts {
    /// Who may register.
    pub registration: Registration,
    /// The address of the pages that links in mails lead to; empty: the public address, where plain ones are served.
    pub pages_url: String,
    /// For so long after a sign-in sensitive changes need no password.
    #[serde(with = "humantime_serde")]
    pub recent_sign_in: Duration,
    /// How long a link is good that confirms an address.
    #[serde(with = "humantime_serde")]
    pub verification_lifetime: Duration,
    /// How long a link is good that sets a new password.
    #[serde(with = "humantime_serde")]
    pub reset_lifetime: Duration,
    /// How long an invitation is good.
    #[serde(with = "humantime_serde")]
    pub invitation_lifetime: Duration,
    /// Keys of `metadata` that users can not set themselves.
    pub reserved_metadata: Vec<String>,
    /// A file with the JSON Schema of `metadata`.
    pub metadata_schema: PathBuf,
    /// A file with the JSON Schema of what only administrators see.
    pub private_metadata_schema: PathBuf,
}

/// Who may register.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Registration {
    /// Nobody.
    Off,
    /// Whoever was invited.
    Invitation,
    /// Everybody.
    Open,
}

/// How mails are sent.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mail {
    /// The SMTP server. It may hold a password.
    pub smtp_url: SecretString,
    /// A file with certificates of authorities that are trusted beside those that the machine trusts.
    pub smtp_authorities: PathBuf,
    /// The sender.
    pub from: String,
    /// How the service calls itself; empty: by its address.
    pub service_name: String,
    /// The language of those whose language is not known.
    pub language: String,
    /// A folder with texts and layouts that take the place of ours.
    pub templates: PathBuf,
    /// For so long a mail is tried.
    #[serde(with = "humantime_serde")]
    pub give_up_after: Duration,
}

impl Mail {
    /// How the connection is encrypted where authorities of one's own are trusted. None: as the address of the server
    /// says.
    pub fn encryption(&self) -> Result<Option<Tls>, String> {
        if self.smtp_authorities.as_os_str().is_empty() {
            return Ok(None);
        }
        let useless = || "is of use only with smtps://, or with smtp:// and ?tls=required".to_owned();
        let url = Url::parse(self.smtp_url.expose_secret()).map_err(|_| useless())?;
        let encrypted = match url.scheme() {
            "smtps" => Tls::Wrapper,
            "smtp" if url.query_pairs().any(|(key, value)| key == "tls" && value == "required") => Tls::Required,
            _ => return Err(useless()),
        };
        let pem =
            std::fs::read_to_string(&self.smtp_authorities).map_err(|error| format!("can not be read: {error}"))?;
        let unusable = || "holds no certificates that can be used".to_owned();
        if !pem.contains("-----BEGIN CERTIFICATE-----") {
            return Err(unusable());
        }
        let certificates = Certificate::from_pem(pem.as_bytes()).map_err(|_| unusable())?;
        let parameters = TlsParameters::builder(url.host_str().unwrap_or_default().to_owned());
        let parameters = parameters.add_root_certificate(certificates).build().map_err(|_| unusable())?;
        Ok(Some(encrypted(parameters)))
    }
}

impl Config {
    /// The address of a page that a link in a mail leads to.
    #[must_use]
    pub fn page_url(&self, page: &str) -> String {
        match self.accounts.pages_url.trim_end_matches('/') {
            "" => self.url_of(page),
            pages => format!("{pages}{page}"),
        }
    }

    /// The schema in a file; none when there is no path.
    pub fn schema(path: &Path) -> Result<Option<JsonSchema>, String> {
        if path.as_os_str().is_empty() { Ok(None) } else { JsonSchema::read(path).map(Some) }
    }

    pub(super) fn check_accounts(&self, rule: &mut impl FnMut(bool, &str, &str)) {
        const DAY: Duration = Duration::from_secs(86_400);
        let (accounts, mail) = (&self.accounts, &self.mail);
        let pages = Url::parse(&accounts.pages_url).is_ok_and(|url| {
            let safe = url.scheme() == "https" || url.scheme() == "http" && crate::config::check::is_loopback(&url);
            safe && url.query().is_none() && url.fragment().is_none() && url.username().is_empty()
        });
        rule(
            accounts.pages_url.is_empty() || pages,
            "accounts.pages_url",
            "must be https://, or http:// to a loopback address, without user, query or fragment",
        );
        for (path, key) in [
            (&accounts.metadata_schema, "accounts.metadata_schema"),
            (&accounts.private_metadata_schema, "accounts.private_metadata_schema"),
        ] {
            if let Err(reason) = Self::schema(path) {
                rule(false, key, &reason);
            }
        }
        rule(accounts.recent_sign_in <= DAY, "accounts.recent_sign_in", "must be at most 1d");
        for (lifetime, key) in [
            (accounts.verification_lifetime, "accounts.verification_lifetime"),
            (accounts.reset_lifetime, "accounts.reset_lifetime"),
            (accounts.invitation_lifetime, "accounts.invitation_lifetime"),
        ] {
            rule((DAY / 288..=30 * DAY).contains(&lifetime), key, "must be from 5m to 30d");
        }
        rule(mail.from.parse::<Mailbox>().is_ok(), "mail.from", "must be an address such as Name <name@example.com>");
        rule(mail.templates.as_os_str().is_empty() || mail.templates.is_dir(), "mail.templates", "must be a folder");
        rule((DAY / 24..=30 * DAY).contains(&mail.give_up_after), "mail.give_up_after", "must be from 1h to 30d");
        let server = mail.smtp_url.expose_secret();
        let production = self.profile == Profile::Production;
        if server.is_empty() {
            rule(
                accounts.registration == Registration::Off || !production,
                "mail.smtp_url",
                "is needed in production, as accounts.registration sends mails",
            );
            return;
        }
        let url = Url::parse(server).ok();
        let smtp = url.as_ref().is_some_and(|url| matches!(url.scheme(), "smtp" | "smtps"));
        rule(smtp, "mail.smtp_url", "must be smtp:// or smtps://");
        if let Err(reason) = mail.encryption() {
            rule(false, "mail.smtp_authorities", &reason);
        }
        let private = url.is_some_and(|url| {
            url.scheme() == "smtps"
                || url.query_pairs().any(|(key, value)| key == "tls" && value == "required")
                || crate::config::check::is_loopback(&url)
        });
        rule(
            private || !production,
            "mail.smtp_url",
            "must be smtps:// or end with ?tls=required in production: mails hold one-time tokens",
        );
    }
}
