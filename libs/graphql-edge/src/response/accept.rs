//! Selects the media type of a response by the `Accept` header (RFC 9110 section 12.5.1).

use axum::http::{HeaderMap, header::ACCEPT};
use errors::Code;

use super::{MediaType, Refusal};

/// Preference of the client for each available media type.
#[derive(Default)]
pub(crate) struct Accepted {
    events: Preference,
    json: Preference,
    graphql: Preference,
    /// True for a client that reads the results of a subscription as parts of one response.
    subscription_parts: bool,
}

impl Accepted {
    /// Reads the header.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let mut accepted = Self::default();
        // A range that is not text names no available media type, and an empty member of a list nothing at all
        // (RFC 9110 section 5.6.1.2).
        let mut is_empty = true;
        for value in headers.get_all(ACCEPT) {
            let value = String::from_utf8_lossy(value.as_bytes());
            for range in value.split(',').filter(|range| !range.trim().is_empty()) {
                is_empty = false;
                accepted.consider(range);
            }
        }
        if is_empty {
            accepted.consider("*/*");
        }
        accepted
    }

    fn consider(&mut self, range: &str) {
        let (essence, quality) = parse(range);
        self.subscription_parts |= quality > 0 && is_for_subscriptions(essence, range);
        self.events.consider("text/event-stream", essence, quality);
        self.json.consider("application/json", essence, quality);
        self.graphql.consider("application/graphql-response+json", essence, quality);
    }

    /// Returns the media type of the response. Without a preference it is JSON, which every client reads. A client that
    /// gives both the same weight gets the newer one, which it knows because it names it.
    pub(crate) fn media_type(&self) -> Result<MediaType, Refusal> {
        match (self.json.quality, self.graphql.quality) {
            (0, 0) => Err(Refusal::new(
                Code::NotAcceptable,
                "The response is application/graphql-response+json or application/json.",
            )),
            (one, other) if one > other => Ok(MediaType::Json),
            (one, other) if one < other => Ok(MediaType::GraphqlResponse),
            _ if self.graphql.precision == EXACT => Ok(MediaType::GraphqlResponse),
            _ => Ok(MediaType::Json),
        }
    }

    /// Returns whether the client reads the results of a subscription as parts of one response.
    pub(crate) fn takes_subscription_parts(&self) -> bool {
        self.subscription_parts
    }

    /// Returns whether the client prefers server-sent events to a single answer. Clients that accept both with the same
    /// weight want events for subscriptions only, so a tie is no preference.
    pub(crate) fn prefers_events(&self) -> bool {
        self.events.precision == EXACT && self.events.quality > self.json.quality.max(self.graphql.quality)
    }
}

/// Returns whether a media range is that of Apollo's protocol for subscriptions. Without its parameter, it is the one
/// for results in pieces (`@defer`).
fn is_for_subscriptions(essence: &str, range: &str) -> bool {
    essence.eq_ignore_ascii_case("multipart/mixed")
        && range.split(';').skip(1).filter_map(|parameter| parameter.split_once('=')).any(|(name, value)| {
            name.trim().eq_ignore_ascii_case("subscriptionSpec")
                && matches!(value.trim().trim_matches('"'), "1.0" | "1")
        })
}

/// Parses a media range and its weight.
fn parse(range: &str) -> (&str, u16) {
    let mut parts = range.split(';');
    (parts.next().unwrap_or_default().trim(), parts.find_map(quality).unwrap_or(1000))
}

/// Precision with which a media range names a media type.
const EXACT: u8 = 3;

/// Preference for a media type, by the range that names it most exactly.
#[derive(Default)]
struct Preference {
    precision: u8,
    quality: u16,
}

impl Preference {
    fn consider(&mut self, media_type: &str, range: &str, quality: u16) {
        let precision = if range.eq_ignore_ascii_case(media_type) {
            EXACT
        } else if range.eq_ignore_ascii_case("application/*") {
            2
        } else if range == "*/*" {
            1
        } else {
            return;
        };
        if (precision, quality) > (self.precision, self.quality) || precision > self.precision {
            *self = Self { precision, quality };
        }
    }
}

/// Parses the weight of a range in thousandths. An invalid weight counts as a missing one.
fn quality(parameter: &str) -> Option<u16> {
    let (name, value) = parameter.split_once('=')?;
    if !name.trim().eq_ignore_ascii_case("q") {
        return None;
    }
    let weight: f32 = value.trim().parse().unwrap_or(0.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it lies between 0 and 1000")]
    Some((weight.clamp(0.0, 1.0) * 1000.0) as u16)
}
