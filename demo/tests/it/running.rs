//! A program that serves until it is stopped: the demo, or one of the services.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;

/// A running program, which is stopped when this value is dropped.
pub struct Running {
    child: Child,
    /// Output up to the awaited line.
    pub said: String,
    rest: Option<JoinHandle<String>>,
}

impl Running {
    /// Starts a program, and returns when it has printed the awaited text on its standard output.
    pub fn start(command: &mut Command, awaited: &str) -> Self {
        // A process group of its own receives signals as from a terminal: all processes, not only the first.
        let mut child = command.process_group(0).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut said = String::new();
        while !said.contains(awaited) {
            let line = lines.next().transpose().unwrap();
            assert!(line.is_some(), "{command:?} has ended: {said}");
            said += &(line.unwrap() + "\n");
        }
        // Keeps reading, so that the program can continue to print.
        let rest = std::thread::spawn(move || lines.map_while(Result::ok).collect::<Vec<_>>().join("\n"));
        Self { child, said, rest: Some(rest) }
    }

    /// Sends a signal to all processes of the program, and returns its exit status and its last output.
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

/// The running demo, on free ports.
pub struct Demo {
    running: Running,
    pub auth_url: String,
    pub client_url: String,
    pub welcome: String,
}

impl Demo {
    /// Starts the binary of the demo.
    pub fn start(folder: &Path) -> Self {
        Self::start_by(&mut Command::new(env!("CARGO_BIN_EXE_demo")), folder)
    }

    /// Starts the demo with this command, and returns when it has printed its addresses.
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

    /// Sends the signal of Ctrl-C, and returns the exit status and the last output.
    pub fn interrupt(self) -> (ExitStatus, String) {
        self.running.end("INT")
    }
}
