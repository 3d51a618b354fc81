//! Keeping the thread that hashes passwords from its work, so that a test knows who waits for it.

use std::pin::pin;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::task::{Context, Wake, Waker};

use engine::app::App;
use secrecy::SecretString;

/// The one thread of an app does nothing until this is dropped.
pub struct BusyHasher {
    _let_go: Sender<()>,
}

/// The thread wakes whoever waited for a hash, and does not come back from that.
struct Keeper {
    is_kept: Sender<()>,
    let_go: Mutex<Receiver<()>>,
}

impl Wake for Keeper {
    fn wake(self: Arc<Self>) {
        let _ = self.is_kept.send(());
        let _ = self.let_go.lock().unwrap().recv();
    }
}

impl BusyHasher {
    /// Returns when the thread is kept; nobody waits for it by then.
    pub fn of(app: &App) -> Self {
        let (let_go, is_let_go) = channel();
        let (is_kept, kept) = channel();
        let waker = Waker::from(Arc::new(Keeper { is_kept, let_go: Mutex::new(is_let_go) }));
        let password = SecretString::from("a password");
        loop {
            let mut hash = pin!(app.passwords.pool.hash(&password));
            // Nobody is woken for what is ready at the first look.
            if hash.as_mut().poll(&mut Context::from_waker(&waker)).is_pending() {
                kept.recv().unwrap();
                return Self { _let_go: let_go };
            }
        }
    }
}
