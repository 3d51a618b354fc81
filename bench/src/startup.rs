//! The start on an existing database, and the memory of an idle service.

use std::error::Error;
use std::thread;
use std::time::Duration;

use crate::auth_graph::Installation;
use crate::machine;
use crate::samples::{ROUNDS, median};
use crate::table::{Row, Target, Unit};

/// Measures start and memory.
///
/// # Errors
/// When the service does not start.
pub fn rows(installation: &Installation) -> Result<Vec<Row>, Box<dyn Error>> {
    let mut times = Vec::new();
    let mut memory = Vec::new();
    for _ in 0..ROUNDS {
        let server = installation.start()?;
        times.push(server.started_within.as_secs_f64());
        // The work that follows the first answer is done by then.
        thread::sleep(Duration::from_secs(1));
        memory.push(machine::resident(server.id()).0);
    }
    let longest = times.iter().copied().fold(0.0, f64::max);
    Ok(vec![
        Row::new(
            "auth-graph: start to first answer",
            median(times),
            Unit::Seconds,
            Target::Below(0.3),
            format!("median of {ROUNDS}, the longest {longest:.2} s; from the start of the process to the first 200"),
        ),
        Row::new(
            "… resident memory when idle",
            median(memory),
            Unit::Megabytes,
            Target::Below(40.0),
            "a second after its first answer",
        ),
    ])
}
