//! The keys of one issuer: looked up in memory, fetched when they are needed.
//!
//! A lookup of a known key never waits for the network. Parallel misses share one fetch. An unknown `kid` causes at
//! most one fetch in each [`UNKNOWN_KEY_FLOOR`], so that invented identifiers cannot be used to flood the issuer.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use single_flight::{Flight, Flights, Interrupted};

use crate::key_set::{Key, KeySet};

/// A key set older than this is fetched again, while requests continue with the old one.
const MAX_AGE: Duration = Duration::from_secs(5 * 60);
/// Minimum time between two fetches for unknown keys.
const UNKNOWN_KEY_FLOOR: Duration = Duration::from_secs(10);
/// Minimum time between a failed fetch and the next one.
const FAILURE_FLOOR: Duration = Duration::from_secs(1);

/// The keys of one issuer. Cheap to clone; all clones share their keys.
pub struct Keys<E> {
    shared: Arc<Shared<E>>,
}

/// A key that cannot be looked up.
#[derive(Clone, Debug)]
pub enum FindError<E> {
    /// The issuer has no such key.
    Unknown,
    /// The issuer cannot be reached now, so that the key may exist. Try again after this time.
    Unavailable(Duration),
    /// The fetch for this key failed.
    Fetch(E),
    /// The fetch for this key panicked.
    Interrupted(Interrupted),
}

type Fetch<E> = Box<dyn Fn() -> BoxFuture<'static, Result<KeySet, E>> + Send + Sync>;
type Clock = Box<dyn Fn() -> Duration + Send + Sync>;

struct Shared<E> {
    fetch: Fetch<E>,
    clock: Clock,
    state: RwLock<Arc<State>>,
    /// Number that grows when a key is withdrawn, so that tokens that were verified with it are verified again.
    generation: AtomicU64,
    flights: Flights<(), Result<(), E>>,
}

#[derive(Default)]
struct State {
    keys: KeySet,
    fetched_at: Option<Duration>,
    failed_at: Option<Duration>,
}

