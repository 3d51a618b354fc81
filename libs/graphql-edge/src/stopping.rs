//! The stop of the service, for operations that would not end by themselves. Their clients must not take it for the end
//! of the subscription: they would never come back.

use async_graphql::Response;
use futures_util::{Stream, StreamExt, stream};
use tokio::sync::watch;

use crate::response::Stage;

/// A step of an operation.
#[expect(clippy::large_enum_variant, reason = "it lives for one step, and nearly always holds the larger one")]
pub(crate) enum Event {
    /// A result, with the stage that the operation reached.
    Answer(Response, Stage),
    /// The service stops before the end of the operation. Nothing follows.
    Stopped,
}

/// Whether the service stops.
#[derive(Default)]
pub(crate) struct Stopping(watch::Sender<bool>);

impl Stopping {
    pub(crate) fn stop(&self) {
        self.0.send_replace(true);
    }

    /// Waits for the stop. A service that is dropped without one does not stop.
    pub(crate) fn wait(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut stops = self.0.subscribe();
        async move {
            if stops.wait_for(|stops| *stops).await.is_err() {
                std::future::pending().await
            }
        }
    }

    /// Ends a stream of answers when the service stops.
    pub(crate) fn interrupt<A>(&self, answers: A) -> impl Stream<Item = Event> + Send + use<A>
    where
        A: Stream<Item = Event> + Send + 'static,
    {
        let running = (answers.boxed(), Box::pin(self.wait()));
        stream::unfold(Some(running), async |running| {
            let (mut answers, mut stop) = running?;
            tokio::select! {
                biased;
                () = &mut stop => Some((Event::Stopped, None)),
                answer = answers.next() => answer.map(|answer| (answer, Some((answers, stop)))),
            }
        })
    }
}
