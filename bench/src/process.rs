//! Servers in processes of their own: started on a free port of the loopback interface, and stopped when dropped.

use std::error::Error;
use std::fs::{self, File};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::http::BlockingConnection;
use crate::machine;

/// The time limit for a server's start and stop.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running server.
pub struct Server {
    /// The address that the server listens on.
    pub address: SocketAddr,
    /// The time from the start of the process until its first successful answer.
    pub started_within: Duration,
    child: Child,
}

impl Server {
    /// Starts a server and waits until it answers `probe` with 200. Its output goes to `log`.
    ///
    /// # Errors
    /// When the server cannot be started, ends, or does not answer in time.
    pub fn start(command: &mut Command, address: SocketAddr, probe: &[u8], log: &Path) -> Result<Self, Box<dyn Error>> {
        let said = File::options().create(true).append(true).open(log)?;
        command.stdin(Stdio::null()).stdout(said.try_clone()?).stderr(said);
        let started = Instant::now();
        let child = command.spawn().map_err(|error| failed(command, &error))?;
        let mut server = Self { address, started_within: Duration::ZERO, child };
        while !server.answers(probe) {
            if let Some(status) = server.child.try_wait()? {
                return Err(format!("a server ended with {status}: {}", fs::read_to_string(log)?).into());
            }
            if started.elapsed() > PATIENCE {
                return Err(format!("a server does not answer: {}", fs::read_to_string(log)?).into());
            }
            thread::sleep(Duration::from_millis(1));
        }
        server.started_within = started.elapsed();
        Ok(server)
    }

    /// Returns the identifier of the process.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Returns the processor time that its processes have used.
    #[must_use]
    pub fn processor_time(&self) -> Duration {
        machine::processor_time(self.id())
    }

    fn answers(&self, probe: &[u8]) -> bool {
        let asked = BlockingConnection::open(self.address)
            .and_then(|mut connection| connection.exchange(probe).map(|(status, _)| status));
        asked.is_ok_and(|status| status == 200)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(process) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            // The process may have ended already.
            let _ = kill_process(process, Signal::TERM);
        }
        let asked = Instant::now();
        while asked.elapsed() < PATIENCE {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            thread::sleep(Duration::from_millis(10));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Returns the message for a program that could not be run. The environment is left out, because it can hold secrets.
#[must_use]
pub fn failed(command: &Command, error: &io::Error) -> String {
    format!("{}: {error}", command.get_program().display())
}

/// Returns an unused address of the loopback interface.
///
/// # Errors
/// When no port is free.
pub fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind("127.0.0.1:0")?.local_addr()
}

/// Returns the path of a program that was built into the same folder as this one.
///
/// # Errors
/// When the program was not built.
pub fn sibling(name: &str) -> Result<PathBuf, Box<dyn Error>> {
    let path = std::env::current_exe()?.with_file_name(name);
    if path.is_file() { Ok(path) } else { Err(format!("{} is missing: `make bench` builds it", path.display()).into()) }
}

/// Returns the command that starts this program as the comparison server of the given subcommand.
///
/// # Errors
/// When the program's file no longer exists.
pub fn this_program(subcommand: &str, address: SocketAddr) -> io::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(subcommand).arg(address.to_string());
    Ok(command)
}
