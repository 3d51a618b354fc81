//! The parts that handlers share.

use async_graphql::EmptySubscription;
use axum::extract::FromRef;
use graphql_edge::Limits;
use serving::{Admission, ConnectionLimits};

use crate::service::app::App;
use crate::service::config::Profile;
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
    /// WebSockets whose caller is not known.
    pub(super) anonymous_sockets: Admission,
}

impl Site {
    pub(super) fn new(app: &App) -> Self {
        let server = &app.config.server;
        let limits = Limits { anonymous_idle: server.anonymous_socket_idle, ..Limits::default() };
        let sockets = ConnectionLimits {
            all: server.max_connections,
            per_address: server.max_anonymous_sockets_per_address,
            exempt: Vec::new(),
        };
        let mut settings = app.config.graphql.clone().trusting(OPERATIONS);
        settings.introspection = settings.introspection.in_profile(app.config.profile == Profile::Production);
        let metrics = app.metrics.clone();
        let build = || schema(app, settings.introspection);
        let edge = Edge::configured(build, limits, settings.clone())
            .counting_errors(move |code| metrics.count_graphql_error(code));
        Self { app: app.clone(), edge, anonymous_sockets: Admission::new("an anonymous WebSocket", sockets) }
    }
}

impl FromRef<Site> for App {
    fn from_ref(site: &Site) -> Self {
        site.app.clone()
    }
}
