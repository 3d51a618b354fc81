//! The names under which mail servers know the service: the name in the greeting (EHLO), and the domain of message
//! identifiers. Neither is `localhost` where the configuration contains a better name.

use std::net::Ipv4Addr;

use lettre::Address;
use lettre::message::Mailbox;
use lettre::transport::smtp::extension::ClientId;
use secrecy::ExposeSecret;
use url::{Host, Url};

use model::config::Config;
use model::error::{Error, Result};

/// Returns the name for the greeting: the configured one, or the first full host name of the public address and of the
/// sender. Servers reject a loopback address as the name of a sender (RFC 5321 section 4.1.4).
pub(super) fn hello_name(config: &Config) -> ClientId {
    let configured = Host::parse(&config.mail.hello_name).ok().or_else(|| host_in_path(config));
    let known = [configured, public_host(config), sender_host(config)];
    let known = || known.iter().flatten().filter(|host| !is_local(host));
    match known().find(|host| is_full(host)).or_else(|| known().next()) {
        Some(Host::Domain(name)) => ClientId::Domain(name.clone()),
        Some(Host::Ipv4(address)) => ClientId::Ipv4(*address),
        Some(Host::Ipv6(address)) => ClientId::Ipv6(*address),
        None => ClientId::Ipv4(Ipv4Addr::LOCALHOST),
    }
}

/// Returns the sender, with its domain in ASCII, which every server accepts.
pub(super) fn sender(config: &Config) -> Result<Mailbox> {
    let sender: Mailbox = config.mail.from.parse().map_err(Error::internal)?;
    let email = match Host::parse(sender.email.domain()) {
        Ok(Host::Domain(domain)) => Address::new(sender.email.user(), domain).map_err(Error::internal)?,
        _ => sender.email,
    };
    Ok(Mailbox::new(sender.name, email))
}

/// Returns the right side of message identifiers (RFC 5322 section 3.6.4): the domain of the sender, or the name in the
/// greeting if the sender has no public domain.
pub(super) fn domain_of_identifiers(config: &Config) -> String {
    match sender_host(config).filter(|host| !is_local(host) && is_full(host)) {
        Some(Host::Domain(name)) => name,
        _ => match hello_name(config) {
            ClientId::Domain(name) => name,
            ClientId::Ipv4(address) if address.is_loopback() => "localhost".to_owned(),
            address => address.to_string(),
        },
    }
}

/// Returns the name at the end of `mail.smtp_url`, where lettre reads it too.
fn host_in_path(config: &Config) -> Option<Host> {
    let url = Url::parse(config.mail.smtp_url.expose_secret()).ok()?;
    Host::parse(url.path().trim_matches('/')).ok()
}

fn public_host(config: &Config) -> Option<Host> {
    Some(Url::parse(&config.issuer()).ok()?.host()?.to_owned())
}

/// Returns the domain of the sender, in ASCII.
fn sender_host(config: &Config) -> Option<Host> {
    Host::parse(config.mail.from.parse::<Mailbox>().ok()?.email.domain()).ok()
}

fn is_local(host: &Host) -> bool {
    match host {
        Host::Domain(name) => name == "localhost" || name.ends_with(".localhost") || name == "localhost.localdomain",
        Host::Ipv4(address) => address.is_loopback() || address.is_unspecified(),
        Host::Ipv6(address) => address.is_loopback() || address.is_unspecified(),
    }
}

fn is_full(host: &Host) -> bool {
    !matches!(host, Host::Domain(name) if !name.contains('.'))
}

#[cfg(test)]
mod tests {
    use model::config::Sources;

    use super::*;

    #[test]
    fn a_sender_in_an_international_domain_needs_no_server_that_knows_them() {
        let mut config = Config::load(&Sources::default()).unwrap();
        for (from, sent) in [
            ("Müller <info@bücher.example>", "Müller <info@xn--bcher-kva.example>"),
            ("info@Example.org", "info@example.org"),
        ] {
            config.mail.from = from.to_owned();
            assert_eq!(sender(&config).unwrap(), sent.parse().unwrap(), "{from}");
        }
    }

    /// Public address, sender and `mail.hello_name`; then the greeting and the domain of identifiers.
    #[test]
    fn the_names_are_public_where_the_configuration_has_one() {
        for (public_url, from, hello, greeting, domain) in [
            ("", "Ada <no-reply@localhost>", "", "[127.0.0.1]", "localhost"),
            ("https://auth.example.com", "no-reply@localhost", "", "auth.example.com", "auth.example.com"),
            ("https://auth.example.com/a/", "Shop <no-reply@example.org>", "", "auth.example.com", "example.org"),
            ("", "no-reply@example.org", "", "example.org", "example.org"),
            ("http://localhost:8000", "no-reply@example.org", "", "example.org", "example.org"),
            (
                "http://127.0.0.1:8000",
                "no-reply@localhost",
                "relay.example.net",
                "relay.example.net",
                "relay.example.net",
            ),
            (
                "https://auth.example.com",
                "no-reply@example.org",
                "relay.example.net",
                "relay.example.net",
                "example.org",
            ),
            ("https://auth", "no-reply@example.org", "", "example.org", "example.org"),
            ("https://auth", "no-reply@localhost", "", "auth", "auth"),
            ("https://192.0.2.7", "no-reply@localhost", "", "[192.0.2.7]", "[192.0.2.7]"),
            ("https://[2001:db8::7]", "no-reply@localhost", "", "[IPv6:2001:db8::7]", "[IPv6:2001:db8::7]"),
            ("https://bücher.example", "info@bücher.example", "", "xn--bcher-kva.example", "xn--bcher-kva.example"),
        ] {
            let mut config = Config::load(&Sources::default()).unwrap();
            config.server.public_url = public_url.to_owned();
            config.mail.from = from.to_owned();
            config.mail.hello_name = hello.to_owned();
            let names = (hello_name(&config).to_string(), domain_of_identifiers(&config));
            assert_eq!(names, (greeting.to_owned(), domain.to_owned()), "{public_url} {from} {hello}");
        }
    }
}
