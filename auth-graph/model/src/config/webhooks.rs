//! The section `[webhooks]`.

use std::time::Duration;

use chrono::TimeDelta;
use ipnet::IpNet;
use serde::Deserialize;
use settings::time_delta;

/// Webhooks, which notify other services of changes.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhooks {
    /// If true, endpoints may be on this machine, also with `http://`.
    pub allow_loopback: bool,
    /// Private networks that may have endpoints.
    #[serde(deserialize_with = "settings::networks")]
    pub allowed_networks: Vec<IpNet>,
    /// Time to wait for an answer.
    #[serde(with = "humantime_serde")]
    pub timeout: Duration,
    /// Time after which a delivery is given up.
    #[serde(deserialize_with = "time_delta")]
    pub give_up_after: TimeDelta,
    /// Time of uninterrupted failure after which an endpoint is disabled.
    #[serde(deserialize_with = "time_delta")]
    pub disable_after: TimeDelta,
    /// Time for which a replaced secret signs in addition to its successor.
    #[serde(deserialize_with = "time_delta")]
    pub secret_overlap: TimeDelta,
    /// Retention of completed and abandoned deliveries.
    #[serde(deserialize_with = "time_delta")]
    pub retention: TimeDelta,
}
