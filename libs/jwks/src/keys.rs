//! The keys of one issuer: looked up in memory, fetched when they are needed.
//!
//! A lookup of a known key never waits for the network. Parallel misses share one fetch. Unknown `kid`s cause
//! [`UNKNOWN_KEY_BURST`] fetches at once and then one in each [`UNKNOWN_KEY_INTERVAL`], so that invented identifiers
//! cannot be used to flood the issuer. A key counts as unknown only after a fetch that began after the lookup: a key
//! that was put into use a moment ago is not refused.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use single_flight::{Flight, Flights, Interrupted};

use crate::key_set::{Key, KeySet};

/// A key set older than this is fetched again, while requests continue with the old one.
const MAX_AGE: Duration = Duration::from_secs(5 * 60);
/// Number of fetches for unknown keys at once.
const UNKNOWN_KEY_BURST: u32 = 5;
/// Time after which one more is allowed.
const UNKNOWN_KEY_INTERVAL: Duration = Duration::from_secs(10);
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
    /// The issuer cannot be asked now, so that the key may exist. Try again after this time.
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
    /// Beginning of the fetch of these keys.
    fetched_at: Option<Duration>,
    failed_at: Option<Duration>,
    /// Time at which all fetches so far have been paid for, each with one interval.
    paid_at: Duration,
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
        let asked_at = (self.shared.clock)();
        let fetched_since = move |state: &State| state.failed_at.is_none() && state.fetched_at >= Some(asked_at);
        // The first fetch may be one that another lookup began before the key was published.
        for _ in 0..2 {
            let state = self.shared.state();
            if let Some(key) = state.keys.find(id) {
                if self.shared.is_old(&state) && self.shared.wait(&state).is_none() {
                    let shared = Arc::clone(&self.shared);
                    // Dropping the handle leaves the fetch running.
                    drop(self.join_fetch(move |state| !shared.is_old(state)));
                }
                return Ok(key);
            }
            if fetched_since(&state) {
                return Err(FindError::Unknown);
            }
            if let Some(wait) = self.shared.wait(&state) {
                return Err(FindError::Unavailable(wait));
            }
            let wanted = id.to_owned();
            let needless = move |state: &State| state.keys.find(&wanted).is_some() || fetched_since(state);
            let fetched = self.join_fetch(needless).await.map_err(FindError::Interrupted)?;
            fetched.map_err(FindError::Fetch)?;
        }
        let state = self.shared.state();
        match state.keys.find(id) {
            Some(key) => Ok(key),
            None if fetched_since(&state) => Err(FindError::Unknown),
            None => Err(FindError::Unavailable(FAILURE_FLOOR)),
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

    /// Joins the fetch that is running, or begins one unless it has become needless.
    fn join_fetch(&self, needless: impl FnOnce(&State) -> bool + Send + 'static) -> Flight<Result<(), E>> {
        let shared = Arc::clone(&self.shared);
        self.shared.flights.join((), || async move { shared.fetch(needless).await })
    }
}

impl<E> Shared<E> {
    fn state(&self) -> Arc<State> {
        Arc::clone(&self.state.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn since(&self, moment: Option<Duration>) -> Duration {
        moment.map_or(Duration::MAX, |moment| (self.clock)().saturating_sub(moment))
    }

    fn is_old(&self, state: &State) -> bool {
        self.since(state.fetched_at) > MAX_AGE
    }

    /// Returns how long to wait before the next fetch; none if it may begin at once.
    fn wait(&self, state: &State) -> Option<Duration> {
        if self.since(state.failed_at) < FAILURE_FLOOR {
            return Some(FAILURE_FLOOR);
        }
        let ahead = state.paid_at.saturating_sub((self.clock)());
        let rest = ahead.saturating_sub(UNKNOWN_KEY_INTERVAL * (UNKNOWN_KEY_BURST - 1));
        Some(rest).filter(|rest| !rest.is_zero())
    }

    async fn fetch(&self, needless: impl FnOnce(&State) -> bool) -> Result<(), E> {
        // A caller may look up a key before a fetch ends and get here after it.
        let state = self.state();
        if needless(&state) || self.wait(&state).is_some() {
            return Ok(());
        }
        let begun = (self.clock)();
        let paid_at = state.paid_at.max(begun) + UNKNOWN_KEY_INTERVAL;
        let (next, result) = match (self.fetch)().await {
            Ok(keys) => {
                let withdrawn = keys.lacks_one_of(&state.keys);
                (State { keys, fetched_at: Some(begun), failed_at: None, paid_at }, Ok(withdrawn))
            }
            Err(error) => {
                let (keys, fetched_at) = (state.keys.clone(), state.fetched_at);
                (State { keys, fetched_at, failed_at: Some((self.clock)()), paid_at: state.paid_at }, Err(error))
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
    async fn unknown_keys_cause_five_fetches_and_then_one_in_ten_seconds() {
        let issuer = Issuer::new();
        assert_eq!(issuer.find("first").await, "found");
        assert_eq!(issuer.find("invented").await, "Unknown", "the keys are as new as the question");
        for fetches in 2..=5 {
            issuer.pass(1);
            assert_eq!(issuer.find("invented").await, "Unknown");
            assert_eq!(issuer.fetches(), fetches);
        }
        assert_eq!(issuer.find("first").await, "found");
        issuer.pass(1);
        assert_eq!(issuer.find("second").await, "Unavailable(5s)", "it may be a new key");
        assert_eq!(issuer.fetches(), 5);
        issuer.pass(5);
        issuer.answer(Ok("second"));
        assert_eq!(issuer.find("second").await, "found");
        assert_eq!((issuer.fetches(), issuer.keys.generation()), (6, 1), "the first key was withdrawn");
    }

    #[tokio::test]
    async fn a_key_that_is_put_into_use_right_after_a_fetch_is_found_at_once() {
        let issuer = Issuer::new();
        assert_eq!(issuer.find("first").await, "found");
        issuer.pass(1);
        issuer.answer(Ok("second"));
        assert_eq!(issuer.find("second").await, "found");
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
