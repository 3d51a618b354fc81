//! One secret or a list of them.

use secrecy::SecretString;
use serde::{Deserialize, Deserializer};

/// Deserializes a secret or a list of secrets. The error does not show the value, as that of serde would.
pub(super) fn one_or_many<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<SecretString>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "must be a list of secrets in base64")]
    enum OneOrMany {
        One(SecretString),
        Many(Vec<SecretString>),
    }
    OneOrMany::deserialize(deserializer).map(|found| match found {
        OneOrMany::One(secret) => vec![secret],
        OneOrMany::Many(secrets) => secrets,
    })
}
