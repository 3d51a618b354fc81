//! The network address of the client: the socket's, or what a proxy that we trust says.

use std::net::{IpAddr, SocketAddr};

use axum::extract::ConnectInfo;
use axum::http::request::Parts;
use ipnet::IpNet;

/// The address that a request comes from. `X-Forwarded-For` is read from its end, and only as far as each address is
/// that of a trusted proxy: whatever stands before was written by somebody else.
#[must_use]
pub fn client_address(trusted: &[IpNet], parts: &Parts) -> Option<IpAddr> {
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>()?.0.ip();
    Some(forwarded(trusted, parts, peer.to_canonical()))
}

fn forwarded(trusted: &[IpNet], parts: &Parts, peer: IpAddr) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(&address));
    let headers: Vec<_> =
        parts.headers.get_all("x-forwarded-for").iter().filter_map(|header| header.to_str().ok()).collect();
    let mut client = peer;
    for hop in headers.iter().rev().flat_map(|header| header.rsplit(',')) {
        match hop.trim().parse::<IpAddr>() {
            Ok(address) if is_trusted(client) => client = address.to_canonical(),
            _ => break,
        }
    }
    client
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(peer: &str, forwarded_for: &[&str]) -> String {
        let mut request = axum::http::Request::builder();
        for value in forwarded_for {
            request = request.header("x-forwarded-for", *value);
        }
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        parts.extensions.insert(ConnectInfo(SocketAddr::new(peer.parse().unwrap(), 1)));
        let trusted = ["10.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()];
        client_address(&trusted, &parts).unwrap().to_string()
    }

    #[test]
    fn a_header_counts_only_from_a_trusted_proxy() {
        assert_eq!(seen("203.0.113.7", &["198.51.100.1"]), "203.0.113.7");
        assert_eq!(seen("10.0.0.1", &["198.51.100.1"]), "198.51.100.1");
    }

    #[test]
    fn what_stands_before_the_first_untrusted_address_is_not_believed() {
        assert_eq!(seen("10.0.0.1", &["1.2.3.4, 198.51.100.1, 10.0.0.2"]), "198.51.100.1");
        assert_eq!(seen("10.0.0.1", &["1.2.3.4", "198.51.100.1"]), "198.51.100.1");
    }

    /// CVE-2024-47070: a malformed header was an error, and the step that met it was skipped.
    #[test]
    fn garbage_stops_the_reading() {
        assert_eq!(seen("10.0.0.1", &["198.51.100.1, unknown, 10.0.0.2"]), "10.0.0.2");
        assert_eq!(seen("::1", &["'; DROP TABLE"]), "::1");
    }

    #[test]
    fn a_mapped_address_is_the_address_that_it_maps() {
        assert_eq!(seen("::ffff:203.0.113.7", &[]), "203.0.113.7");
    }
}
