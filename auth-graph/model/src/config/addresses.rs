//! The name of the service, and the addresses of its paths and pages.

use super::Config;

impl Config {
    /// Returns the public address of a path that starts with a slash.
    #[must_use]
    pub fn url_of(&self, path: &str) -> String {
        format!("{}{path}", self.issuer().trim_end_matches('/'))
    }

    /// Returns the address of a page that a link in a mail leads to.
    #[must_use]
    pub fn page_url(&self, page: &str) -> String {
        match self.accounts.pages_url.trim_end_matches('/') {
            "" => self.url_of(page),
            pages => format!("{pages}{page}"),
        }
    }

    /// Returns the name of the service for people: the configured one, or else its address.
    #[must_use]
    pub fn service_name(&self) -> String {
        match self.mail.service_name.as_str() {
            "" => self.issuer(),
            name => name.to_owned(),
        }
    }

    /// Returns the address of the page that sends a link for a new password, or an empty text if a front end has its
    /// own pages, whose addresses are not known.
    #[must_use]
    pub fn request_reset_url(&self) -> String {
        if self.accounts.pages_url.is_empty() { self.url_of("/reset-password") } else { String::new() }
    }
}
