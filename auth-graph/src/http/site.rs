//! The state that the handlers share.

use axum::extract::FromRef;
use graphql_edge::Limits;
use serving::{Admission, ConnectionLimits};

use crate::configuration;
use crate::graphql::{Mutation, Query, Subscription, credential_fields, own_documents, schema};
use engine::app::App;
use model::config::Problems;

/// The state that the handlers share.
#[derive(Clone)]
pub(super) struct Site {
    pub(super) app: App,
    /// GraphQL schema with its HTTP edge.
    pub(super) edge: graphql_edge::Edge<Query, Mutation, Subscription>,
    /// WebSockets whose caller is not known.
    pub(super) anonymous_sockets: Admission,
}

impl Site {
    /// # Errors
    /// [`Problems`] when the file of trusted documents cannot be used.
    pub(super) fn new(app: &App) -> Result<Self, Problems> {
        let server = &app.config.server;
        let limits = Limits {
            credential_fields: credential_fields(),
            anonymous_idle: server.anonymous_socket_idle,
            ..Limits::default()
        };
        let sockets = ConnectionLimits {
            all: server.max_connections,
            per_address: server.max_anonymous_sockets_per_address,
            exempt: Vec::new(),
        };
        let settings = configuration::graphql(&app.config)?.trusting(own_documents());
        let build = || schema(app, settings.introspection);
        let counting = app.clone();
        let edge = graphql_edge::Edge::configured(build, limits, settings.clone())
            .counting_errors(move |code| counting.metrics.count_graphql_error(code));
        let anonymous_sockets = Admission::new("an anonymous WebSocket", sockets);
        Ok(Self { app: app.clone(), edge, anonymous_sockets })
    }
}

impl FromRef<Site> for App {
    fn from_ref(site: &Site) -> Self {
        site.app.clone()
    }
}
