//! Single flight: callers that need the same result at the same time share one run of the work.
//!
//! Results are not kept. A call that arrives after the work has ended starts it again.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};

/// Result of a run that several callers may share.
pub type Flight<V> = Shared<BoxFuture<'static, Result<V, Interrupted>>>;

/// The runs that have not ended, by key.
pub struct Flights<K, V> {
    running: Arc<Mutex<HashMap<K, Flight<V>>>>,
}

/// The work panicked or was cancelled with its runtime.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the work ended without a result: {0}")]
pub struct Interrupted(Arc<str>);

impl<K, V> Default for Flights<K, V> {
    fn default() -> Self {
        Self { running: Arc::default() }
    }
}

impl<K: Clone + Eq + Hash + Send + 'static, V: Clone + Send + Sync + 'static> Flights<K, V> {
    /// Joins the run of this key, or starts one. The work runs in its own task, and is finished even if all callers are
    /// cancelled.
    pub fn join<F>(&self, key: K, start: impl FnOnce() -> F) -> Flight<V>
    where
        F: Future<Output = V> + Send + 'static,
    {
        let mut running = lock(&self.running);
        if let Some(flight) = running.get(&key) {
            return flight.clone();
        }
        let entry = Entry { key: key.clone(), running: Arc::clone(&self.running) };
        let work = start();
        let task = tokio::spawn(async move {
            let _entry = entry;
            work.await
        });
        let flight =
            task.map(|outcome| outcome.map_err(|error| Interrupted(error.to_string().into()))).boxed().shared();
        running.insert(key, flight.clone());
        flight
    }
}

/// Removes a run from the map when it ends, even by a panic.
struct Entry<K: Eq + Hash, V> {
    key: K,
    running: Arc<Mutex<HashMap<K, Flight<V>>>>,
}

impl<K: Eq + Hash, V> Drop for Entry<K, V> {
    fn drop(&mut self) {
        lock(&self.running).remove(&self.key);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn callers_at_the_same_time_share_one_run() {
        let (flights, runs) = (Flights::default(), Arc::new(AtomicUsize::new(0)));
        let join = || {
            let runs = Arc::clone(&runs);
            flights.join("key", || async move { runs.fetch_add(1, Ordering::SeqCst) })
        };
        let (first, second) = (join(), join());
        assert_eq!((first.await.ok(), second.await.ok()), (Some(0), Some(0)));
        assert_eq!(join().await.ok(), Some(1), "a result is not kept");
    }

    #[tokio::test]
    async fn a_panic_ends_the_run_for_all_callers() {
        let flights = Flights::<&str, ()>::default();
        let work = || async { assert!(std::hint::black_box(false), "the work is broken") };
        assert!(flights.join("key", work).await.is_err());
        assert!(flights.join("key", || async {}).await.is_ok(), "the next call starts a new run");
    }
}
