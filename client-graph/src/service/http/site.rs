//! The parts that handlers share.

use async_graphql::EmptySubscription;
use graphql_edge::Limits;

use crate::service::app::App;
use crate::service::graphql::{Mutation, Query, schema};

/// Documents of the playground and of the tests.
pub(super) const OPERATIONS: &[&str] = &[
    include_str!("../../../operations/whoami.graphql"),
    include_str!("../../../operations/notes.graphql"),
    include_str!("../../../operations/add_note.graphql"),
];

/// The schema with its GraphQL over HTTP.
type Edge = graphql_edge::Edge<Query, Mutation, EmptySubscription>;

#[derive(Clone)]
pub(super) struct Site {
    pub(super) app: App,
    pub(super) edge: Edge,
}

impl Site {
    pub(super) fn new(app: &App) -> Self {
        let edge = Edge::configured(|| schema(app), Limits::default(), app.config.graphql.clone().trusting(OPERATIONS));
        Self { app: app.clone(), edge }
    }
}
