//! The parts of the service that requests need, built once.

use std::sync::Arc;

use sea_orm::DatabaseConnection;

use super::config::Config;
use super::cursors::Cursors;
use super::metrics::Metrics;
use crate::client::AuthGraph;
use crate::clock::Clock;

/// The parts of the service. Cheap to clone.
#[derive(Clone, Debug)]
pub struct App {
    /// Configuration.
    pub config: Arc<Config>,
    /// Connection to auth-graph.
    pub auth: AuthGraph,
    /// Clock.
    pub clock: Clock,
    pub(super) db: DatabaseConnection,
    pub(super) cursors: Arc<Cursors>,
    pub(super) metrics: Arc<Metrics>,
}
