//! A TCP proxy in front of a service, which treats its connections badly in one of several ways. Each connection
//! carries one request.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::random::Random;

/// The treatment of every connection of a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Treatment {
    /// Everything passes.
    Pass,
    /// The connection is closed as soon as the answer begins: the request was executed, and the client does not know.
    LoseAnswer,
    /// The request is delivered some time after the client has given it up.
    DelayRequest,
}

/// A running proxy.
pub struct Proxy {
    /// The address that clients connect to.
    pub address: SocketAddr,
    state: watch::Sender<State>,
    delayed: Arc<AtomicUsize>,
}

#[derive(Clone, Copy, Default)]
struct State {
    is_held: bool,
    cuts: usize,
}

impl Proxy {
    /// Starts a proxy to these servers. Each connection goes to the next one that can be reached.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn open(servers: Vec<SocketAddr>, treatment: Treatment, mut random: Random) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (state, seen) = watch::channel(State::default());
        let delayed = Arc::new(AtomicUsize::new(0));
        let pending = delayed.clone();
        tokio::spawn(async move {
            let mut turn = 0;
            while let Ok((client, _)) = listener.accept().await {
                turn += 1;
                let mut servers = servers.clone();
                let first = turn % servers.len();
                servers.rotate_left(first);
                match treatment {
                    Treatment::Pass => drop(tokio::spawn(pass(client, servers, seen.clone()))),
                    Treatment::LoseAnswer => drop(tokio::spawn(lose_answer(client, servers))),
                    Treatment::DelayRequest => {
                        let (delay, pending) = (random.milliseconds(100..5_000), pending.clone());
                        pending.fetch_add(1, Ordering::SeqCst);
                        tokio::spawn(async move {
                            delay_request(client, servers, delay).await;
                            pending.fetch_sub(1, Ordering::SeqCst);
                        });
                    }
                }
            }
        });
        Ok(Self { address, state, delayed })
    }

    /// Holds all data back. Connections stay open.
    pub fn hold(&self) {
        self.state.send_modify(|state| state.is_held = true);
    }

    /// Releases the data that was held back, and lets further data pass.
    pub fn release(&self) {
        self.state.send_modify(|state| state.is_held = false);
    }

    /// Closes every connection. New ones are accepted.
    pub fn cut(&self) {
        self.state.send_modify(|state| state.cuts += 1);
    }

    /// Returns whether a delayed request has not been delivered yet.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.delayed.load(Ordering::SeqCst) > 0
    }
}

async fn connect(servers: &[SocketAddr]) -> Option<TcpStream> {
    for server in servers {
        if let Ok(stream) = TcpStream::connect(server).await {
            return Some(stream);
        }
    }
    None
}

async fn pass(client: TcpStream, servers: Vec<SocketAddr>, state: watch::Receiver<State>) {
    let cuts = state.borrow().cuts;
    let Some(server) = connect(&servers).await else { return };
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let cut = state.clone();
    tokio::select! {
        () = carry(from_client, to_server, state.clone()) => {}
        () = carry(from_server, to_client, state) => {}
        () = until_cut(cut, cuts) => {}
    }
}

async fn until_cut(mut state: watch::Receiver<State>, cuts: usize) {
    // An error means that the proxy was dropped, which cuts everything too.
    let _ = state.wait_for(|state| state.cuts != cuts).await;
}

async fn carry(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, mut state: watch::Receiver<State>) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        let open = state.wait_for(|state| !state.is_held).await.is_ok();
        if !open || to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}

async fn lose_answer(client: TcpStream, servers: Vec<SocketAddr>) {
    let Some(server) = connect(&servers).await else { return };
    let (mut from_client, _to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let mut beginning = [0; 1];
    tokio::select! {
        _ = tokio::io::copy(&mut from_client, &mut to_server) => {}
        _ = from_server.read(&mut beginning) => {}
    }
}

async fn delay_request(mut client: TcpStream, servers: Vec<SocketAddr>, delay: Duration) {
    let mut request = Vec::new();
    // The client closes its connection when it gives up. An error is an end too.
    let _ = client.read_to_end(&mut request).await;
    drop(client);
    tokio::time::sleep(delay).await;
    let Some(mut server) = connect(&servers).await else { return };
    if server.write_all(&request).await.is_ok() {
        let answer = server.read(&mut request);
        // A server that was stopped may need a while.
        let _ = tokio::time::timeout(Duration::from_secs(10), answer).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Starts a server that answers each connection with what it was sent, and counts the requests.
    async fn echo() -> (SocketAddr, watch::Receiver<usize>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (count, seen) = watch::channel(0);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = [0; 16];
                let length = stream.read(&mut request).await.unwrap();
                count.send_modify(|count| *count += 1);
                let _ = stream.write_all(&request[..length]).await;
            }
        });
        (address, seen)
    }

    async fn send(proxy: &Proxy) -> TcpStream {
        let mut client = TcpStream::connect(proxy.address).await.unwrap();
        client.write_all(b"request").await.unwrap();
        client
    }

    async fn answer(mut client: TcpStream) -> Vec<u8> {
        let mut answer = Vec::new();
        let _ = client.read_to_end(&mut answer).await;
        answer
    }

    #[tokio::test]
    async fn a_proxy_passes_answers_and_loses_those_that_it_should() {
        let (server, count) = echo().await;
        for (treatment, expected) in [(Treatment::Pass, &b"request"[..]), (Treatment::LoseAnswer, b"")] {
            let proxy = Proxy::open(vec![server], treatment, Random::new(1)).await.unwrap();
            assert_eq!(answer(send(&proxy).await).await, expected, "{treatment:?}");
        }
        assert_eq!(*count.borrow(), 2, "both requests were executed");
    }

    #[tokio::test]
    async fn a_delayed_request_is_executed_after_its_client_has_gone() {
        let (server, mut count) = echo().await;
        let proxy = Proxy::open(vec![server], Treatment::DelayRequest, Random::new(1)).await.unwrap();
        let client = send(&proxy).await;
        assert_eq!(*count.borrow(), 0);
        drop(client);
        count.wait_for(|count| *count == 1).await.unwrap();
    }

    #[tokio::test]
    async fn a_held_proxy_passes_nothing_until_it_is_released() {
        let (server, mut count) = echo().await;
        let proxy = Proxy::open(vec![server], Treatment::Pass, Random::new(1)).await.unwrap();
        proxy.hold();
        let client = send(&proxy).await;
        assert_eq!(*count.borrow(), 0);
        proxy.release();
        count.wait_for(|count| *count == 1).await.unwrap();
        assert_eq!(answer(client).await, b"request");
    }
}
