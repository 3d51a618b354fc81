//! Asking a service whether a password is known from a breach, without telling it the password: it is sent the first
//! five digits of the hash and answers with all hashes that begin so, as Have I Been Pwned does (k-anonymity).

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use reqwest::{Client, StatusCode};
use secrecy::{ExposeSecret, SecretString};

use super::bounded_body::read_at_most;
use super::client::{Reach, client};
use model::config;
use model::error::{Error, Result};

/// Number of characters of the hash that are sent.
const TOLD: usize = 5;
/// With padding an answer has 1,000 lines of about 40 bytes; one that is much longer is none.
const LONGEST_ANSWER: usize = 1024 * 1024;

/// A service that knows passwords from breaches.
#[derive(Debug)]
pub struct BreachedPasswords {
    url: String,
    http: Client,
}

impl BreachedPasswords {
    /// The service that is configured, if there is one.
    ///
    /// # Errors
    /// When no TLS can be set up.
    pub fn new(config: &config::Passwords) -> Result<Option<Self>> {
        if config.breached_url.is_empty() {
            return Ok(None);
        }
        let http = client(config.breached_timeout, Reach::Configured)?;
        Ok(Some(Self { url: config.breached_url.trim_end_matches('/').to_owned(), http }))
    }

    /// Returns whether the service knows a password.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when it does not answer in time, or not as it should.
    pub async fn contains(&self, password: &SecretString) -> Result<bool> {
        let hash = sha1(password);
        let (told, kept) = hash.split_at(TOLD);
        let request = self.http.get(format!("{}/{told}", self.url)).header("Add-Padding", "true");
        let answer = request.send().await.map_err(|error| Error::unavailable(error.without_url()))?;
        if answer.status() != StatusCode::OK {
            return Err(Error::unavailable(format!("it answered {}", answer.status())));
        }
        let text = read_at_most(answer, LONGEST_ANSWER).await?;
        Ok(String::from_utf8_lossy(&text).lines().any(|line| names(line, kept)))
    }
}

/// The SHA-1 of a password in hexadecimal, as lists of breached passwords have it.
pub(crate) fn sha1(password: &SecretString) -> String {
    let hash = digest(&SHA1_FOR_LEGACY_USE_ONLY, password.expose_secret().as_bytes());
    hash.as_ref().iter().map(|byte| format!("{byte:02X}")).collect()
}

/// Returns whether a line is of this hash. Padding is of hashes that were seen 0 times.
fn names(line: &str, hash: &str) -> bool {
    line.split_once(':').is_some_and(|(found, times)| found.eq_ignore_ascii_case(hash) && times.trim() != "0")
}
