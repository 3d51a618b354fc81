//! The keys follow the feed: they are fetched again when auth-graph reports that they have changed, so that the tokens
//! of a withdrawn key are refused here as soon as the report arrives.

use std::time::Duration;

use tokio::time::timeout;

use super::follower::Follower;
use crate::outage::Outage;
use crate::retry::Backoff;

/// Time until the keys are fetched a second time. Behind a load balancer, the first answer may come from a replica of
/// auth-graph that has not read the change yet.
const SECOND_LOOK: Duration = Duration::from_secs(2);

/// Fetches the keys after each change, without end.
pub(super) async fn keep(follower: Follower) {
    let changed = &follower.feed.keys_changed;
    loop {
        changed.notified().await;
        fetch(&follower).await;
        if timeout(SECOND_LOOK, changed.notified()).await.is_ok() {
            changed.notify_one();
        } else {
            fetch(&follower).await;
        }
    }
}

/// Fetches the keys, and tries again until that succeeds.
async fn fetch(follower: &Follower) {
    let outage = Outage::new("changed keys cannot be fetched", "the changed keys were fetched");
    let mut backoff = Backoff::default();
    while let Err(error) = follower.keys.refresh().await {
        outage.failed(&error);
        backoff.pause().await;
    }
    outage.recovered();
    follower.feed.moved();
}
