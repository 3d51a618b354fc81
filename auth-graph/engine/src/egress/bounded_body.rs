//! The answers of services that the operator has named.

use reqwest::Response;

use model::error::{Error, Result};

/// The body of an answer, which may have so many bytes.
///
/// # Errors
/// [`Error::Unavailable`] when it is longer, or does not arrive.
pub(super) async fn read_at_most(mut answer: Response, longest: usize) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| Error::unavailable(error.without_url()))? {
        if body.len() + chunk.len() > longest {
            return Err(Error::unavailable("its answer is too long"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
