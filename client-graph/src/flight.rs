//! Single flight: callers that want the same thing at the same time share one doing of it.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};

use crate::error::Error;

type Running<V> = Shared<BoxFuture<'static, Result<V, Error>>>;

/// What is being done now, by key.
pub(crate) struct Flights<K, V> {
    running: Arc<Mutex<HashMap<K, Running<V>>>>,
}

impl<K, V> Default for Flights<K, V> {
    fn default() -> Self {
        Self { running: Arc::default() }
    }
}

impl<K: Clone + Eq + Hash + Send + 'static, V: Clone + Send + Sync + 'static> Flights<K, V> {
    /// Joins what runs under this key, or starts it. It runs in a task of its own: a caller that goes away does not
    /// take it along.
    pub(crate) fn join<F>(&self, key: K, start: impl FnOnce() -> F) -> Running<V>
    where
        F: Future<Output = Result<V, Error>> + Send + 'static,
    {
        let mut running = lock(&self.running);
        if let Some(flight) = running.get(&key) {
            return flight.clone();
        }
        let landing = Landing { key: key.clone(), running: Arc::clone(&self.running) };
        let work = start();
        let task = tokio::spawn(async move {
            let _landing = landing;
            work.await
        });
        let flight =
            task.map(|outcome| outcome.unwrap_or_else(|failure| Err(Error::internal(failure)))).boxed().shared();
        running.insert(key, flight.clone());
        flight
    }
}

/// Takes the flight off the list when it ends, by a panic too.
struct Landing<K: Eq + Hash, V> {
    key: K,
    running: Arc<Mutex<HashMap<K, Running<V>>>>,
}

impl<K: Eq + Hash, V> Drop for Landing<K, V> {
    fn drop(&mut self) {
        lock(&self.running).remove(&self.key);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
