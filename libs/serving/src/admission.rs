//! Limits the number of open connections, or of another thing that clients hold open: in all, and from one address.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ipnet::IpNet;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Open files that are kept for everything but connections of clients: the database, the log, other services.
const RESERVED_FILES: usize = 128;
/// Shortest time between two log messages about refused connections.
const REPORT_EVERY: Duration = Duration::from_secs(10);

/// The most connections that are open at the same time.
#[derive(Clone, Debug)]
pub struct ConnectionLimits {
    /// In all.
    pub all: usize,
    /// From one address; of IPv6, from one /64, which belongs to one customer.
    pub per_address: usize,
    /// Networks without a limit per address, such as those of proxies.
    pub exempt: Vec<IpNet>,
}

impl Default for ConnectionLimits {
    /// 10,000 connections, of which 1,000 from one address.
    fn default() -> Self {
        Self { all: 10_000, per_address: 1000, exempt: Vec::new() }
    }
}

/// Counts what is open. Clones count together.
#[derive(Clone, Debug)]
pub struct Admission {
    what: &'static str,
    limits: Arc<ConnectionLimits>,
    open: Arc<Mutex<Open>>,
}

#[derive(Debug, Default)]
struct Open {
    all: usize,
    per_address: HashMap<IpAddr, usize>,
    reported_at: Option<Instant>,
}

/// The place of what was admitted. It is free again when this is dropped.
#[derive(Debug)]
pub struct Place {
    admission: Admission,
    from: Option<IpAddr>,
}

impl Admission {
    /// Admits as many as the limits say. `what` names them in the log, such as "a connection".
    #[must_use]
    pub fn new(what: &'static str, limits: ConnectionLimits) -> Self {
        Self { what, limits: Arc::new(limits), open: Arc::default() }
    }

    /// Admits as many connections as the limits say, and as the process can open files.
    pub(crate) fn of_connections(limits: ConnectionLimits) -> Self {
        let all = limits.all.min(raise_file_limit().saturating_sub(RESERVED_FILES).max(1));
        Self::new("a connection", ConnectionLimits { all, ..limits })
    }

    /// Admits one more from an address, or returns `None` if there are too many.
    #[must_use]
    pub fn admit(&self, address: IpAddr) -> Option<Place> {
        let address = address.to_canonical();
        let is_exempt = self.limits.exempt.iter().any(|network| network.contains(&address));
        let from = (!is_exempt).then(|| network(address));
        let mut open = self.open();
        let of_address = from.and_then(|from| open.per_address.get(&from)).copied().unwrap_or_default();
        if open.all >= self.limits.all || of_address >= self.limits.per_address {
            if open.reported_at.is_none_or(|at| at.elapsed() >= REPORT_EVERY) {
                open.reported_at = Some(Instant::now());
                let what = self.what;
                tracing::warn!(%address, of_address, all = open.all, "{what} was refused: too many are open");
            }
            return None;
        }
        open.all += 1;
        if let Some(from) = from {
            *open.per_address.entry(from).or_default() += 1;
        }
        drop(open);
        Some(Place { admission: self.clone(), from })
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.admission.open();
        open.all -= 1;
        let Some(from) = self.from else { return };
        if let Some(count) = open.per_address.get_mut(&from) {
            *count -= 1;
            if *count == 0 {
                open.per_address.remove(&from);
            }
        }
    }
}

/// Returns the first address of the network that belongs to one customer.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
    }
}

/// Lets the process open as many files as the system allows it, and returns their number. A process starts with 1024,
/// which is fewer than the connections of a busy service.
fn raise_file_limit() -> usize {
    let limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum
        && let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit })
    {
        tracing::warn!(%error, "the limit of open files could not be raised");
    }
    getrlimit(Resource::Nofile).current.and_then(|most| usize::try_from(most).ok()).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admission(all: usize, per_address: usize) -> Admission {
        let limits = ConnectionLimits { all, per_address, exempt: vec!["10.0.0.0/8".parse().unwrap()] };
        Admission::of_connections(limits)
    }

    fn admit(admission: &Admission, address: &str) -> Option<Place> {
        admission.admit(address.parse().unwrap())
    }

    #[test]
    fn an_address_has_a_number_of_connections_and_others_have_theirs() {
        let admission = admission(100, 2);
        for [mine, other] in [["192.0.2.1", "192.0.2.2"], ["2001:db8::1", "2001:db8:0:1::1"]] {
            let first = admit(&admission, mine);
            let _second = admit(&admission, mine).unwrap();
            assert!(admit(&admission, mine).is_none());
            assert!(admit(&admission, other).is_some());
            drop(first);
            assert!(admit(&admission, mine).is_some(), "one was closed");
        }
        let _one = (admit(&admission, "2001:db8:7::1"), admit(&admission, "2001:db8:7::2"));
        assert!(admit(&admission, "2001:db8:7::3").is_none(), "all of a /64 are one");
    }

    #[test]
    fn a_proxy_has_no_limit_of_its_own() {
        let admission = admission(5, 2);
        let opened: Vec<_> = (0..5).map(|_| admit(&admission, "::ffff:10.0.0.1").unwrap()).collect();
        assert!(admit(&admission, "10.0.0.1").is_none() && admit(&admission, "192.0.2.1").is_none(), "5 in all");
        drop(opened);
        assert!(admit(&admission, "192.0.2.1").is_some());
    }

    #[test]
    fn nothing_is_remembered_of_closed_connections() {
        let admission = admission(100, 2);
        for last in 0..50 {
            drop(admission.admit(IpAddr::from([192, 0, 2, last])));
        }
        let open = admission.open();
        assert_eq!((open.all, open.per_address.len()), (0, 0));
    }
}
