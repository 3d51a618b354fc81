//! Headers that may occur only once.

use http::header::AsHeaderName;
use http::{HeaderMap, HeaderValue};

/// A header that occurs more than once although it must not. Two readers could choose different values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repeated;

/// Returns the value of a header that may occur at most once.
///
/// # Errors
/// [`Repeated`] when it occurs more often.
pub fn single(headers: &HeaderMap, name: impl AsHeaderName) -> Result<Option<&HeaderValue>, Repeated> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (value, None) => Ok(value),
        (_, Some(_)) => Err(Repeated),
    }
}
