//! Giving an answer about an access token once more, as long as nothing has become of the token.

use std::sync::Arc;

use bytes::Bytes;

use crate::app::App;
use crate::caches::token_answers::{QuestionName, WrittenAnswer};
use crate::callers::{Principal, recheck};
use store::service_clients;

/// The text that answered this question before, if it would be the same now. It counts as a verification.
#[must_use]
pub fn find(app: &App, question: &QuestionName) -> Option<Bytes> {
    let answer = app.written_answers.find(question)?;
    let now = app.clock.now();
    if app.revocations.is_stale(now) {
        // The database may know more.
        return None;
    }
    let is_same = answer.asked_by.as_ref().is_none_or(|client| is_as_it_was(app, client));
    if !is_same || recheck(app, &Principal::of(answer.about), now).is_err() {
        app.written_answers.forget(question);
        return None;
    }
    app.metrics.verifications_active.increment(1);
    Some(answer.text)
}

/// Remembers what was answered about a good token. Nothing but the token may have been looked at, and the client that
/// asked.
pub fn remember(
    app: &App,
    question: QuestionName,
    about: &Principal,
    asked_by: Option<Arc<service_clients::Model>>,
    text: Bytes,
) {
    let about = about.checked();
    app.written_answers.remember(question, WrittenAnswer { about, asked_by, text });
}

/// Whether a client has not changed: what is known of clients is forgotten when they do.
fn is_as_it_was(app: &App, client: &Arc<service_clients::Model>) -> bool {
    app.known_clients.find(client.id).is_ok_and(|known| Arc::ptr_eq(&known, client))
}
