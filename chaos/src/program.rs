//! A service as a process of its own, which can be killed, stopped, continued and started again at its address.

use std::error::Error;
use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// Longest start of a service on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A service, running or not.
pub struct Program {
    /// The address that it listens on.
    pub address: SocketAddr,
    /// The file with everything that it printed.
    pub log: PathBuf,
    command: Command,
    child: Option<Child>,
}

impl Program {
    /// Describes a service. Nothing is started yet.
    #[must_use]
    pub fn new(command: Command, address: SocketAddr, log: PathBuf) -> Self {
        Self { address, log, command, child: None }
    }

    /// Starts the process, and waits until it is ready. A process that ends, as it does if its connections to the
    /// database are cut while it starts, is started again, as a supervisor would do.
    ///
    /// # Errors
    /// When it cannot be started, or is not ready in time.
    pub async fn start(&mut self) -> Result<(), Box<dyn Error + Send + Sync>> {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if self.child.is_none() || self.has_ended() {
                let log = File::options().create(true).append(true).open(&self.log)?;
                self.command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
                self.child = Some(self.command.spawn()?);
            }
            if is_ready(self.address).await {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Err(format!("{} is not ready: see {}", self.address, self.log.display()).into())
    }

    /// Ends the process at once, as a failure of its machine would.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It may have ended already.
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Stops the process where it stands. Its connections stay open.
    pub fn stop(&self) {
        self.signal(Signal::STOP);
    }

    /// Continues a stopped process.
    pub fn go_on(&self) {
        self.signal(Signal::CONT);
    }

    fn has_ended(&mut self) -> bool {
        self.child.as_mut().is_some_and(|child| !matches!(child.try_wait(), Ok(None)))
    }

    fn signal(&self, signal: Signal) {
        let process = self.child.as_ref().and_then(|child| Pid::from_raw(i32::try_from(child.id()).ok()?));
        if let Some(process) = process {
            // It may have ended.
            let _ = kill_process(process, signal);
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Returns whether the service at this address says that it is ready.
pub async fn is_ready(address: SocketAddr) -> bool {
    let asked = reqwest::Client::new().get(format!("http://{address}/readyz")).timeout(Duration::from_secs(2));
    asked.send().await.is_ok_and(|answer| answer.status() == 200)
}

/// Returns the path of a program that was built into the same folder as this one.
///
/// # Errors
/// When the program was not built.
pub fn sibling(name: &str) -> Result<PathBuf, Box<dyn Error + Send + Sync>> {
    let here = std::env::current_exe()?;
    let path = here.with_file_name(name);
    if path.is_file() {
        return Ok(path);
    }
    Err(format!("{} is missing: build it with `cargo build --workspace --all-features`", path.display()).into())
}

/// Runs a command to its end, with one line of input, and returns its output.
///
/// # Errors
/// When it fails. The arguments are not repeated, because they can hold secrets.
pub fn run(command: &mut Command, input: Option<&str>) -> Result<String, Box<dyn Error + Send + Sync>> {
    use std::io::Write;
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let mut stdin = child.stdin.take();
    if let (Some(stdin), Some(line)) = (stdin.as_mut(), input) {
        writeln!(stdin, "{line}")?;
    }
    drop(stdin);
    let Output { status, stdout, stderr } = child.wait_with_output()?;
    if status.success() {
        return Ok(String::from_utf8(stdout)?);
    }
    let name = Path::new(command.get_program()).file_name().unwrap_or_default().display().to_string();
    Err(format!("{name} ended with {status}: {}", String::from_utf8_lossy(&stderr)).into())
}

/// Returns an unused address of the loopback interface.
///
/// # Errors
/// When no port is free.
pub fn free_address() -> std::io::Result<SocketAddr> {
    std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()
}
