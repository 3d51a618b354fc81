//! The faults of a run, drawn one after the other. Two series run at the same time: one about processes, the other
//! about connections and keys. Every fault ends by itself, and what it took away comes back.

use std::error::Error;
use std::fmt::{self, Display, Formatter};
use std::time::Duration;

use tokio::sync::watch;

use crate::calls::Calls;
use crate::cluster::Cluster;
use crate::history::Outcome;
use crate::random::Random;

type Failure = Box<dyn Error + Send + Sync>;

/// A fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A replica is killed, and started again after this time.
    KillReplica(usize, Duration),
    /// A replica stands still for this time.
    StopReplica(usize, Duration),
    /// A client service is killed, and started again after this time.
    KillService(usize, Duration),
    /// Every connection to the database of auth-graph is cut.
    CutDatabase,
    /// The database connections of a client service are cut.
    CutServiceDatabase(usize),
    /// The signing key is replaced at once.
    RotateKeys,
    /// Nothing passes between a client service and auth-graph for this time.
    HoldFeed(usize, Duration),
    /// The connections between a client service and auth-graph are closed.
    CutFeed(usize),
}

/// A series of faults.
#[derive(Clone, Copy, Debug)]
pub enum Series {
    /// Of processes.
    Processes,
    /// Of connections and keys.
    Connections,
}

impl Fault {
    /// Draws a fault of a series.
    pub fn draw(series: Series, replicas: usize, services: usize, random: &mut Random) -> Self {
        let (replica, service) = (random.below(replicas), random.below(services));
        let is_served = usize::from(services > 0);
        let (down, stopped, held) =
            (random.milliseconds(0..2_000), random.milliseconds(1_000..6_000), random.milliseconds(500..5_000));
        match series {
            Series::Processes => random.weighted(&[
                (Self::KillReplica(replica, down), 5),
                (Self::StopReplica(replica, stopped), 5),
                (Self::KillService(service, down), 3 * is_served),
            ]),
            Series::Connections => random.weighted(&[
                (Self::CutDatabase, 5),
                (Self::CutServiceDatabase(service), 2 * is_served),
                (Self::RotateKeys, 2),
                (Self::HoldFeed(service, held), 4 * is_served),
                (Self::CutFeed(service), 3 * is_served),
            ]),
        }
    }

    /// Makes it happen, and waits until what it took away is back.
    ///
    /// # Errors
    /// When a process does not start again.
    pub async fn happen(self, cluster: &Cluster) -> Result<(), Failure> {
        match self {
            Self::KillReplica(number, pause) => {
                let mut program = cluster.replicas[number].program.lock().await;
                program.kill();
                tokio::time::sleep(pause).await;
                program.start().await
            }
            Self::StopReplica(number, pause) => {
                let program = cluster.replicas[number].program.lock().await;
                program.stop();
                tokio::time::sleep(pause).await;
                program.go_on();
                Ok(())
            }
            Self::KillService(number, pause) => {
                let mut program = cluster.services[number].program.lock().await;
                program.kill();
                tokio::time::sleep(pause).await;
                program.start().await
            }
            Self::CutDatabase => cluster.database.cut_connections().await,
            Self::CutServiceDatabase(number) => cluster.services[number].database.cut_connections().await,
            // Its connection can be cut, or wait for a replica that stands still. Then nothing has happened.
            Self::RotateKeys => {
                let _ = cluster.command_line(&["keys", "rotate", "--now"], None);
                Ok(())
            }
            Self::HoldFeed(number, pause) => {
                cluster.services[number].feed.hold();
                tokio::time::sleep(pause).await;
                cluster.services[number].feed.release();
                Ok(())
            }
            Self::CutFeed(number) => {
                cluster.services[number].feed.cut();
                Ok(())
            }
        }
    }
}

/// Lets one fault of a series happen after the other, until the users have finished.
///
/// # Errors
/// When a process does not start again.
pub async fn torment(
    cluster: &Cluster,
    calls: &Calls,
    series: Series,
    mut random: Random,
    mut finished: watch::Receiver<bool>,
) -> Result<(), Failure> {
    loop {
        let pause = random.milliseconds(200..3_000);
        let fault = Fault::draw(series, cluster.replicas.len(), cluster.services.len(), &mut random);
        if tokio::time::timeout(pause, finished.wait_for(|finished| *finished)).await.is_ok() {
            return Ok(());
        }
        let start = calls.now();
        let result = fault.happen(cluster).await;
        let outcome = if result.is_ok() { Outcome::Done } else { Outcome::Cut };
        calls.record_fault(start, fault.to_string(), outcome);
        result?;
    }
}

impl Display for Fault {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::KillReplica(number, _) => write!(f, "replica {number} killed and started again"),
            Self::StopReplica(number, _) => write!(f, "replica {number} stopped and continued"),
            Self::KillService(number, _) => write!(f, "service {number} killed and started again"),
            Self::CutDatabase => write!(f, "all connections of auth-graph to its database cut"),
            Self::CutServiceDatabase(number) => write!(f, "all connections of service {number} to its database cut"),
            Self::RotateKeys => write!(f, "keys rotated"),
            Self::HoldFeed(number, _) => write!(f, "the way of service {number} to auth-graph held"),
            Self::CutFeed(number) => write!(f, "the way of service {number} to auth-graph cut"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_draws_the_same_faults_again_and_all_kinds_in_time() {
        let drawn = |series, services| {
            let mut random = Random::new(5);
            (0..80).map(|_| Fault::draw(series, 2, services, &mut random)).collect::<Vec<_>>()
        };
        let faults = [drawn(Series::Processes, 1), drawn(Series::Connections, 1)].concat();
        assert_eq!(faults, [drawn(Series::Processes, 1), drawn(Series::Connections, 1)].concat());
        let kinds: std::collections::HashSet<_> = faults.iter().map(std::mem::discriminant).collect();
        assert_eq!(kinds.len(), 8);
        let without_services = [drawn(Series::Processes, 0), drawn(Series::Connections, 0)].concat();
        assert!(!without_services.iter().any(|fault| fault.to_string().contains("service")));
    }
}
