//! A request that has arrived and was not read as GraphQL yet.

use axum::response::Response;
use bytes::Bytes;

use crate::response::{self, MediaType};

/// The body of a POST that says it is JSON and is not too large, and what its sender wants.
#[derive(Debug)]
pub struct Posted {
    pub(crate) body: Bytes,
    pub(crate) form: Form,
}

/// What an answer is sent as.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Form {
    /// At once.
    Whole(MediaType),
    /// As server-sent events.
    Events,
}

impl Form {
    /// How a refusal is sent.
    pub(crate) fn media_type(self) -> MediaType {
        match self {
            Self::Whole(media_type) => media_type,
            Self::Events => MediaType::Json,
        }
    }
}

impl Posted {
    /// The body.
    #[must_use]
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// The media type of the answer, where that is sent at once.
    #[must_use]
    pub fn media_type(&self) -> Option<&'static str> {
        match self.form {
            Form::Whole(media_type) => Some(media_type.as_str()),
            Form::Events => None,
        }
    }

    /// An answer to it that was written before, with the status 200.
    #[must_use]
    pub fn answered(&self, text: Bytes) -> Response {
        response::written(text, self.form.media_type())
    }
}
