//! Starts the service: from its configuration to an [`App`].

use std::error::Error as StdError;
use std::sync::Arc;

use super::app::App;
use super::config::Config;
use super::cursors::Cursors;
use super::{database, graphql};
use crate::client::AuthGraph;
use crate::clock::Clock;
use crate::mirror::Mirror;

impl App {
    /// Opens and migrates the database and builds the other parts. auth-graph need not be reachable yet.
    ///
    /// # Errors
    /// When the secret or the database cannot be opened, or the connection to auth-graph is not configured correctly.
    pub async fn boot(config: Config, clock: Clock) -> Result<Self, Box<dyn StdError + Send + Sync>> {
        graphql::check_rules()?;
        let secret = config.master_secret()?;
        let db = database::connect(&config).await?;
        database::migrate(&db).await?;
        let settings = &config.auth;
        let mut auth = AuthGraph::builder(&settings.url)
            .audience(&settings.audience)
            .verification(settings.verification.into())
            .leeway(settings.leeway)
            .mirror(Mirror::new(db.clone()))
            .clock(clock.clone());
        if !settings.issuer.is_empty() {
            auth = auth.issuer(&settings.issuer);
        }
        if !settings.jwks_url.is_empty() {
            auth = auth.jwks_url(&settings.jwks_url);
        }
        if settings.allow_insecure_http {
            auth = auth.allow_insecure_http();
        }
        if !settings.client_id.is_empty() {
            auth = auth.service_client(&settings.client_id, settings.client_secret.clone());
        }
        Ok(Self {
            auth: auth.build()?,
            clock,
            db,
            cursors: Arc::new(Cursors::new(secret.as_bytes())),
            metrics: Arc::default(),
            config: Arc::new(config),
        })
    }
}
