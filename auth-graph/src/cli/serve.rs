//! The command `serve`.

use std::net::SocketAddr;

use clap::Args;
use secrecy::ExposeSecret;

use super::failure::Failure;
use crate::http::{self, Listeners};
use model::clock::Clock;
use model::config::Config;

#[derive(Debug, Args)]
pub(super) struct Options {
    /// Address and port to listen on.
    #[arg(long, value_name = "ADDRESS:PORT")]
    bind: Option<SocketAddr>,
    /// URL that clients use, which is also the issuer of tokens.
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// Folder of the embedded database and of the generated secret.
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<String>,
}

impl Options {
    pub(super) fn settings(&self) -> Vec<(String, String)> {
        let bind = self.bind.map(|bind| ("server.bind".to_owned(), bind.to_string()));
        let public_url = self.public_url.clone().map(|url| ("server.public_url".to_owned(), url));
        let data_dir = self.data_dir.clone().map(|folder| ("data_dir".to_owned(), folder));
        [bind, public_url, data_dir].into_iter().flatten().collect()
    }
}

pub(super) async fn run(mut config: Config) -> Result<(), Failure> {
    super::output::start_log(&config);
    for warning in config.warnings() {
        tracing::warn!(key = warning.key, "{}", warning.message);
    }
    let listeners = Listeners::bind(config.server.bind, config.server.internal_bind).await?;
    // With port 0 the system chooses a port, which the issuer must name.
    config.server.bind = listeners.public.local_addr()?;
    if config.database.url.expose_secret().is_empty() {
        tracing::info!(folder = %config.data_dir.display(), "the database and the generated secret are stored here");
    }
    let app = engine::boot(config, Clock::default()).await?;
    tracing::info!(address = %app.config.server.bind, url = app.config.issuer(), "auth-graph serves");
    if let Some(internal) = &listeners.internal {
        tracing::info!(address = %internal.local_addr()?, "metrics and readiness are answered here");
    }
    http::serve(app, listeners, serving::stop_signal()?).await?;
    Ok(())
}
