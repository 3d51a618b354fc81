//! Asking a running service on this machine whether it is ready, for containers without an HTTP client.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Longest wait for the answer.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Largest answer in bytes.
const LARGEST: u64 = 64 * 1024;

/// Answer of a service to [`probe`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probed {
    /// True if the service is ready.
    pub is_ready: bool,
    /// Body of the answer, which names the parts that are missing.
    pub body: String,
}

/// Asks the service that listens at an address for `/readyz`. If it listens at all addresses, the loopback one is used.
///
/// # Errors
/// When nothing listens there, or the service does not answer within 5 seconds.
pub async fn probe(bind: SocketAddr) -> io::Result<Probed> {
    let address = reachable(bind);
    let asked = async {
        let mut stream = TcpStream::connect(address).await?;
        let request = format!("GET /readyz HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.take(LARGEST).read_to_end(&mut answer).await?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    };
    let about = |reason: &str| io::Error::other(format!("{address}: {reason}"));
    let answer = match tokio::time::timeout(TIMEOUT, asked).await {
        Ok(answer) => answer.map_err(|error: io::Error| about(&error.to_string()))?,
        Err(_) => return Err(about("no answer within 5 seconds")),
    };
    let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(|| about("the answer is not HTTP"))?;
    let status = head.split(' ').nth(1).unwrap_or_default();
    Ok(Probed { is_ready: status == "200", body: body.trim().to_owned() })
}

fn reachable(bind: SocketAddr) -> SocketAddr {
    let ip = match bind.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, bind.port())
}
