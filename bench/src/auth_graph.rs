//! The auth-graph that is measured: the real program with its defaults for production, on a database of its own, with
//! users who have signed in.

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

/// The password of every user here.
pub const PASSWORD: &str = "long enough for a benchmark";

const USERS: usize = 16;
const TOKENS: usize = 1_000;

/// Where an auth-graph keeps what it knows, so that it can be started again.
pub struct Installation {
    program: PathBuf,
    folder: TempDir,
    address: SocketAddr,
}

impl Installation {
    /// Makes a database with users.
    ///
    /// # Errors
    /// When a user can not be made.
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
    /// When it does not start.
    pub fn start(&self) -> Result<Server, Box<dyn Error>> {
        let bind = self.address.to_string();
        let probe = post(self.address, "/graphql", &[], r#"{"query":"{ __typename }"}"#);
        let mut command = self.command(&["serve", "--bind", &bind]);
        // Nobody who measures is to be slowed down, and one token lasts for the whole run.
        for setting in
            ["tokens.access_lifetime=1h", "limits.account_attempts=1000000", "limits.network_attempts=1000000"]
        {
            command.args(["--set", setting]);
        }
        Server::start(&mut command, self.address, &probe, &self.log())
    }

    /// The address that the service is reached at, and the issuer of its tokens.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where servers may write what they say.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.folder().join("log")
    }

    /// A folder that is removed in the end.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn create_user(&self, email: &str) -> Result<(), Box<dyn Error>> {
        let mut command = self.command(&["user", "create", email]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
        let mut stdin = child.stdin.take().expect("it was asked for");
        writeln!(stdin, "{PASSWORD}")?;
        drop(stdin);
        let output = child.wait_with_output()?;
        if output.status.success() {
            Ok(())
        } else {
            Err(format!("the user {email} can not be made: {}", String::from_utf8_lossy(&output.stderr)).into())
        }
    }

    /// Makes a service client, and gives its credentials as the members of a form.
    ///
    /// # Errors
    /// When it can not be made.
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

    /// What is configured.
    #[must_use]
    pub fn settings(&self) -> Vec<(String, String)> {
        let data = self.folder().join("data").display().to_string();
        let settings = [("profile", "production".to_owned()), ("data_dir", data), ("server.public_url", self.url())];
        settings.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
    }
}

/// The address of a user.
#[must_use]
pub fn email(number: usize) -> String {
    format!("user-{}@example.com", number % USERS)
}

/// A thousand access tokens, each of its own: the users sign in, and refresh again and again.
///
/// # Errors
/// When the service refuses.
pub fn access_tokens(url: &str) -> Result<Vec<String>, Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let auth = AuthGraph::builder(url).audience("graph").build()?;
        let mut tokens = Vec::with_capacity(TOKENS);
        for number in 0..USERS {
            let credentials = Credentials { email: email(number), password: SecretString::from(PASSWORD), scope: None };
            let SignIn::TokenPair(mut pair) = auth.login(credentials).await? else {
                return Err("a second factor was asked for".into());
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
