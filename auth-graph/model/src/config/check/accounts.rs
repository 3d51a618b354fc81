//! Rules of the sections `[accounts]` and `[mail]`.

use chrono::TimeDelta;
use lettre::message::Mailbox;
use secrecy::ExposeSecret;
use url::Url;

use super::urls::is_loopback;
use crate::config::{Config, Profile, Registration};

impl Config {
    pub(in crate::config) fn check_accounts(&self, rule: &mut impl FnMut(bool, &str, &str)) {
        const DAY: TimeDelta = TimeDelta::days(1);
        let (accounts, mail) = (&self.accounts, &self.mail);
        let pages = Url::parse(&accounts.pages_url).is_ok_and(|url| {
            let safe = url.scheme() == "https" || url.scheme() == "http" && is_loopback(&url);
            safe && url.query().is_none() && url.fragment().is_none() && url.username().is_empty()
        });
        rule(
            accounts.pages_url.is_empty() || pages,
            "accounts.pages_url",
            "must be https://, or http:// to a loopback address, without user, query or fragment",
        );
        let sign_in = Url::parse(&accounts.sign_in_url).is_ok_and(|url| {
            (url.scheme() == "https" || url.scheme() == "http" && is_loopback(&url)) && url.username().is_empty()
        });
        rule(
            accounts.sign_in_url.is_empty() || sign_in,
            "accounts.sign_in_url",
            "must be https://, or http:// to a loopback address, without user",
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
            rule((DAY / 288..=DAY * 30).contains(&lifetime), key, "must be from 5m to 30d");
        }
        rule(mail.from.parse::<Mailbox>().is_ok(), "mail.from", "must be an address such as Name <name@example.com>");
        let hello = url::Host::parse(&mail.hello_name);
        rule(
            mail.hello_name.is_empty() || matches!(hello, Ok(url::Host::Domain(_))),
            "mail.hello_name",
            "must be a host name such as mail.example.com",
        );
        rule(mail.templates.as_os_str().is_empty() || mail.templates.is_dir(), "mail.templates", "must be a folder");
        rule((DAY / 24..=DAY * 30).contains(&mail.give_up_after), "mail.give_up_after", "must be from 1h to 30d");
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
                || is_loopback(&url)
        });
        rule(
            private || !production,
            "mail.smtp_url",
            "must be smtps:// or end with ?tls=required in production: mails hold one-time tokens",
        );
    }
}
