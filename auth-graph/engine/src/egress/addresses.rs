//! Which IP addresses may be called, and looking names up so that only these are.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Not public, or not addresses of one machine (IANA's registry of special-purpose addresses, RFC 6890).
const NOT_PUBLIC: [Ipv4Net; 16] = [
    v4([0, 0, 0, 0], 8),
    v4([10, 0, 0, 0], 8),
    v4([100, 64, 0, 0], 10),
    v4([127, 0, 0, 0], 8),
    // Among them 169.254.169.254, where clouds tell their machines secrets.
    v4([169, 254, 0, 0], 16),
    v4([172, 16, 0, 0], 12),
    v4([192, 0, 0, 0], 24),
    v4([192, 0, 2, 0], 24),
    v4([192, 88, 99, 0], 24),
    v4([192, 168, 0, 0], 16),
    v4([198, 18, 0, 0], 15),
    v4([198, 51, 100, 0], 24),
    v4([203, 0, 113, 0], 24),
    v4([224, 0, 0, 0], 4),
    v4([240, 0, 0, 0], 4),
    // Where Azure tells its machines secrets: a single one within a public network.
    v4([168, 63, 129, 16], 32),
];

/// Of IPv6 only this is public …
const PUBLIC: Ipv6Net = v6([0x2000, 0], 3);
/// … without assignments to protocols (Teredo among them), examples, and 6to4, which wraps any IPv4 address.
const NOT_PUBLIC_WITHIN: [Ipv6Net; 4] =
    [v6([0x2001, 0], 23), v6([0x2001, 0x0db8], 32), v6([0x2002, 0], 16), v6([0x3fff, 0], 20)];

const fn v4([a, b, c, d]: [u8; 4], length: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), length)
}

const fn v6([first, second]: [u16; 2], length: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(first, second, 0, 0, 0, 0, 0, 0), length)
}

/// Networks that may be called in addition to public addresses.
#[derive(Clone, Debug)]
pub(super) struct Allowed {
    /// This machine.
    pub(super) loopback: bool,
    /// Further networks.
    pub(super) networks: Vec<IpNet>,
}

impl Allowed {
    /// Returns whether an address may be called. An IPv4 address that is wrapped in IPv6 counts as what it is.
    pub(super) fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        let public = match address {
            IpAddr::V4(address) => !NOT_PUBLIC.iter().any(|network| network.contains(&address)),
            IpAddr::V6(address) => {
                PUBLIC.contains(&address) && !NOT_PUBLIC_WITHIN.iter().any(|network| network.contains(&address))
            }
        };
        public
            || self.loopback && address.is_loopback()
            || self.networks.iter().any(|network| network.contains(&address))
    }
}

/// Every address that a name resolves to is none that may be called.
#[derive(Debug)]
pub(super) struct NotAllowed;

impl fmt::Display for NotAllowed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the name has no public address")
    }
}

impl std::error::Error for NotAllowed {}

/// Looks names up as the system does, and leaves out what may not be called.
#[derive(Debug)]
pub(super) struct Resolver(pub(super) Allowed);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let allowed = self.0.clone();
        Box::pin(async move {
            // The port is put in place by whoever connects.
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let kept: Vec<SocketAddr> = found.filter(|address| allowed.contains(address.ip())).collect();
            if kept.is_empty() { Err(NotAllowed.into()) } else { Ok(Box::new(kept.into_iter()) as Addrs) }
        })
    }
}
