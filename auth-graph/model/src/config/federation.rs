//! `[federation]`: the schema for composition into a supergraph.

use std::str::FromStr;

use serde::Deserialize;

/// Schema for composition into a supergraph.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Federation {
    /// Part of the API that `_service` contains.
    pub part: Part,
    /// If true, `_service` contains the directives about access. Access is checked in either case.
    pub access_directives: bool,
}

/// Part of the API that a supergraph contains. Each part contains the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// `User`, `me` and `user`.
    Core,
    /// Also signing in, and what users do with their own accounts.
    Account,
    /// The whole API, with administration and the change feed.
    Full,
}

impl FromStr for Part {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "core" => Ok(Self::Core),
            "account" => Ok(Self::Account),
            "full" => Ok(Self::Full),
            _ => Err("must be core, account or full".to_owned()),
        }
    }
}
