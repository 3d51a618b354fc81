//! A network between services that a test can cut, stall and redirect.

use std::net::SocketAddr;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// A proxy to a server, with a fixed address.
pub struct Network {
    pub address: SocketAddr,
    state: watch::Sender<State>,
    /// True if data was held back since the network stalled.
    held: watch::Sender<bool>,
}

#[derive(Clone, Copy)]
struct State {
    target: SocketAddr,
    flow: Flow,
    cuts: usize,
}

#[derive(Clone, Copy, PartialEq)]
enum Flow {
    Open,
    /// Connections are accepted, but no data passes.
    Stalled,
    /// Connections are closed as soon as they are accepted.
    Down,
}

impl Network {
    pub async fn open(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (state, seen) = watch::channel(State { target, flow: Flow::Open, cuts: 0 });
        let held = watch::Sender::default();
        let holding = held.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if seen.borrow().flow != Flow::Down {
                    tokio::spawn(connect(client, seen.clone(), holding.clone()));
                }
            }
        });
        Self { address, state, held }
    }

    /// Closes every connection. New ones are accepted.
    pub fn cut(&self) {
        self.state.send_modify(|state| state.cuts += 1);
    }

    /// Closes every connection, including new ones.
    pub fn take_down(&self) {
        self.set(Flow::Down);
        self.cut();
    }

    /// Holds back all data.
    pub fn stall(&self) {
        self.held.send_replace(false);
        self.set(Flow::Stalled);
    }

    /// Waits until data is held back.
    pub async fn holds_data(&self) {
        self.held.subscribe().wait_for(|held| *held).await.unwrap();
    }

    /// Releases the data that was held back, and lets further data pass.
    pub fn restore(&self) {
        self.set(Flow::Open);
    }

    /// Connects new connections to another server.
    pub fn redirect_to(&self, target: SocketAddr) {
        self.state.send_modify(|state| state.target = target);
    }

    fn set(&self, flow: Flow) {
        self.state.send_modify(|state| state.flow = flow);
    }
}

async fn connect(client: TcpStream, state: watch::Receiver<State>, held: watch::Sender<bool>) {
    let State { target, cuts, .. } = *state.borrow();
    let Ok(server) = TcpStream::connect(target).await else { return };
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::select! {
        () = carry(from_client, to_server, state.clone(), &held) => {}
        () = carry(from_server, to_client, state.clone(), &held) => {}
        () = until_cut(state, cuts) => {}
    }
}

async fn until_cut(mut state: watch::Receiver<State>, cuts: usize) {
    let _ = state.wait_for(|state| state.cuts != cuts).await;
}

async fn carry(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut state: watch::Receiver<State>,
    held: &watch::Sender<bool>,
) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        if state.borrow().flow == Flow::Stalled {
            held.send_replace(true);
        }
        let open = state.wait_for(|state| state.flow == Flow::Open).await.is_ok();
        if !open || to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}
