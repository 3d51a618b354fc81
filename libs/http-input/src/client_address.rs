//! Network address of the client: that of the connection, or the one that a trusted proxy reports.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use http::{HeaderMap, HeaderName};
use ipnet::IpNet;

/// Header in which proxies report the address that a request came from.
pub const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Shortest time between two log messages about a header that is not understood.
const REPORT_EVERY: Duration = Duration::from_secs(600);

/// Returns the address that a request comes from; `peer` is the other end of the connection.
///
/// `X-Forwarded-For` is read from its end, as long as each address is that of a trusted proxy. The client may have
/// written everything before that. The client counts as the proxy that reports something else than an address, which is
/// logged.
#[must_use]
pub fn client_address(trusted: &[IpNet], peer: IpAddr, headers: &HeaderMap) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(&address));
    let mut client = peer.to_canonical();
    // Bytes, because the client may have written the beginning of a line that a proxy continued.
    let lines = headers.get_all(FORWARDED_FOR).iter().rev();
    let hops = lines.flat_map(|value| value.as_bytes().rsplit(|byte| *byte == b',')).map(<[u8]>::trim_ascii);
    // Empty members of a list do not count (RFC 9110 section 5.6.1.2).
    for hop in hops.filter(|hop| !hop.is_empty()) {
        if !is_trusted(client) {
            break;
        }
        match address(hop) {
            Some(address) => client = address.to_canonical(),
            None => {
                report(client, hop);
                break;
            }
        }
    }
    client
}

/// Reads an address as proxies write it: alone, in brackets, or with a port (Azure Application Gateway, IIS).
fn address(hop: &[u8]) -> Option<IpAddr> {
    let hop = str::from_utf8(hop).ok()?;
    let alone = || hop.parse().ok();
    let with_port = || hop.parse().ok().map(|address: SocketAddr| address.ip());
    let in_brackets = || hop.strip_prefix('[')?.strip_suffix(']')?.parse::<Ipv6Addr>().ok().map(IpAddr::from);
    alone().or_else(with_port).or_else(in_brackets)
}

fn report(proxy: IpAddr, hop: &[u8]) {
    static REPORTED_AT: Mutex<Option<Instant>> = Mutex::new(None);
    let Ok(mut reported_at) = REPORTED_AT.lock() else { return };
    if reported_at.is_some_and(|at| at.elapsed() < REPORT_EVERY) {
        return;
    }
    *reported_at = Some(Instant::now());
    let sent = String::from_utf8_lossy(&hop[..hop.len().min(100)]);
    tracing::warn!(
        %proxy, ?sent,
        "X-Forwarded-For of a trusted proxy is not understood: its clients count as the proxy and share its limits"
    );
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn seen(peer: &str, forwarded_for: &[&str]) -> String {
        let line = |value: &&str| (FORWARDED_FOR, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        let headers = forwarded_for.iter().map(line).collect();
        let trusted = ["10.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap(), "2001:db8:7::/48".parse().unwrap()];
        client_address(&trusted, peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn a_header_counts_only_from_a_trusted_proxy() {
        assert_eq!(seen("203.0.113.7", &["198.51.100.1"]), "203.0.113.7");
        assert_eq!(seen("10.0.0.1", &["198.51.100.1"]), "198.51.100.1");
    }

    #[test]
    fn addresses_before_the_first_untrusted_one_are_ignored() {
        for lines in [
            &["1.2.3.4, 198.51.100.1, 10.0.0.2"][..],
            &["1.2.3.4", "198.51.100.1"],
            &["1.2.3.4:1, 198.51.100.1:4711, 10.0.0.2:80"],
            &["1.2.3.4, 198.51.100.1:4711, [2001:db8:7::2]:443, ::1"],
            &["unknown, 198.51.100.1"],
            &["'; DROP TABLE, ä, 198.51.100.1"],
            &["ä", "198.51.100.1"],
            &["198.51.100.1,", ",, 10.0.0.2 ,"],
        ] {
            assert_eq!(seen("10.0.0.1", lines), "198.51.100.1", "{lines:?}");
        }
    }

    /// goauthentik/authentik#25679: Azure Application Gateway writes a port.
    #[test]
    fn an_address_may_have_a_port_and_brackets() {
        for (written, address) in [
            ("203.0.113.7:4711", "203.0.113.7"),
            ("203.0.113.7:0", "203.0.113.7"),
            ("2001:db8::1", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("[2001:db8::1]:443", "2001:db8::1"),
            (" [2001:DB8:0::1]:65535\t", "2001:db8::1"),
            ("::ffff:203.0.113.7", "203.0.113.7"),
            ("[::ffff:203.0.113.7]:443", "203.0.113.7"),
        ] {
            assert_eq!(seen("10.0.0.1", &[written]), address, "{written:?}");
        }
    }

    /// CVE-2024-47070: a malformed header was an error, and the step that met it was skipped.
    #[test]
    fn reading_stops_at_a_malformed_address() {
        assert_eq!(seen("10.0.0.1", &["198.51.100.1, unknown, 10.0.0.2"]), "10.0.0.2");
        for garbage in [
            "'; DROP TABLE",
            "unknown",
            "_hidden",
            "203.0.113.7:",
            "203.0.113.7:65536",
            "203.0.113.7:4711:1",
            "203.0.113.7 4711",
            "[203.0.113.7]",
            "[203.0.113.7]:80",
            "[2001:db8::1",
            "2001:db8::1]:443",
            "[2001:db8::1]443",
            "[2001:db8::1]:",
            "\"203.0.113.7\"",
            "for=203.0.113.7",
            "203.0.113",
            "0x7f.1",
            "198.51.100.1;203.0.113.7",
            "ä",
        ] {
            assert_eq!(seen("::1", &[&format!("198.51.100.1, {garbage}")]), "::1", "{garbage}");
        }
    }

    #[test]
    fn a_mapped_address_counts_as_its_ipv4_address() {
        assert_eq!(seen("::ffff:203.0.113.7", &[]), "203.0.113.7");
    }
}
