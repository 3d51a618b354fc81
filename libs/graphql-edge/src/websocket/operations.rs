//! The operations that run on one socket, by the identifiers that the client chose.

use std::{collections::HashMap, sync::Arc};

use futures_util::{
    Stream, StreamExt,
    stream::{self, AbortHandle, BoxStream, SelectAll},
};

use crate::stopping::Event;

/// A step of an operation, or its end.
type Step = (Arc<str>, Option<Event>);

#[derive(Default)]
pub(super) struct Operations {
    answers: SelectAll<BoxStream<'static, Step>>,
    running: HashMap<Arc<str>, AbortHandle>,
}

impl Operations {
    pub(super) fn len(&self) -> usize {
        self.running.len()
    }

    pub(super) fn contains(&self, id: &str) -> bool {
        self.running.contains_key(id)
    }

    pub(super) fn start(&mut self, id: &str, answers: impl Stream<Item = Event> + Send + 'static) {
        let id: Arc<str> = id.into();
        let (abort, registration) = AbortHandle::new_pair();
        self.running.insert(Arc::clone(&id), abort);
        let with_end = answers.map(Some).chain(stream::iter([None]));
        let named = with_end.map(move |answer| (Arc::clone(&id), answer));
        self.answers.push(stream::Abortable::new(named, registration).boxed());
    }

    /// Stops an operation, so that no further result of it follows.
    pub(super) fn stop(&mut self, id: &str) {
        if let Some(abort) = self.running.remove(id) {
            abort.abort();
        }
    }

    /// Returns the next step of any operation, or `None` if no operation is running.
    pub(super) async fn next(&mut self) -> Option<Step> {
        self.answers.next().await
    }
}
