//! [`AuthGraph`]: the connection to auth-graph. Each file of this folder adds one group of its methods; the parts below
//! it, such as the verifier, the mirror and the feed, do not know it.

mod authentication;
mod builder;
mod context;
mod cookies;
mod feed;
mod first_sight;
mod operations;
mod remote_verification;
mod socket;

use std::fmt;
use std::sync::Arc;

use single_flight::Flights;

use crate::clock::Clock;
use crate::error::Error;
use crate::feed::{Feed, StaleFeed};
use crate::ids::UserId;
use crate::mirror::{Mirror, MirroredUser};
use crate::operations::{Remote, Transport};
use crate::principal::Principal;
use crate::revocation::Revoked;
use crate::verifier::{Expectation, Verification, Verifier};
pub use builder::{AuthGraphBuilder, BuildError};
pub use context::{Caller, Context};
#[cfg(feature = "proxy")]
pub(crate) use operations::Account;

/// The connection to auth-graph: verifies its tokens, calls its operations, and mirrors its users.
///
/// Cheap to clone; all clones share their keys, caches and connections. A process needs only one.
#[derive(Clone)]
pub struct AuthGraph {
    inner: Arc<Inner>,
}

struct Inner {
    remote: Arc<Remote>,
    verification: Verification,
    expectation: Expectation,
    verifier: Verifier,
    revoked: Arc<Revoked>,
    feed: Arc<Feed>,
    stale_feed: StaleFeed,
    deny: Option<Deny>,
    access_token_cookie: Option<String>,
    clock: Clock,
    mirror: Option<Mirror>,
    first_sights: Flights<UserId, Result<MirroredUser, Error>>,
}

/// A check of the service's own that can refuse a caller.
type Deny = Arc<dyn Fn(&Principal) -> Result<(), Error> + Send + Sync>;

impl AuthGraph {
    /// Returns the mirror, if one is configured.
    #[must_use]
    pub fn mirror(&self) -> Option<&Mirror> {
        self.inner.mirror.as_ref()
    }

    pub(crate) fn transport(&self) -> &Transport {
        &self.inner.remote.transport
    }
}

impl fmt::Debug for AuthGraph {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("AuthGraph")
            .field("graphql_url", &self.transport().graphql_url.as_str())
            .field("verification", &self.inner.verification)
            .finish_non_exhaustive()
    }
}
