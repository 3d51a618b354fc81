//! Answers about good access tokens, written out. Gateways and resource servers ask the same about one token again and
//! again, and the answer follows from the token: it is written once. Whether the token is still good is asked each
//! time, by `auth::answers`.

use std::sync::Arc;

use aws_lc_rs::digest::{Context, SHA256};
use bytes::Bytes;
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use credentials::access_tokens::CheckedToken;
use store::service_clients;

/// What all answers may take.
const MOST_BYTES: u64 = 8 * 1024 * 1024;
/// What one takes beside its text.
const OVERHEAD: u64 = 256;

/// Names a question by all that its answer depends on: two that differ anywhere have different names. A digest, so that
/// neither tokens nor secrets are kept.
#[derive(Clone)]
pub struct Question(Context);

impl Question {
    /// One of this kind, so far without parts.
    #[must_use]
    pub fn new(kind: &str) -> Self {
        Self(Context::new(&SHA256)).with(kind.as_bytes())
    }

    /// With one more part.
    #[must_use]
    pub fn with(mut self, part: &[u8]) -> Self {
        self.0.update(&(part.len() as u64).to_le_bytes());
        self.0.update(part);
        self
    }

    /// The name.
    #[must_use]
    pub fn name(self) -> QuestionName {
        QuestionName(self.0.finish().as_ref().try_into().expect("a digest of SHA-256 has 32 bytes"))
    }
}

/// The name of a question.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct QuestionName([u8; 32]);

/// An answer, and what it follows from.
#[derive(Clone, Debug)]
pub struct WrittenAnswer {
    /// The token that it is about.
    pub about: Arc<CheckedToken>,
    /// The client that had to prove itself to be told, as it was then.
    pub asked_by: Option<Arc<service_clients::Model>>,
    /// Its text.
    pub text: Bytes,
}

/// The answers.
#[derive(Debug)]
pub struct WrittenAnswers(Cache<QuestionName, WrittenAnswer, ByLength>);

impl Default for WrittenAnswers {
    fn default() -> Self {
        Self(Cache::with_weighter(10_000, MOST_BYTES, ByLength))
    }
}

impl WrittenAnswers {
    /// The answer that was given to a question.
    #[must_use]
    pub fn find(&self, question: &QuestionName) -> Option<WrittenAnswer> {
        self.0.get(question)
    }

    /// Remembers an answer.
    pub fn remember(&self, question: QuestionName, answer: WrittenAnswer) {
        self.0.insert(question, answer);
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Forgets an answer that is true no more.
    pub fn forget(&self, question: &QuestionName) {
        self.0.remove(question);
    }
}

/// Weighs an answer by its text.
#[derive(Clone, Debug)]
struct ByLength;

impl Weighter<QuestionName, WrittenAnswer> for ByLength {
    fn weight(&self, _question: &QuestionName, answer: &WrittenAnswer) -> u64 {
        answer.text.len() as u64 + OVERHEAD
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_do_not_run_into_each_other() {
        let names = [
            Question::new("a").with(b"bc").name(),
            Question::new("ab").with(b"c").name(),
            Question::new("a").with(b"b").with(b"c").name(),
            Question::new("a").with(b"").with(b"bc").name(),
        ];
        for (place, name) in names.iter().enumerate() {
            assert!(!names[..place].contains(name));
        }
    }
}
