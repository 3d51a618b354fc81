//! The measured auth-graph: the real program with its production defaults, a database of its own and users who have
//! signed in.

use std::error::Error;
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use client_graph::{AuthGraph, Credentials, SignIn};
use secrecy::{ExposeSecret, SecretString};
use tempfile::TempDir;

use crate::http::post;
use crate::process::{Server, free_address, sibling};

/// The password of every user in the benchmark.
pub const PASSWORD: &str = "long enough for a benchmark";

/// The number of users.
pub const USERS: usize = 16;
const TOKENS: usize = 1_000;

/// The database and configuration of an auth-graph, kept so that it can be started again.
pub struct Installation {
    program: PathBuf,
    folder: TempDir,
    address: SocketAddr,
}

impl Installation {
    /// Creates a database with users.
    ///
    /// # Errors
    /// When a user cannot be created.
    pub fn create() -> Result<Self, Box<dyn Error>> {
        let installation =
            Self { program: sibling("auth-graph")?, folder: tempfile::tempdir()?, address: free_address()? };
        for number in 0..USERS {
            installation.create_user(&email(number))?;
        }
        Ok(installation)
    }

    /// Starts the service.
    ///
    /// # Errors
    /// When the service does not start.
    pub fn start(&self) -> Result<Server, Box<dyn Error>> {
        let bind = self.address.to_string();
        let probe = post(self.address, "/graphql", &[], r#"{"query":"{ __typename }"}"#);
        let mut command = self.command(&["serve", "--bind", &bind]);
        // Limits must not slow a measurement down, and one token lasts for the whole run.
        for setting in [
            "tokens.access_lifetime=1h",
            "tokens.sessions_per_user=100000",
            "limits.account_attempts=1000000",
            "limits.network_attempts=1000000",
        ] {
            command.args(["--set", setting]);
        }
        Server::start(&mut command, self.address, &probe, &self.log())
    }

    /// The address of the service, which is also the issuer of its tokens.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The file that receives the output of the servers.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.folder().join("log")
    }

    /// The folder, removed at the end.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn create_user(&self, email: &str) -> Result<(), Box<dyn Error>> {
        let mut command = self.command(&["user", "create", email]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
        let mut stdin = child.stdin.take().expect("the pipe was requested");
        writeln!(stdin, "{PASSWORD}")?;
        drop(stdin);
        let output = child.wait_with_output()?;
        if output.status.success() {
            Ok(())
        } else {
            Err(format!("the user {email} cannot be created: {}", String::from_utf8_lossy(&output.stderr)).into())
        }
    }

    /// Creates a service client and returns its credentials as the members of a form.
    ///
    /// # Errors
    /// When the client cannot be created.
    pub fn create_client(&self) -> Result<String, Box<dyn Error>> {
        let output = self.command(&["client", "create", "bench"]).stderr(Stdio::piped()).output()?;
        if !output.status.success() {
            return Err(format!("no client: {}", String::from_utf8_lossy(&output.stderr)).into());
        }
        Ok(String::from_utf8(output.stdout)?.lines().collect::<Vec<_>>().join("&"))
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(arguments);
        for (key, value) in self.settings() {
            command.args(["--set", &format!("{key}={value}")]);
        }
        command
    }

    /// The configuration of the service.
    #[must_use]
    pub fn settings(&self) -> Vec<(String, String)> {
        let data = self.folder().join("data").display().to_string();
        let settings = [("profile", "production".to_owned()), ("data_dir", data), ("server.public_url", self.url())];
        settings.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
    }
}

/// The email address of a user.
#[must_use]
pub fn email(number: usize) -> String {
    format!("user-{}@example.com", number % USERS)
}

/// Returns a thousand different access tokens: the users sign in, and refresh repeatedly.
///
/// # Errors
/// When the service rejects a request.
pub fn access_tokens(url: &str) -> Result<Vec<String>, Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let auth = AuthGraph::builder(url).audience("graph").build()?;
        let mut tokens = Vec::with_capacity(TOKENS);
        for number in 0..USERS {
            let credentials = Credentials { email: email(number), password: SecretString::from(PASSWORD), scope: None };
            let SignIn::TokenPair(mut pair) = auth.login(credentials).await? else {
                return Err("a second factor was requested".into());
            };
            while tokens.len() * USERS < TOKENS * (number + 1) {
                tokens.push(pair.access_token.expose_secret().to_owned());
                let refresh_token = pair.refresh_token.take().ok_or("no refresh token")?;
                *pair = auth.refresh(refresh_token).await?;
            }
        }
        Ok(tokens)
    })
}
