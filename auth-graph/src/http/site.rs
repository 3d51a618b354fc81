//! The state that the handlers share.

use axum::extract::FromRef;
use graphql_edge::Limits;

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
}

impl Site {
    /// # Errors
    /// [`Problems`] when the file of trusted documents cannot be used.
    pub(super) fn new(app: &App) -> Result<Self, Problems> {
        let limits = Limits { credential_fields: credential_fields(), ..Limits::default() };
        let settings = configuration::graphql(&app.config.graphql)?.trusting(own_documents());
        Ok(Self { app: app.clone(), edge: graphql_edge::Edge::configured(|| schema(app), limits, settings) })
    }
}

impl FromRef<Site> for App {
    fn from_ref(site: &Site) -> Self {
        site.app.clone()
    }
}