impl<E: Clone + Send + Sync + 'static> Keys<E> {
    /// Creates an empty set. `fetch` fetches the key set of the issuer. `clock` returns the time that has passed since
    /// a fixed moment, and never goes back.
    pub fn new<F>(
        fetch: impl Fn() -> F + Send + Sync + 'static,
        clock: impl Fn() -> Duration + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<KeySet, E>> + Send + 'static,
    {
        let shared = Shared {
            fetch: Box::new(move || fetch().boxed()),
            clock: Box::new(clock),
            state: RwLock::default(),
            generation: AtomicU64::new(0),
            flights: Flights::default(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Returns the key with this `kid`.
    ///
    /// # Errors
    /// [`FindError::Unknown`] when the issuer has no such key; another error when the issuer cannot be reached.
    pub async fn find(&self, id: &str) -> Result<Arc<Key>, FindError<E>> {
        let state = self.shared.state();
        if let Some(key) = state.keys.find(id) {
            if self.shared.since(state.fetched_at) > MAX_AGE && self.shared.may_fetch(&state, MAX_AGE) {
                // Dropping the handle leaves the fetch running.
                drop(self.join_fetch());
            }
            return Ok(key);
        }
        if self.shared.may_fetch(&state, UNKNOWN_KEY_FLOOR) {
            self.fetch().await?;
        }
        let state = self.shared.state();
        match state.keys.find(id) {
            Some(key) => Ok(key),
            // The key may exist, so the token is not rejected.
            None if state.failed_at.is_some() || state.fetched_at.is_none() => {
                Err(FindError::Unavailable(FAILURE_FLOOR))
            }
            None => Err(FindError::Unknown),
        }
    }

    /// Returns the number of withdrawals of keys. A token that was verified under an earlier number must be verified
    /// again.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.shared.generation.load(Ordering::Acquire)
    }

    /// Returns the time that has passed since the keys were last fetched, or `None` when they never were.
    #[must_use]
    pub fn age(&self) -> Option<Duration> {
        let fetched_at = self.shared.state().fetched_at;
        fetched_at.map(|_| self.shared.since(fetched_at))
    }

    async fn fetch(&self) -> Result<(), FindError<E>> {
        let fetched = self.join_fetch().await.map_err(FindError::Interrupted)?;
        fetched.map_err(FindError::Fetch)
    }

    fn join_fetch(&self) -> Flight<Result<(), E>> {
        let shared = Arc::clone(&self.shared);
        self.shared.flights.join((), || async move { shared.fetch().await })
    }
}

impl<E> Shared<E> {
    fn state(&self) -> Arc<State> {
        Arc::clone(&self.state.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn since(&self, moment: Option<Duration>) -> Duration {
        moment.map_or(Duration::MAX, |moment| (self.clock)().saturating_sub(moment))
    }

    fn may_fetch(&self, state: &State, floor: Duration) -> bool {
        self.since(state.fetched_at) >= floor && self.since(state.failed_at) >= FAILURE_FLOOR
    }

    async fn fetch(&self) -> Result<(), E> {
        // A caller may look up a key before a fetch ends and get here after it. The keys of that fetch are recent
        // enough.
        let state = self.state();
        if !self.may_fetch(&state, FAILURE_FLOOR) {
            return Ok(());
        }
        let outcome = (self.fetch)().await;
        let now = Some((self.clock)());
        let (next, result) = match outcome {
            Ok(keys) => {
                let withdrawn = keys.lacks_one_of(&state.keys);
                (State { keys, fetched_at: now, failed_at: None }, Ok(withdrawn))
            }
            Err(error) => {
                (State { keys: state.keys.clone(), fetched_at: state.fetched_at, failed_at: now }, Err(error))
            }
        };
        *self.state.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(next);
        if result? {
            self.generation.fetch_add(1, Ordering::Release);
        }
        Ok(())
    }
}

impl<E> Clone for Keys<E> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    /// The key of RFC 8037 appendix A.2, under another name.
    fn set(id: &str) -> KeySet {
        let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
        let text = format!(r#"{{"keys": [{{"kty": "OKP", "crv": "Ed25519", "x": "{x}", "kid": "{id}"}}]}}"#);
        KeySet::parse(text.as_bytes()).unwrap_or_default()
    }

    struct Issuer {
        keys: Keys<&'static str>,
        answer: Arc<RwLock<Result<&'static str, &'static str>>>,
        fetches: Arc<AtomicUsize>,
        seconds: Arc<AtomicU64>,
    }

    impl Issuer {
        fn new() -> Self {
            let answer = Arc::new(RwLock::new(Ok("first")));
            let (fetches, seconds) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicU64::new(0)));
            let (now, source, count) = (Arc::clone(&seconds), Arc::clone(&answer), Arc::clone(&fetches));
            let fetch = move || {
                count.fetch_add(1, Ordering::SeqCst);
                let answer = *source.read().unwrap_or_else(PoisonError::into_inner);
                async move { answer.map(set) }
            };
            let keys = Keys::new(fetch, move || Duration::from_secs(now.load(Ordering::SeqCst)));
            Self { keys, answer, fetches, seconds }
        }

        fn answer(&self, answer: Result<&'static str, &'static str>) {
            *self.answer.write().unwrap_or_else(PoisonError::into_inner) = answer;
        }

        async fn find(&self, id: &str) -> String {
            match self.keys.find(id).await {
                Ok(_) => "found".to_owned(),
                Err(error) => format!("{error:?}"),
            }
        }

        fn pass(&self, seconds: u64) {
            self.seconds.fetch_add(seconds, Ordering::SeqCst);
        }

        fn fetches(&self) -> usize {
            self.fetches.load(Ordering::SeqCst)
        }
    }

    #[tokio::test]
    async fn an_unknown_key_is_fetched_once_in_ten_seconds() {
        let issuer = Issuer::new();
        assert_eq!(issuer.find("first").await, "found");
        assert_eq!(issuer.find("second").await, "Unknown");
        issuer.pass(9);
        assert_eq!(issuer.find("third").await, "Unknown");
        assert_eq!(issuer.fetches(), 1);
        issuer.pass(1);
        issuer.answer(Ok("second"));
        assert_eq!(issuer.find("second").await, "found");
        assert_eq!((issuer.fetches(), issuer.keys.generation()), (2, 1), "the first key was withdrawn");
    }

    #[tokio::test]
    async fn keys_are_kept_while_the_issuer_cannot_be_reached() {
        let issuer = Issuer::new();
        assert_eq!(issuer.find("first").await, "found");
        issuer.answer(Err("away"));
        issuer.pass(3600);
        assert_eq!(issuer.find("second").await, r#"Fetch("away")"#);
        assert_eq!(issuer.find("second").await, "Unavailable(1s)");
        assert_eq!(issuer.find("first").await, "found");
        assert_eq!(issuer.fetches(), 2, "a failed fetch is not repeated within a second");
        assert_eq!(issuer.keys.age(), Some(Duration::from_secs(3600)));
    }

    #[test]
    fn a_key_names_its_algorithm() {
        let text = r#"{"keys": [{"kty": "oct", "k": "c2VjcmV0", "kid": "secret"}, {"kid": "none"}]}"#;
        let set = KeySet::parse(text.as_bytes()).unwrap_or_default();
        assert!(set.find("secret").is_none() && set.find("none").is_none());
        assert!(!self::set("key").find("key").is_some_and(|key| key.verifies("HS256", b"message", "")));
    }
}
