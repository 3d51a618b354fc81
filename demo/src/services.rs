//! Both services in one process, each with its own socket, database and configuration.

use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use auth_graph::http;
use client_graph::service;
use secrecy::ExposeSecret;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::{reader, users};

/// Fields of others that every signed-in user sees: both services show the same.
const PUBLIC_FIELDS: &str = "displayName,pictureUrl";

/// The running services.
pub(crate) struct Services {
    /// The address of auth-graph.
    pub(crate) auth_url: String,
    /// The address of client-graph.
    pub(crate) client_url: String,
    stop: watch::Sender<bool>,
    running: JoinSet<Result<(), Box<dyn Error + Send + Sync>>>,
}

impl Services {
    /// Starts both services, and creates the users that do not exist yet.
    pub(crate) async fn start(
        data_dir: &Path,
        auth_port: u16,
        client_port: u16,
    ) -> Result<Self, Box<dyn Error + Send + Sync>> {
        let (stop, stopped) = watch::channel(false);
        let mut running = JoinSet::new();

        let auth_listener = serving::listen(loopback(auth_port)).await?;
        let auth_address = auth_listener.local_addr()?;
        let auth_url = format!("http://{auth_address}");
        let client_listener = serving::listen(loopback(client_port)).await?;
        let client_address = client_listener.local_addr()?;
        let client_url = format!("http://{client_address}");
        let config = auth_graph::configuration::load(&settings::Sources {
            flags: settings(&[
                ("profile", "demo"),
                ("server.bind", &auth_address.to_string()),
                // client-graph forwards sign-ins with the address of the user.
                ("server.trusted_proxies", "[\"127.0.0.1/32\"]"),
                // The pages of client-graph use the cookie to refresh, through its proxy.
                ("server.allowed_origins", &format!("[\"{client_url}\"]")),
                ("users.public_fields", PUBLIC_FIELDS),
                ("data_dir", &data_dir.join("auth-graph").to_string_lossy()),
                ("log.filter", "warn"),
            ]),
            environment: settings::environment_of_process(),
            ..Default::default()
        })?;
        serving::log_to_stderr(&config.log.filter, serving::Format::Text);
        let auth_app = engine::boot(config, Default::default()).await?;
        users::create(&auth_app).await?;
        let reader = reader::register(&auth_app).await?;
        let auth_stop = when(stopped.clone());
        running.spawn(async { Ok(http::serve(auth_app, auth_listener, auth_stop).await?) });

        let config = service::Config::load(&settings::Sources {
            flags: settings(&[
                ("profile", "demo"),
                ("server.bind", &client_address.to_string()),
                ("auth.url", &auth_url),
                ("auth.client_id", &reader.client.id.to_string()),
                ("auth.client_secret", reader.secret.expose_secret()),
                ("users.public_fields", PUBLIC_FIELDS),
                ("data_dir", &data_dir.join("client-graph").to_string_lossy()),
                ("log.filter", "warn"),
            ]),
            environment: settings::environment_of_process(),
            ..Default::default()
        })?;
        let client_app = service::App::boot(config, Default::default()).await?;
        running.spawn(async {
            service::serve(client_app, client_listener, when(stopped)).await;
            Ok(())
        });

        Ok(Self { auth_url, client_url, stop, running })
    }

    /// Stops both services after their running requests.
    pub(crate) async fn stop(mut self) -> Result<(), Box<dyn Error + Send + Sync>> {
        self.stop.send_replace(true);
        while let Some(ended) = self.running.join_next().await {
            ended??;
        }
        Ok(())
    }
}

/// Waits until the value is true.
async fn when(mut value: watch::Receiver<bool>) {
    // An error means that the sender was dropped, which ends the wait too.
    let _ = value.wait_for(|value| *value).await;
}

fn loopback(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

fn settings(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}
