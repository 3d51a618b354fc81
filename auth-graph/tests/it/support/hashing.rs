//! Blocks the thread that hashes passwords, so that a test knows which requests wait for it.

use std::pin::pin;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::task::{Context, Wake, Waker};

use engine::app::App;
use model::values::Password;

/// Blocks the single hashing thread of an app until it is dropped.
pub struct BusyHasher {
    _let_go: Sender<()>,
}

/// A waker that blocks the thread that calls it.
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
    /// Returns when the thread is blocked, and no request waits for it.
    pub fn of(app: &App) -> Self {
        let (let_go, is_let_go) = channel();
        let (is_kept, kept) = channel();
        let waker = Waker::from(Arc::new(Keeper { is_kept, let_go: Mutex::new(is_let_go) }));
        let password = Password::from("a password");
        loop {
            let mut hash = pin!(app.passwords.pool.hash(&password));
            // A future that is ready at the first poll wakes no task.
            if hash.as_mut().poll(&mut Context::from_waker(&waker)).is_pending() {
                kept.recv().unwrap();
                return Self { _let_go: let_go };
            }
        }
    }
}
