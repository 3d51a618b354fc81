//! A program that serves until it is told to stop: the demo, or one of the services by itself.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;

/// A running program; it is stopped when this is dropped.
pub struct Running {
    child: Child,
    /// What it has printed up to the line that was waited for.
    pub said: String,
    rest: Option<JoinHandle<String>>,
}

impl Running {
    /// Starts it, and returns when it has printed this on its standard output.
    pub fn start(command: &mut Command, awaited: &str) -> Self {
        // A group of its own can be sent what a terminal sends: to all that was started, not only to the first.
        let mut child = command.process_group(0).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut said = String::new();
        while !said.contains(awaited) {
            let line = lines.next().transpose().unwrap();
            assert!(line.is_some(), "{command:?} has ended: {said}");
            said += &(line.unwrap() + "\n");
        }
        // Keeps the other end open, so that what comes later has somewhere to go.
        let rest = std::thread::spawn(move || lines.map_while(Result::ok).collect::<Vec<_>>().join("\n"));
        Self { child, said, rest: Some(rest) }
    }

    /// Sends a signal to all that was started, and returns how it has ended and what it said at the end.
    pub fn end(mut self, signal: &str) -> (ExitStatus, String) {
        self.send(signal);
        let rest = self.rest.take().unwrap().join().unwrap();
        (self.child.wait().unwrap(), rest)
    }

    fn send(&self, signal: &str) {
        let group = format!("-{}", self.child.id());
        assert!(Command::new("kill").args(["-s", signal, "--", &group]).status().unwrap().success());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            self.send("KILL");
            let _ = self.child.wait();
        }
    }
}

/// The demo, on free ports.
pub struct Demo {
    running: Running,
    pub auth_url: String,
    pub client_url: String,
    pub welcome: String,
}

impl Demo {
    /// Starts the binary.
    pub fn start(folder: &Path) -> Self {
        Self::start_by(&mut Command::new(env!("CARGO_BIN_EXE_demo")), folder)
    }

    /// Starts it by this command, and returns when it has printed where it is.
    pub fn start_by(command: &mut Command, folder: &Path) -> Self {
        command.envs([("DEMO_AUTH_PORT", "0"), ("DEMO_CLIENT_PORT", "0")]).env("DEMO_DATA_DIR", folder);
        let running = Running::start(command, "Ctrl-C");
        let welcome = running.said.clone();
        let url = |service: &str| {
            let line = welcome.lines().find(|line| line.starts_with(service)).unwrap();
            line.split_whitespace().nth(1).unwrap().trim_end_matches('/').to_owned()
        };
        Self { auth_url: url("auth-graph"), client_url: url("client-graph"), welcome, running }
    }

    /// Presses Ctrl-C, and returns how it has ended and what it said at the end.
    pub fn interrupt(self) -> (ExitStatus, String) {
        self.running.end("INT")
    }
}
