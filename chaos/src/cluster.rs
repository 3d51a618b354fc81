//! The processes of a run: replicas of auth-graph on one database, client services with a database each, and the
//! proxies in front of them.

use std::error::Error;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;
use tokio::sync::Mutex;

use crate::database::Database;
use crate::program::{self, Program, free_address, sibling};
use crate::proxy::{Proxy, Treatment};
use crate::random::Random;
use crate::secrets::Secrets;

type Failure = Box<dyn Error + Send + Sync>;

/// The address of the superuser who acts as the administrator.
pub const ADMINISTRATOR: &str = "root@example.com";

/// The issuer of all tokens, whichever replica issues them. Nothing is sent there.
const ISSUER: &str = "http://auth.localhost";
/// Master secret of the replicas, which production requires on PostgreSQL.
const SECRET: &str = "K1t0Xo8mG3vZq6LwRj9sYc2bNfHe5uDpAiWx7kTQ4Vg=";

/// The size of a cluster.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// The number of replicas of auth-graph.
    pub replicas: usize,
    /// The number of client services.
    pub services: usize,
}

/// The running processes.
pub struct Cluster {
    /// The replicas of auth-graph.
    pub replicas: Vec<Replica>,
    /// The client services.
    pub services: Vec<Service>,
    /// The database of auth-graph.
    pub database: Database,
    /// The service client of the client services, as the members of a form.
    pub reader: String,
    folder: TempDir,
}

/// A replica with its proxies.
pub struct Replica {
    /// The process.
    pub program: Mutex<Program>,
    /// The address of the process itself.
    pub address: SocketAddr,
    /// The proxies, one for each treatment.
    pub proxies: [Proxy; 3],
}

/// A client service with its own way to auth-graph.
pub struct Service {
    /// The process.
    pub program: Mutex<Program>,
    /// The address of the process.
    pub address: SocketAddr,
    /// The proxy to all replicas.
    pub feed: Proxy,
    /// The database.
    pub database: Database,
}

impl Cluster {
    /// Creates the databases and the administrator, and starts all processes.
    ///
    /// # Errors
    /// When a program is missing or does not start, or there is no PostgreSQL.
    pub async fn start(size: Size, password: &str, secrets: &Secrets, random: &Random) -> Result<Self, Failure> {
        let server = std::env::var("TEST_DATABASE_URL")
            .map_err(|_| "there is no PostgreSQL: run this command with `scripts/with-postgres COMMAND`")?;
        let run = format!("chaos_{:08x}", Random::new(Random::fresh_seed()).next() >> 32);
        let folder = tempfile::Builder::new().prefix("chaos-").tempdir()?;
        let database = Database::create(&server, run.clone()).await?;
        let mut cluster = Self { replicas: Vec::new(), services: Vec::new(), database, reader: String::new(), folder };

        cluster.command_line(&["user", "create", ADMINISTRATOR, "--superuser"], Some(password))?;
        let scopes = ["--scope", "feed:read", "--scope", "users:read"];
        let created = cluster.command_line(&[&["client", "create", "services"], &scopes[..]].concat(), None)?;
        cluster.reader = created.lines().collect::<Vec<_>>().join("&");
        let member = |name: &str| -> Result<String, Failure> {
            let found = created.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
            Ok(found.ok_or("`client create` printed something unexpected")?.to_owned())
        };
        let (id, secret) = (member("client_id")?, member("client_secret")?);
        secrets.add("the secret of a service client", &secret);

        for number in 0..size.replicas {
            let address = free_address()?;
            let mut command = cluster.auth_graph()?;
            command.args(["serve", "--bind", &address.to_string()]);
            let log = cluster.folder().join(format!("replica-{number}.log"));
            let mut program = Program::new(command, address, log);
            program.start().await?;
            let random = random.fork(number as u64);
            let open = |treatment| Proxy::open(vec![address], treatment, random.clone());
            let proxies = [
                open(Treatment::Pass).await?,
                open(Treatment::LoseAnswer).await?,
                open(Treatment::DelayRequest).await?,
            ];
            cluster.replicas.push(Replica { program: Mutex::new(program), address, proxies });
        }
        let replicas: Vec<_> = cluster.replicas.iter().map(|replica| replica.address).collect();
        for number in 0..size.services {
            let address = free_address()?;
            let database = Database::create(&server, format!("{run}_{number}")).await?;
            let feed = Proxy::open(replicas.clone(), Treatment::Pass, random.clone()).await?;
            let mut command = Command::new(sibling("client-graph")?);
            let data = cluster.folder().join(format!("service-{number}"));
            command.args(["serve", "--bind", &address.to_string(), "--data-dir"]).arg(data);
            command.args(["--set", "profile=production", "--set", &format!("auth.issuer={ISSUER}")]);
            command.args(["--auth-url", &format!("http://{}", feed.address)]);
            command.env("CLIENT_GRAPH_DATABASE__URL", &database.url);
            command.env("CLIENT_GRAPH_AUTH__CLIENT_ID", &id).env("CLIENT_GRAPH_AUTH__CLIENT_SECRET", &secret);
            let log = cluster.folder().join(format!("service-{number}.log"));
            let mut program = Program::new(command, address, log);
            program.start().await?;
            cluster.services.push(Service { program: Mutex::new(program), address, feed, database });
        }
        Ok(cluster)
    }

    /// Runs a command of auth-graph beside the replicas, and returns its output.
    ///
    /// # Errors
    /// When the command fails.
    pub fn command_line(&self, arguments: &[&str], input: Option<&str>) -> Result<String, Failure> {
        program::run(self.auth_graph()?.args(arguments), input)
    }

    /// The folder with the logs.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Ends all processes and drops the databases.
    ///
    /// # Errors
    /// When there is no server any more.
    pub async fn end(self) -> Result<TempDir, Failure> {
        for replica in &self.replicas {
            replica.program.lock().await.kill();
        }
        for service in self.services {
            service.program.lock().await.kill();
            service.database.drop().await?;
        }
        self.database.drop().await?;
        Ok(self.folder)
    }

    fn auth_graph(&self) -> Result<Command, Failure> {
        let mut command = Command::new(sibling("auth-graph")?);
        command.env("AUTH_GRAPH_DATABASE__URL", &self.database.url).env("AUTH_GRAPH_SECRET", SECRET);
        let data = format!("data_dir={}", self.folder().join("auth-graph").display());
        for setting in [
            data.as_str(),
            "profile=production",
            &format!("server.public_url={ISSUER}"),
            // All users come from one address, and the faults make them repeat themselves.
            "limits.account_attempts=1000000",
            "limits.network_attempts=1000000",
            "limits.write_burst=1000000",
            // The cheapest hashes that are accepted.
            "passwords.memory_kib=7168",
            "passwords.iterations=5",
        ] {
            command.args(["--set", setting]);
        }
        Ok(command)
    }
}
