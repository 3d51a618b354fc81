//! The public keys of auth-graph, fetched through the transport.

use std::sync::Arc;
use std::time::Duration;

use jwks::{FindError, Key, KeySet};
use reqwest::Url;

use crate::clock::Clock;
use crate::error::{Code, Error};
use crate::operations::{Remote, Repeat};
use crate::outage::Outage;

/// The public keys of auth-graph.
#[derive(Clone)]
pub(crate) struct Keys {
    keys: jwks::Keys<Error>,
}

impl Keys {
    pub(crate) fn new(url: Url, remote: Arc<Remote>, clock: Clock) -> Self {
        let outage =
            Outage::new("the keys of auth-graph cannot be fetched", "the keys of auth-graph can be fetched again");
        let source = Arc::new((url, remote, outage));
        let fetch = move || {
            let source = Arc::clone(&source);
            async move {
                let (url, remote, outage) = &*source;
                let outcome = fetch(url, remote).await;
                match &outcome {
                    Ok(_) => outage.recovered(),
                    Err(error) => outage.failed(error),
                }
                outcome
            }
        };
        Self { keys: jwks::Keys::new(fetch, move || clock.elapsed()) }
    }

    /// Returns the key with this `kid`.
    ///
    /// # Errors
    /// `TOKEN_INVALID` when auth-graph has no such key, `UNAVAILABLE` when it cannot be asked.
    pub(super) async fn find(&self, id: &str) -> Result<Arc<Key>, Error> {
        self.keys.find(id).await.map_err(|error| match error {
            FindError::Unknown => Code::TokenInvalid.into(),
            FindError::Unavailable(retry_after) => Error::new(Code::Unavailable).with_retry_after(retry_after),
            FindError::Fetch(error) => error,
            FindError::Interrupted(interrupted) => Error::internal(interrupted),
        })
    }

    pub(super) fn generation(&self) -> u64 {
        self.keys.generation()
    }

    pub(super) fn age(&self) -> Option<Duration> {
        self.keys.age()
    }
}

async fn fetch(url: &Url, remote: &Remote) -> Result<KeySet, Error> {
    let response = remote.transport.send(Repeat::Safe, |http| http.get(url.clone())).await?;
    KeySet::read(response).await.map_err(Error::unavailable)
}
