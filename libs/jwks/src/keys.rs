//! The keys of one issuer: looked up in memory, fetched when they are needed.
//!
//! A lookup of a known key never waits for the network. Parallel misses share one fetch. Unknown `kid`s cause few
//! fetches, so that invented identifiers cannot be used to flood the issuer: [`BURST`] at once, and then one in each
//! [`UNKNOWN_KEY_FLOOR`]. Only a key set that was requested after the lookup began proves that a key does not exist;
//! until such a fetch is allowed, the lookup ends with [`FindError::Unavailable`].

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use single_flight::{Flight, Flights, Interrupted};

use crate::key_set::{Key, KeySet};

/// A key set older than this is fetched again, while requests continue with the old one.
const MAX_AGE: Duration = Duration::from_secs(5 * 60);
/// Time after which one more fetch for an unknown key is allowed.
const UNKNOWN_KEY_FLOOR: Duration = Duration::from_secs(10);
/// Number of fetches for unknown keys that are allowed at once.
const BURST: u32 = 3;
/// Minimum time between a failed fetch and the next one.
const FAILURE_FLOOR: Duration = Duration::from_secs(1);
/// Number of withdrawn keys that are remembered.
const WITHDRAWN: usize = 32;

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
    /// Number of fetches that have begun.
    begun: AtomicU64,
    /// Number that grows when a key is withdrawn, so that tokens that were verified with it are verified again.
    generation: AtomicU64,
    flights: Flights<(), Result<(), E>>,
}

#[derive(Clone, Default)]
struct State {
    keys: KeySet,
    /// Number of the fetch that brought the keys; 0 before the first.
    fetch: u64,
    fetched_at: Option<Duration>,
    failed_at: Option<Duration>,
    /// Time at which every allowed fetch for unknown keys is available again.
    full_at: Duration,
    /// Identifiers of the keys that were withdrawn last.
    withdrawn: Vec<String>,
}

