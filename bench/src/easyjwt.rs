//! The same load on django-easyjwt, the predecessor of this project: its authentication service and a client service,
//! each under gunicorn with 2 workers of 4 threads. `scripts/setup-bench` installs it.

use std::error::Error;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::Uuid;

use crate::auth_graph::PASSWORD;
use crate::http::{BlockingConnection, get, post};
use crate::load::Load;
use crate::machine::resident_with_children;
use crate::process::{Server, failed, free_address};

const EMAIL: &str = "user@example.com";

/// The running system.
pub struct EasyJwt {
    /// The authentication service.
    pub auth: Server,
    /// The client service.
    pub client: Server,
    /// The hasher and its cost, read from its database.
    pub hasher: String,
    access_token: String,
    _folder: TempDir,
}

impl EasyJwt {
    /// Starts the system on databases of its own, with one user.
    ///
    /// # Errors
    /// When the system is not installed, or does not start.
    pub fn start() -> Result<Self, Box<dyn Error>> {
        let folder = tempfile::tempdir()?;
        let key = [Uuid::new_v4(), Uuid::new_v4()].map(|part| part.simple().to_string());
        fs::write(folder.path().join("key"), key.concat())?;
        let (auth_address, client_address) = (free_address()?, free_address()?);
        let auth_settings = [
            ("DJANGO_SETTINGS_MODULE", "auth_settings".to_owned()),
            ("EMAIL", EMAIL.to_owned()),
            ("PASSWORD", PASSWORD.to_owned()),
        ];
        let client_settings =
            [("DJANGO_SETTINGS_MODULE", "client_settings".to_owned()), ("AUTH_URL", format!("http://{auth_address}"))];
        let python = |settings: &[(&'static str, String)]| {
            let mut command = program("python", folder.path(), settings);
            run(command.arg("prepare.py"))
        };
        let said = python(&auth_settings)?;
        python(&client_settings)?;
        let hasher = String::from_utf8_lossy(&said.stdout).trim().to_owned();

        let log = folder.path().join("log");
        let log_in = post(auth_address, "/auth/token/", &[], &credentials());
        let auth =
            Server::start(&mut gunicorn(folder.path(), &auth_settings, auth_address), auth_address, &log_in, &log)?;
        let mut connection = BlockingConnection::open(auth_address)?;
        let (_, body) = connection.exchange(&log_in)?;
        let access_token =
            serde_json::from_slice::<Value>(body)?["access"].as_str().ok_or("no access token")?.to_owned();
        let client = Server::start(
            &mut gunicorn(folder.path(), &client_settings, client_address),
            client_address,
            &protected(client_address, &access_token),
            &log,
        )?;
        Ok(Self { auth, client, hasher, access_token, _folder: folder })
    }

    /// Builds `POST /auth/token/verify/`.
    #[must_use]
    pub fn verify(&self, connections: usize) -> Load {
        let body = json!({ "token": self.access_token }).to_string();
        Load {
            address: self.auth.address,
            requests: [post(self.auth.address, "/auth/token/verify/", &[], &body)].into(),
            answer: "{}",
            connections,
        }
    }

    /// Builds `GET /api/test/` of a signed-in user at the client service.
    #[must_use]
    pub fn protected(&self, connections: usize) -> Load {
        Load {
            address: self.client.address,
            requests: [protected(self.client.address, &self.access_token)].into(),
            answer: "\"success\"",
            connections,
        }
    }

    /// Builds `POST /auth/token/`.
    #[must_use]
    pub fn log_in(&self, connections: usize) -> Load {
        Load {
            address: self.auth.address,
            requests: [post(self.auth.address, "/auth/token/", &[], &credentials())].into(),
            answer: r#"{"refresh":"#,
            connections,
        }
    }

    /// Returns the resident memory of both services, in MB.
    #[must_use]
    pub fn resident(&self) -> f64 {
        resident_with_children(self.auth.id()) + resident_with_children(self.client.id())
    }
}

/// Builds the request that only signed-in users may send, for this client service and for the one of this project.
#[must_use]
pub fn protected(address: SocketAddr, access_token: &str) -> Vec<u8> {
    let bearer = format!("Bearer {access_token}");
    get(address, "/api/test/", &[("authorization", &bearer)])
}

fn credentials() -> String {
    json!({ "email": EMAIL, "password": PASSWORD }).to_string()
}

fn gunicorn(data: &Path, settings: &[(&'static str, String)], address: SocketAddr) -> Command {
    let mut command = program("gunicorn", data, settings);
    let bind = address.to_string();
    command.args(["wsgi", "--bind", &bind, "--workers", "2", "--worker-class", "gthread", "--threads", "4"]);
    command.args(["--log-level", "warning", "--no-control-socket"]);
    command
}

fn program(name: &str, data: &Path, settings: &[(&'static str, String)]) -> Command {
    let home = home();
    let mut command = Command::new(home.join(".venv/bin").join(name));
    command.current_dir(home).env("EASYJWT_DATA", data).env("PYTHONDONTWRITEBYTECODE", "1");
    command.envs(settings.iter().map(|(key, value)| (key, value)));
    command
}

fn home() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("easyjwt")
}

fn run(command: &mut Command) -> Result<Output, Box<dyn Error>> {
    let output = command.output().map_err(|error| failed(command, &error))?;
    if output.status.success() { Ok(output) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned().into()) }
}
