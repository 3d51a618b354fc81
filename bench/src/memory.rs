//! The memory of a service after loads: what it takes at most, and what it has given back a minute later.

use std::error::Error;
use std::thread;
use std::time::Duration;

use crate::auth_graph::Installation;
use crate::http::get;
use crate::load::{Load, saturate};
use crate::machine::resident;
use crate::table::{Row, Target, Unit};
use crate::{login_storm, machine};

/// Number of log-ins or fetches that a load has at least.
const LOG_INS: usize = 500;
const FETCHES: usize = 5_000;
const CLIENTS: usize = 16;
/// Time after the loads.
const LATER: Duration = Duration::from_secs(60);

/// Measures the memory before and after log-ins and fetches of the key set.
///
/// # Errors
/// When the service does not start, or a request fails.
pub fn rows(installation: &Installation, time: Duration) -> Result<Vec<Row>, Box<dyn Error>> {
    let server = installation.start()?;
    thread::sleep(Duration::from_secs(1));
    let idle = resident(server.id()).0;
    let log_ins = at_least(&login_storm::load(&server, CLIENTS), LOG_INS, time)?;
    let after_log_ins = resident(server.id()).0;
    let keys = Load {
        address: server.address,
        requests: [get(server.address, "/.well-known/jwks.json", &[])].into(),
        answer: r#"{"keys":["#,
        connections: CLIENTS,
    };
    let fetches = at_least(&keys, FETCHES, time)?;
    let after_fetches = resident(server.id()).0;
    let before = machine::processor_time(server.id());
    thread::sleep(LATER);
    let idle_share = (machine::processor_time(server.id()) - before).as_secs_f64() / LATER.as_secs_f64();
    let (later, peak) = resident(server.id());
    Ok(vec![
        Row::new(
            "auth-graph: memory a minute after loads",
            later,
            Unit::Megabytes,
            Target::Below(50.0),
            format!(
                "{idle:.0} MB idle, {after_log_ins:.0} MB after {log_ins} log-ins, {after_fetches:.0} MB after {fetches} \
                 fetches of the key set, {peak:.0} MB at most; {CLIENTS} at once"
            ),
        ),
        Row::new(
            "… processor while idle",
            idle_share,
            Unit::Percent,
            Target::None,
            "of one core, in that minute; SQLite",
        ),
    ])
}

/// Sends requests until there were this many answers, and returns their number.
fn at_least(load: &Load, number: usize, time: Duration) -> Result<usize, Box<dyn Error>> {
    let mut answers = 0;
    while answers < number {
        answers += saturate(load, time)?.answers;
    }
    Ok(answers)
}
