//! The device that a request comes from.

use std::net::IpAddr;

/// The network address, the user agent and the request identifier of a caller.
#[derive(Clone, Debug, Default)]
pub struct Device {
    /// Network address of the client.
    pub address: Option<IpAddr>,
    /// User agent, as the client states it.
    pub user_agent: Option<String>,
    /// Identifier of the request, which the log contains too.
    pub request_id: Option<String>,
}
