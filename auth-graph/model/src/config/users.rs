//! Users, as others see them.

use serde::Deserialize;

use crate::values::PublicFields;

/// Users, as others see them.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Users {
    /// Fields of every user that each signed-in caller may see.
    pub public_fields: PublicFields,
}
