//! The public keys of auth-graph, fetched through the transport.

use std::sync::Arc;
use std::time::Duration;

use jwks::{FindError, Key, KeySet};
use reqwest::Url;
use reqwest::header::CACHE_CONTROL;

use super::Fault;
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
    /// `TOKEN_INVALID` when auth-graph has no such key, `UNAVAILABLE` when it cannot be asked now.
    pub(super) async fn find(&self, id: &str) -> Result<Arc<Key>, Fault> {
        self.keys.find(id).await.map_err(|failure| match failure {
            FindError::Unknown => Fault::UnknownKey(id.to_owned()),
            other => error(other).into(),
        })
    }

    /// Fetches the keys, which have changed at auth-graph.
    ///
    /// # Errors
    /// `UNAVAILABLE` when auth-graph cannot be asked now.
    pub(crate) async fn refresh(&self) -> Result<(), Error> {
        self.keys.refresh().await.map_err(error)
    }

    pub(super) fn generation(&self) -> u64 {
        self.keys.generation()
    }

    pub(crate) fn age(&self) -> Option<Duration> {
        self.keys.age()
    }
}

fn error(error: FindError<Error>) -> Error {
    match error {
        FindError::Unknown => Code::TokenInvalid.into(),
        FindError::Unavailable(retry_after) => Error::new(Code::Unavailable).with_retry_after(retry_after),
        FindError::Fetch(error) => error,
        FindError::Interrupted(interrupted) => Error::internal(interrupted),
    }
}

async fn fetch(url: &Url, remote: &Remote) -> Result<KeySet, Error> {
    // A cache between here and auth-graph would answer with the keys from before a change.
    let request = |http: &reqwest::Client| http.get(url.clone()).header(CACHE_CONTROL, "no-cache");
    let response = remote.transport.send(Repeat::Safe, request).await?;
    KeySet::read(response).await.map_err(Error::unavailable)
}
