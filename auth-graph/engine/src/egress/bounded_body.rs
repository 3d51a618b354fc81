//! Bodies of the services that the operator has configured.

use http_input::BodyError;
use reqwest::{Body, Response};

use model::error::{Error, Result};

/// Reads the body of a response, up to a number of bytes.
///
/// # Errors
/// [`Error::Unavailable`] when it is longer, or does not arrive.
pub(super) async fn read_at_most(response: Response, most: usize) -> Result<Vec<u8>> {
    match http_input::read_at_most(Body::from(response), most).await {
        Ok(body) => Ok(body.into()),
        Err(BodyError::Broken(error)) => Err(Error::unavailable(error.without_url())),
        Err(BodyError::TooLarge | BodyError::TimedOut) => Err(Error::unavailable("its answer is too long")),
    }
}
