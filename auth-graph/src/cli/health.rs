//! The command `health`.

use std::io;
use std::net::SocketAddr;

use clap::Args;

use super::failure::Failure;
use model::config::Config;

#[derive(Debug, Args)]
pub(super) struct Options {
    /// Address and port of the service. Default: server.internal_bind of the configuration, or server.bind.
    #[arg(long, value_name = "ADDRESS:PORT")]
    address: Option<SocketAddr>,
}

pub(super) async fn run(config: &Config, options: Options) -> Result<(), Failure> {
    let configured = config.server.internal_bind.unwrap_or(config.server.bind);
    let probed = serving::probe(options.address.unwrap_or(configured)).await?;
    match probed.is_ready {
        true => Ok(print_line!("{}", probed.body)?),
        false => Err(io::Error::other(format!("the service is not ready: {}", probed.body)).into()),
    }
}
