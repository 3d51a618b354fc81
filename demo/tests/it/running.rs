//! The binary, started on free ports and an empty folder.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A running demo; it is stopped when this is dropped.
pub struct Running {
    child: Child,
    pub auth_url: String,
    pub client_url: String,
    pub welcome: String,
}

impl Running {
    /// Starts the demo, and returns when it has printed where it is.
    pub fn start(folder: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_demo"))
            .args(["--auth-port", "0", "--client-port", "0", "--data-dir"])
            .arg(folder)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut welcome = String::new();
        while !welcome.contains("Ctrl-C") {
            welcome += &(lines.next().unwrap().unwrap() + "\n");
        }
        // Keeps the other end open, so that the last line has somewhere to go.
        std::thread::spawn(move || lines.count());
        let url = |service: &str| {
            let line = welcome.lines().find(|line| line.starts_with(service)).unwrap();
            line.split_whitespace().nth(1).unwrap().trim_end_matches('/').to_owned()
        };
        Self { auth_url: url("auth-graph"), client_url: url("client-graph"), welcome: welcome.clone(), child }
    }

    /// Presses Ctrl-C, and returns whether the demo has ended well.
    pub fn interrupt(mut self) -> bool {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
        self.child.wait().unwrap().success()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
