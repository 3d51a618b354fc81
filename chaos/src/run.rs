//! One run, from the start of the processes to the report.

use std::collections::HashMap;
use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use secrecy::SecretString;
use tokio::sync::watch;

use crate::administrator::Administrator;
use crate::calls::{Addresses, Calls};
use crate::cluster::{ADMINISTRATOR, Cluster, Size};
use crate::ending;
use crate::faults::{Series, torment};
use crate::finding::Finding;
use crate::history::{Act, Event, History, Outcome};
use crate::invariants;
use crate::observed::Observed;
use crate::random::Random;
use crate::secrets::Secrets;
use crate::users::{Length, User};

type Failure = Box<dyn Error + Send + Sync>;

/// Number of access tokens of ended sessions that are tried everywhere at the end.
const ENDED_TOKENS: usize = 60;

/// What a run does.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// The seed that the plan is drawn from.
    pub seed: u64,
    /// The number of processes.
    pub size: Size,
    /// The number of users.
    pub users: usize,
    /// The end of the users' work: a number of steps of each, or a time.
    pub work: Work,
}

/// How much the users do.
#[derive(Clone, Copy, Debug)]
pub enum Work {
    /// This many steps each.
    Steps(usize),
    /// As many as they can for this time.
    For(Duration),
}

/// The outcome of a run.
pub struct Report {
    /// What happened, in one line.
    pub summary: String,
    /// What broke an invariant, by its name.
    pub findings: Vec<(&'static str, Finding)>,
    /// The folder with the logs, if it was kept.
    pub logs: Option<std::path::PathBuf>,
}

/// Runs a plan.
///
/// # Errors
/// When a process cannot be started, or the end cannot be read.
pub async fn run(plan: Plan) -> Result<Report, Failure> {
    let random = Random::new(plan.seed);
    let secrets = Arc::new(Secrets::default());
    let password = format!("{:016x}", random.fork(1).next());
    secrets.add("a password", &password);
    let cluster = Cluster::start(plan.size, &password, &secrets, &random.fork(2)).await?;
    let result = run_in(&cluster, plan, random, secrets, password.into()).await;
    let logs = cluster.end().await?;
    let (history, observed) = match result {
        Ok(found) => found,
        Err(failure) => return Err(format!("{failure} (logs: {})", logs.keep().display()).into()),
    };
    let mut findings = Vec::new();
    for (name, check) in invariants::ALL {
        findings.extend(check(&history, &observed).into_iter().map(|finding| (name, finding)));
    }
    let logs = (!findings.is_empty()).then(|| logs.keep());
    Ok(Report { summary: summary(&history, &observed), findings, logs })
}

async fn run_in(
    cluster: &Cluster,
    plan: Plan,
    random: Random,
    secrets: Arc<Secrets>,
    password: SecretString,
) -> Result<(History, Observed), Failure> {
    let addresses = Addresses {
        replicas: cluster
            .replicas
            .iter()
            .map(|replica| replica.proxies.each_ref().map(|proxy| proxy.address))
            .collect(),
        services: cluster.services.iter().map(|service| service.address).collect(),
    };
    let calls = Calls::begin(addresses, secrets)?;
    let administrator = Administrator::new(calls.clone(), ADMINISTRATOR, password);
    let length = match plan.work {
        Work::Steps(steps) => Length::Steps(steps),
        Work::For(time) => Length::Until(Instant::now() + time),
    };
    let (finish, finished) = watch::channel(false);
    let users = async {
        let user = |number| {
            let random = random.fork(100 + number as u64);
            tokio::spawn(User::new(number, calls.clone(), administrator.clone(), random).live(length))
        };
        let users = join_all((0..plan.users).map(user)).await;
        finish.send_replace(true);
        users.into_iter().collect::<Result<Vec<_>, _>>()
    };
    let series = |series, part| torment(cluster, &calls, series, random.fork(part), finished.clone());
    let (users, processes, connections) =
        tokio::join!(users, series(Series::Processes, 3), series(Series::Connections, 4));
    processes?;
    connections?;

    let unready = ending::calm_down(cluster).await;
    let tokens = ended_tokens(&calls);
    let still_accepted = ending::still_accepted(&calls, &tokens).await;
    join_all(users?.iter_mut().map(User::conclude)).await;
    let observed = ending::observe(cluster, &calls).await?;
    Ok((calls.history(), Observed { unready, still_accepted, ..observed }))
}

/// Returns the newest access token of sessions that have surely ended, the last ones first.
fn ended_tokens(calls: &Calls) -> Vec<(usize, SecretString)> {
    let history = calls.history();
    let tokens = calls.access_tokens();
    let ended = (0..history.sessions.len()).rev().filter(|session| history.surely_ended_at(*session).is_some());
    ended.filter_map(|session| Some((session, tokens.get(&session)?.clone()))).take(ENDED_TOKENS).collect()
}

fn summary(history: &History, observed: &Observed) -> String {
    let count = |wanted: fn(&&Event) -> bool| history.events.iter().filter(wanted).count();
    let is_fault = |event: &&Event| matches!(event.act, Act::Fault(_));
    let unanswered = |event: &&Event| matches!(event.outcome, Outcome::Cut | Outcome::GivenUp);
    let mut faults: HashMap<String, usize> = HashMap::new();
    history.events.iter().filter(is_fault).for_each(|event| *faults.entry(event.act.to_string()).or_default() += 1);
    format!(
        "{} requests ({} without an answer), {} faults of {} kinds, {} accounts, {} sessions, {} changes, {} events in \
         the audit log",
        count(|event| event.account.is_some()),
        count(unanswered),
        count(is_fault),
        faults.len(),
        history.accounts.len(),
        history.sessions.len(),
        observed.changes.len(),
        observed.audit.len(),
    )
}
