//! The cached answers, by the names of their questions.

use std::fmt;

use aws_lc_rs::digest::{Context, SHA256};
use axum::http::header::{ACCEPT, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName};
use bytes::Bytes;
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use engine::verification::Basis;

/// Maximum memory of all answers, in bytes.
const MOST_BYTES: u64 = 8 * 1024 * 1024;
/// Memory of an answer in addition to its text, in bytes.
const OVERHEAD: u64 = 512;
/// Headers that the answer to a question depends on.
const HEADERS: [HeaderName; 4] = [ACCEPT, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE];

/// Name of a question: a digest of everything that its answer depends on, so that neither tokens nor secrets are
/// stored.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct QuestionName([u8; 32]);

impl QuestionName {
    /// Returns the name of the question that a request asks.
    pub(super) fn of(parts: &Parts, body: &[u8]) -> Self {
        let mut digest = Context::new(&SHA256);
        // Each part begins with its length, so that different lists of parts have different digests.
        let mut add = |part: &[u8]| {
            digest.update(&(part.len() as u64).to_le_bytes());
            digest.update(part);
        };
        add(parts.uri.path().as_bytes());
        for (place, name) in (0_u8..).zip(&HEADERS) {
            for value in parts.headers.get_all(name) {
                add(&[place]);
                add(value.as_bytes());
            }
        }
        add(body);
        Self(digest.finish().as_ref().try_into().expect("a digest of SHA-256 has 32 bytes"))
    }
}

/// An answer.
#[derive(Clone)]
pub(super) struct Answer {
    /// Token and client that the answer follows from.
    pub(super) basis: Basis,
    /// Headers of the response.
    pub(super) headers: HeaderMap,
    /// Body of the response.
    pub(super) text: Bytes,
}

/// All cached answers.
pub(super) struct Answers(Cache<QuestionName, Answer, ByLength>);

impl Default for Answers {
    fn default() -> Self {
        Self(Cache::with_weighter(10_000, MOST_BYTES, ByLength))
    }
}

impl fmt::Debug for Answers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Answers").field("len", &self.len()).finish()
    }
}

impl Answers {
    /// Returns the answer to a question.
    pub(super) fn find(&self, question: &QuestionName) -> Option<Answer> {
        self.0.get(question)
    }

    /// Inserts an answer.
    pub(super) fn remember(&self, question: QuestionName, answer: Answer) {
        self.0.insert(question, answer);
    }

    /// Removes an answer.
    pub(super) fn forget(&self, question: &QuestionName) {
        self.0.remove(question);
    }

    /// Returns the number of answers.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

/// Weighs an answer by the length of its text.
#[derive(Clone)]
struct ByLength;

impl Weighter<QuestionName, Answer> for ByLength {
    fn weight(&self, _question: &QuestionName, answer: &Answer) -> u64 {
        answer.text.len() as u64 + OVERHEAD
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    fn named(path: &str, headers: &[(&str, &str)], body: &str) -> QuestionName {
        let mut request = Request::post(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        QuestionName::of(&request.body(()).unwrap().into_parts().0, body.as_bytes())
    }

    #[test]
    fn questions_that_differ_anywhere_have_different_names() {
        let names = [
            named("/a", &[], "bc"),
            named("/ab", &[], "c"),
            named("/a", &[("accept", "b")], "c"),
            named("/a", &[("accept", "")], "bc"),
            named("/a", &[("content-type", "b")], "c"),
            named("/a", &[("authorization", "b")], "c"),
            named("/a", &[("authorization", "b"), ("authorization", "b")], "c"),
        ];
        for (place, name) in names.iter().enumerate() {
            assert!(!names[..place].contains(name), "{place}");
        }
        assert!(named("/a", &[("x-other", "1")], "bc") == names[0]);
    }
}
