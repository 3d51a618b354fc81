//! The real program as a process, on a free port.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};

use reqwest::Client;
use serde_json::{Value, json};

use super::{PASSWORD, operation};

/// A running auth-graph, which is stopped when this value is dropped.
pub struct Process {
    child: Child,
    url: String,
    http: Client,
    said: Receiver<String>,
}

impl Process {
    /// Starts the program, and returns when it serves.
    pub fn start(folder: &Path, database: Option<&str>) -> Self {
        Self::start_with(folder, database, &[])
    }

    /// Starts the program with further arguments, and returns when it serves.
    pub fn start_with(folder: &Path, database: Option<&str>, arguments: &[&str]) -> Self {
        let mut child = command(folder, database)
            .args(["serve", "--bind", "127.0.0.1:0", "--public-url", "http://auth.localhost"])
            .args(arguments)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let said = lines
            .find_map(|line| line.unwrap().split_once("auth-graph serves address=").map(|(_, rest)| rest.to_owned()));
        let said = said.expect("it serves");
        let (sender, said_later) = mpsc::channel();
        // Keeps reading even without a receiver, so that the program can continue to log.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(|line| drop(sender.send(line))));
        let url = format!("http://{}/graphql", said.split(' ').next().unwrap());
        Self { child, url, http: Client::new(), said: said_later }
    }

    /// Returns the address and port that it listens on.
    pub fn address(&self) -> &str {
        self.url.trim_start_matches("http://").trim_end_matches("/graphql")
    }

    /// Waits for a line with this mark, and returns the text after it.
    pub fn recv(&self, mark: &str) -> String {
        let found = self.said.iter().find_map(|line| line.split_once(mark).map(|(_, rest)| rest.to_owned()));
        found.expect(mark)
    }

    /// Sends an operation, and returns the whole answer.
    pub async fn send(&self, query: &str, variables: Value) -> Value {
        let body = json!({ "query": query, "variables": variables });
        self.http.post(&self.url).json(&body).send().await.unwrap().json().await.unwrap()
    }

    pub async fn login(&self, email: &str) -> Value {
        let input = json!({ "email": email, "password": PASSWORD });
        self.send(operation!("login"), json!({ "input": input })).await["data"]["login"].clone()
    }

    pub async fn refresh(&self, token: &Value) -> Value {
        self.send(operation!("refresh"), json!({ "refreshToken": token })).await
    }

    pub async fn logout(&self, token: &Value) -> Value {
        self.send(operation!("logout"), json!({ "refreshToken": token })).await
    }

    /// Returns the reason why the token is not valid, or null when it is.
    pub async fn refusal(&self, token: &Value) -> Value {
        let answer = self.send(operation!("verify"), json!({ "token": token })).await;
        assert!(answer["errors"].is_null(), "{answer}");
        answer["data"]["verify"]["reason"].clone()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Creates a user with the command line.
pub fn create_user(folder: &Path, database: Option<&str>, email: &str) {
    use std::io::Write;
    let mut command = command(folder, database);
    let mut child = command
        .args(["user", "create", email])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    writeln!(child.stdin.take().unwrap(), "{PASSWORD}").unwrap();
    assert!(child.wait().unwrap().success());
}

fn command(folder: &Path, database: Option<&str>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_auth-graph"));
    command.current_dir(folder).env_clear().envs(database.map(|url| ("AUTH_GRAPH_DATABASE__URL", url)));
    command
}
