//! The public keys of auth-graph, fetched when they are needed and kept while it is away.
//!
//! A reader takes a snapshot and never waits for the network while its key is known. Parallel misses share one fetch.
//! An unknown `kid` causes at most one fetch in each [`UNKNOWN_KEY_FLOOR`], so that made-up ones can not be used to
//! flood auth-graph. How a key set is read is in `jwks`.

mod jwks;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use reqwest::Url;

use crate::clock::Clock;
use crate::error::{Code, Error};
use crate::flight::Flights;
use crate::operations::{Repeat, Transport, bounded_body};
use crate::outage::Outage;
pub(crate) use jwks::{Key, KeySet};

/// A key set older than this is fetched anew, beside the requests.
const MAX_AGE: Duration = Duration::from_secs(5 * 60);
/// The least time between two fetches for keys that we do not know.
const UNKNOWN_KEY_FLOOR: Duration = Duration::from_secs(10);
/// The least time from a failed fetch to the next.
const FAILURE_FLOOR: Duration = Duration::from_secs(1);
const MAX_BODY: usize = 256 * 1024;

/// The keys as we know them.
#[derive(Clone)]
pub(crate) struct Keys {
    shared: Arc<Shared>,
}

struct Shared {
    url: Url,
    transport: Arc<Transport>,
    clock: Clock,
    state: RwLock<Arc<State>>,
    /// Grows whenever a key was withdrawn, so that what was verified with it is verified again.
    generation: AtomicU64,
    flights: Flights<(), ()>,
    outage: Outage,
}

#[derive(Default)]
struct State {
    keys: KeySet,
    fetched_at: Option<Duration>,
    failed_at: Option<Duration>,
}

impl Keys {
    pub(crate) fn new(url: Url, transport: Arc<Transport>, clock: Clock) -> Self {
        let shared = Shared {
            url,
            transport,
            clock,
            state: RwLock::default(),
            generation: AtomicU64::new(0),
            flights: Flights::default(),
            outage: Outage::new(
                "the keys of auth-graph can not be fetched",
                "the keys of auth-graph are fetched again",
            ),
        };
        Self { shared: Arc::new(shared) }
    }

    /// The key of this name.
    ///
    /// # Errors
    /// `TOKEN_INVALID` when auth-graph has no such key, `UNAVAILABLE` when it can not be asked.
    pub(crate) async fn find(&self, id: &str) -> Result<Arc<Key>, Error> {
        let state = self.shared.state();
        if let Some(key) = state.keys.find(id) {
            if self.shared.since(state.fetched_at) > MAX_AGE && self.shared.may_fetch(&state, MAX_AGE) {
                // Dropping the handle leaves the fetch running.
                drop(self.fetch());
            }
            return Ok(key);
        }
        if self.shared.may_fetch(&state, UNKNOWN_KEY_FLOOR) {
            self.fetch().await?;
        }
        let state = self.shared.state();
        match state.keys.find(id) {
            Some(key) => Ok(key),
            // Nobody can say whether the key exists, so the token is not to blame.
            None if state.failed_at.is_some() || state.fetched_at.is_none() => {
                Err(Error::new(Code::Unavailable).with_retry_after(FAILURE_FLOOR))
            }
            None => Err(Code::TokenInvalid.into()),
        }
    }

    /// Counts the withdrawals of keys: what was verified under an earlier number must be verified again.
    pub(crate) fn generation(&self) -> u64 {
        self.shared.generation.load(Ordering::Acquire)
    }

    /// Time passed since the keys were last fetched; absent when they never were.
    pub(crate) fn age(&self) -> Option<Duration> {
        let fetched_at = self.shared.state().fetched_at;
        fetched_at.map(|_| self.shared.since(fetched_at))
    }

    fn fetch(&self) -> impl Future<Output = Result<(), Error>> + use<> {
        let shared = Arc::clone(&self.shared);
        self.shared.flights.join((), || async move { shared.fetch().await })
    }
}

impl Shared {
    fn state(&self) -> Arc<State> {
        Arc::clone(&self.state.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn since(&self, moment: Option<Duration>) -> Duration {
        moment.map_or(Duration::MAX, |moment| self.clock.elapsed().saturating_sub(moment))
    }

    fn may_fetch(&self, state: &State, floor: Duration) -> bool {
        self.since(state.fetched_at) >= floor && self.since(state.failed_at) >= FAILURE_FLOOR
    }

    async fn fetch(&self) -> Result<(), Error> {
        // A caller can look before a fetch lands and join after it: what landed meanwhile is good enough.
        let state = self.state();
        if !self.may_fetch(&state, FAILURE_FLOOR) {
            return Ok(());
        }
        let outcome = self.download().await;
        let now = Some(self.clock.elapsed());
        let (next, result) = match outcome {
            Ok(keys) => {
                self.outage.ends();
                let withdrawn = keys.lacks_one_of(&state.keys);
                (State { keys, fetched_at: now, failed_at: None }, Ok(withdrawn))
            }
            Err(error) => {
                self.outage.goes_on(&error);
                (State { keys: state.keys.clone(), fetched_at: state.fetched_at, failed_at: now }, Err(error))
            }
        };
        *self.state.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(next);
        if result? {
            self.generation.fetch_add(1, Ordering::Release);
        }
        Ok(())
    }

    async fn download(&self) -> Result<KeySet, Error> {
        let response = self.transport.send(Repeat::Safe, |http| http.get(self.url.clone())).await?;
        let status = response.status();
        if !status.is_success() {
            return Err(Error::unavailable(format!("the key set was answered with {status}")));
        }
        KeySet::parse(&bounded_body(response, MAX_BODY).await?)
    }
}
