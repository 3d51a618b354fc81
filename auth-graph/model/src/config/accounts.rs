//! The sections `[accounts]` and `[mail]`.

use std::path::PathBuf;

use chrono::TimeDelta;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use settings::time_delta;
use url::Url;

/// Registration, and the accounts of users.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Accounts {
    /// Callers who may register.
    pub registration: Registration,
    /// If true, users can have a user name and sign in with it.
    pub usernames: bool,
    /// Address of the pages behind the links in mails. If it is empty, the public address is used, where plain pages
    /// are served.
    pub pages_url: String,
    /// Address of the page where users sign in to the application. It may be empty.
    pub sign_in_url: String,
    /// Time after a sign-in during which sensitive changes need no password.
    #[serde(deserialize_with = "time_delta")]
    pub recent_sign_in: TimeDelta,
    /// Lifetime of a link that confirms an address.
    #[serde(deserialize_with = "time_delta")]
    pub verification_lifetime: TimeDelta,
    /// Lifetime of a link that sets a new password.
    #[serde(deserialize_with = "time_delta")]
    pub reset_lifetime: TimeDelta,
    /// Lifetime of an invitation.
    #[serde(deserialize_with = "time_delta")]
    pub invitation_lifetime: TimeDelta,
    /// Keys of `metadata` that users cannot set themselves.
    pub reserved_metadata: Vec<String>,
    /// File with the JSON Schema of `metadata`.
    pub metadata_schema: PathBuf,
    /// File with the JSON Schema of `privateMetadata`.
    pub private_metadata_schema: PathBuf,
}

impl Accounts {
    /// Returns whether users cannot set this key of their `metadata` themselves.
    #[must_use]
    pub fn reserves(&self, key: &str) -> bool {
        key.starts_with('_') || self.reserved_metadata.iter().any(|reserved| reserved == key)
    }
}

/// Callers who may register.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Registration {
    /// No caller.
    Off,
    /// Holders of an invitation.
    Invitation,
    /// Every caller.
    Open,
}

/// Outgoing mail.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mail {
    /// URL of the SMTP server. It may contain a password.
    pub smtp_url: SecretString,
    /// File with certificates of authorities that are trusted in addition to those of the machine.
    pub smtp_authorities: PathBuf,
    /// Sender.
    pub from: String,
    /// Host name in the greeting of the SMTP server (EHLO). If it is empty, it is found in the configuration.
    pub hello_name: String,
    /// Name of the service. If it is empty, its address is used.
    pub service_name: String,
    /// Language of recipients whose language is unknown.
    pub language: String,
    /// Folder with texts and layouts that replace the built-in ones.
    pub templates: PathBuf,
    /// Time after which an undelivered mail is given up.
    #[serde(deserialize_with = "time_delta")]
    pub give_up_after: TimeDelta,
}

impl Mail {
    /// Returns the encryption of the connection if further authorities are trusted. Otherwise the URL of the server
    /// decides.
    pub fn encryption(&self) -> Result<Option<Tls>, String> {
        if self.smtp_authorities.as_os_str().is_empty() {
            return Ok(None);
        }
        let useless = || "is used only with smtps://, or with smtp:// and ?tls=required".to_owned();
        let url = Url::parse(self.smtp_url.expose_secret()).map_err(|_| useless())?;
        let encrypted = match url.scheme() {
            "smtps" => Tls::Wrapper,
            "smtp" if url.query_pairs().any(|(key, value)| key == "tls" && value == "required") => Tls::Required,
            _ => return Err(useless()),
        };
        let pem =
            std::fs::read_to_string(&self.smtp_authorities).map_err(|error| format!("cannot be read: {error}"))?;
        let unusable = || "contains no valid certificates".to_owned();
        if !pem.contains("-----BEGIN CERTIFICATE-----") {
            return Err(unusable());
        }
        let certificates = Certificate::from_pem(pem.as_bytes()).map_err(|_| unusable())?;
        let parameters = TlsParameters::builder(url.host_str().unwrap_or_default().to_owned());
        let parameters = parameters.add_root_certificate(certificates).build().map_err(|_| unusable())?;
        Ok(Some(encrypted(parameters)))
    }
}
