//! Counts the queries of some work.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tracing::Subscriber;
use tracing::span::{Attributes, Id};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt};

/// Counts the spans that SeaORM opens for its statements.
#[derive(Clone, Default)]
struct Count(Arc<AtomicUsize>);

impl<S: Subscriber> Layer<S> for Count {
    fn on_new_span(&self, attributes: &Attributes<'_>, _: &Id, _: Context<'_, S>) {
        let (target, name) = (attributes.metadata().target(), attributes.metadata().name());
        if target.starts_with("sea_orm::driver") && ["execute", "query_one", "query_all"].contains(&name) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Runs a future in this thread, and returns its result with the number of queries.
pub async fn count_queries<T>(doing: impl Future<Output = T>) -> (T, usize) {
    let count = Count::default();
    let _guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(count.clone()));
    let done = doing.await;
    (done, count.0.load(Ordering::Relaxed))
}
