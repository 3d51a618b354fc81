//! Addresses of pictures.

use std::str::FromStr;

use crate::error::Error;

/// `https://` address of a picture, which pages of other users load. It is stored in the metadata.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PictureUrl(String);

impl PictureUrl {
    #[must_use]
    pub fn into_string(self) -> String {
        self.0
    }
}

impl FromStr for PictureUrl {
    type Err = Error;

    /// # Errors
    /// [`Error::ValidationFailed`] when a page must not load the address.
    fn from_str(text: &str) -> Result<Self, Error> {
        let url = profile::parse_picture_url(text.trim());
        let rule = "must be https://, without user and password, and have at most 2048 characters";
        url.map(Self).ok_or_else(|| Error::invalid("pictureUrl", rule))
    }
}