/// The reason for a fetch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reason {
    /// A key that is not in the set. The number of such fetches is limited.
    UnknownKey,
    /// The keys are old, or have changed at the issuer.
    Outdated,
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
            begun: AtomicU64::new(0),
            generation: AtomicU64::new(0),
            flights: Flights::default(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Returns the key with this `kid`.
    ///
    /// # Errors
    /// [`FindError::Unknown`] when the issuer has no such key; another error when the issuer cannot be asked.
    pub async fn find(&self, id: &str) -> Result<Arc<Key>, FindError<E>> {
        let begun = self.shared.begun();
        loop {
            let state = self.shared.state();
            if let Some(key) = state.keys.find(id) {
                let is_old = self.shared.since(state.fetched_at) > MAX_AGE;
                if is_old && self.shared.pause(&state, Reason::Outdated).is_none() {
                    // Dropping the handle leaves the fetch running.
                    drop(self.shared.join_fetch(Reason::Outdated, begun));
                }
                return Ok(key);
            }
            if state.fetch > begun {
                return Err(FindError::Unknown);
            }
            match self.shared.pause(&state, Reason::UnknownKey) {
                // Identifiers are not used again. The bearers of its tokens must not wait.
                Some(_) if state.withdrawn.iter().any(|withdrawn| withdrawn == id) => return Err(FindError::Unknown),
                Some(pause) => return Err(FindError::Unavailable(pause)),
                None => self.fetch(Reason::UnknownKey, begun).await?,
            }
        }
    }

    /// Fetches the keys because they have changed at the issuer. A fetch that began before this call does not count.
    ///
    /// # Errors
    /// When the issuer cannot be asked.
    pub async fn refresh(&self) -> Result<(), FindError<E>> {
        let begun = self.shared.begun();
        loop {
            let state = self.shared.state();
            if state.fetch > begun {
                return Ok(());
            }
            match self.shared.pause(&state, Reason::Outdated) {
                Some(pause) => return Err(FindError::Unavailable(pause)),
                None => self.fetch(Reason::Outdated, begun).await?,
            }
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

    /// Waits for the fetch that is running, or for a new one.
    async fn fetch(&self, reason: Reason, begun: u64) -> Result<(), FindError<E>> {
        let fetched = self.shared.join_fetch(reason, begun).await.map_err(FindError::Interrupted)?;
        fetched.map_err(FindError::Fetch)
    }
}

impl<E: Clone + Send + Sync + 'static> Shared<E> {
    fn join_fetch(self: &Arc<Self>, reason: Reason, begun: u64) -> Flight<Result<(), E>> {
        let shared = Arc::clone(self);
        self.flights.join((), || async move { shared.fetch(reason, begun).await })
    }
}

impl<E> Shared<E> {
    fn state(&self) -> Arc<State> {
        Arc::clone(&self.state.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn begun(&self) -> u64 {
        self.begun.load(Ordering::Acquire)
    }

    fn since(&self, moment: Option<Duration>) -> Duration {
        moment.map_or(Duration::MAX, |moment| (self.clock)().saturating_sub(moment))
    }

    /// Returns the time until a fetch is allowed, or `None` when it is allowed now.
    fn pause(&self, state: &State, reason: Reason) -> Option<Duration> {
        let after_failure = FAILURE_FLOOR.saturating_sub(self.since(state.failed_at));
        let pause = match reason {
            // Before the first fetch no key is known.
            Reason::UnknownKey if state.fetched_at.is_some() => {
                let spare = UNKNOWN_KEY_FLOOR * (BURST - 1);
                after_failure.max(state.full_at.saturating_sub((self.clock)() + spare))
            }
            _ => after_failure,
        };
        (!pause.is_zero()).then_some(pause)
    }

    /// Fetches the keys for a caller who came when this many fetches had begun.
    async fn fetch(&self, reason: Reason, begun: u64) -> Result<(), E> {
        // A caller may look up a key before a fetch ends and get here after it.
        let state = self.state();
        if state.fetch > begun || self.pause(&state, reason).is_some() {
            return Ok(());
        }
        let number = self.begun.fetch_add(1, Ordering::AcqRel) + 1;
        let outcome = (self.fetch)().await;
        let now = (self.clock)();
        let mut next = State::clone(&state);
        let (is_withdrawal, result) = match outcome {
            Ok(keys) => {
                let is_withdrawal = keys.lacks_one_of(&state.keys);
                next.withdrawn.extend(keys.missing_of(&state.keys));
                next.withdrawn.drain(..next.withdrawn.len().saturating_sub(WITHDRAWN));
                (next.keys, next.fetch, next.fetched_at, next.failed_at) = (keys, number, Some(now), None);
                if reason == Reason::UnknownKey {
                    next.full_at = next.full_at.max(now) + UNKNOWN_KEY_FLOOR;
                }
                (is_withdrawal, Ok(()))
            }
            Err(error) => {
                next.failed_at = Some(now);
                (false, Err(error))
            }
        };
        *self.state.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(next);
        if is_withdrawal {
            self.generation.fetch_add(1, Ordering::Release);
        }
        result
    }
}

impl<E> Clone for Keys<E> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
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
    async fn three_unknown_keys_are_fetched_at_once_and_then_one_in_ten_seconds() {
        let issuer = Issuer::new();
        assert_eq!(issuer.find("first").await, "found");
        assert_eq!(issuer.find("made-up-1").await, "Unknown");
        assert_eq!(issuer.find("made-up-2").await, "Unknown");
        assert_eq!(issuer.fetches(), 3);
        issuer.answer(Ok("second"));
        issuer.pass(3);
        assert_eq!(issuer.find("second").await, "Unavailable(7s)", "the token is not to blame");
        assert_eq!(issuer.fetches(), 3);
        issuer.pass(7);
        assert_eq!(issuer.find("second").await, "found");
        assert_eq!((issuer.fetches(), issuer.keys.generation()), (4, 1), "the first key was withdrawn");
        issuer.pass(3600);
        for number in 0..3 {
            assert_eq!(issuer.find(&format!("made-up-{number}")).await, "Unknown");
        }
        assert_eq!(issuer.find("made-up-3").await, "Unavailable(10s)");
    }

    #[tokio::test]
    async fn a_withdrawn_key_is_unknown_while_no_fetch_is_allowed() {
        let issuer = Issuer::new();
        assert_eq!(issuer.find("first").await, "found");
        issuer.answer(Ok("second"));
        for _ in 0..2 {
            assert_eq!(issuer.find("made-up").await, "Unknown");
        }
        assert_eq!(issuer.find("made-up").await, "Unavailable(10s)");
        assert_eq!(issuer.find("first").await, "Unknown");
        assert_eq!(issuer.fetches(), 3);
    }

    #[tokio::test]
    async fn keys_that_have_changed_are_fetched_at_once() {
        let issuer = Issuer::new();
        assert_eq!(issuer.find("first").await, "found");
        for _ in 0..2 {
            assert_eq!(issuer.find("made-up").await, "Unknown");
        }
        issuer.answer(Ok("second"));
        assert!(issuer.keys.refresh().await.is_ok());
        assert_eq!((issuer.find("second").await, issuer.fetches()), ("found".to_owned(), 4));
        issuer.answer(Err("away"));
        assert!(matches!(issuer.keys.refresh().await, Err(FindError::Fetch("away"))));
        assert!(matches!(issuer.keys.refresh().await, Err(FindError::Unavailable(_))));
        issuer.pass(1);
        issuer.answer(Ok("third"));
        assert!(issuer.keys.refresh().await.is_ok());
        assert_eq!(issuer.find("third").await, "found");
    }

    #[tokio::test]
    async fn a_key_set_that_was_requested_before_the_lookup_does_not_prove_that_a_key_is_missing() {
        let (ask, mut asked) = tokio::sync::mpsc::unbounded_channel();
        let fetch = move || {
            let (answer, answered) = tokio::sync::oneshot::channel::<&'static str>();
            ask.send(answer).ok();
            async move { answered.await.map(set).map_err(|_| "no answer") }
        };
        let keys = Keys::new(fetch, || Duration::ZERO);
        let (mut early, mut late) = (pin!(keys.find("first")), pin!(keys.find("second")));
        assert!(early.as_mut().now_or_never().is_none());
        let first = asked.recv().await.unwrap();
        assert!(late.as_mut().now_or_never().is_none());
        first.send("first").unwrap();
        assert!(early.await.is_ok());
        assert!(late.as_mut().now_or_never().is_none());
        asked.recv().await.unwrap().send("second").unwrap();
        assert!(late.await.is_ok());
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
