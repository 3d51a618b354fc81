//! Figures that are measured alternately, so that other activity of the machine affects both sides.

use std::error::Error;
use std::time::Duration;

use crate::load::{Load, Outcome, saturate};
use crate::process::Server;

/// The number of rounds of a comparison.
pub const ROUNDS: usize = 5;

/// One side of a comparison: a load, and the server that answers it.
pub struct Side<'a> {
    /// The requests to send.
    pub load: &'a Load,
    /// The server that answers.
    pub server: &'a Server,
}

/// The result of a comparison.
pub struct Comparison {
    /// The median, over the rounds, of the first side's rate divided by the second side's.
    pub ratio: f64,
    /// The median rates of the two sides.
    pub rates: [f64; 2],
    /// The servers' processor time for each request, in µs.
    pub costs: [f64; 2],
    /// The largest share of a core that the generator used. A value near 1 means that the generator is the limit.
    pub generator: f64,
}

impl Comparison {
    /// Returns the rates and costs as text.
    #[must_use]
    pub fn describe(&self, first: &str, second: &str) -> String {
        let [rate, other_rate] = self.rates;
        let [cost, other_cost] = self.costs;
        format!(
            "{first} {rate:.0} /s ({cost:.0} µs of CPU each), {second} {other_rate:.0} /s ({other_cost:.0} µs); \
             generator {:.0} % of a core",
            self.generator * 100.0
        )
    }
}

/// Measures two sides alternately.
///
/// # Errors
/// When a request fails.
pub fn compare(sides: [&Side; 2], time: Duration) -> Result<Comparison, Box<dyn Error>> {
    for side in sides {
        saturate(side.load, time.mul_f64(0.25))?;
    }
    let mut ratios = Vec::new();
    let mut rates = [Vec::new(), Vec::new()];
    let mut costs = [Vec::new(), Vec::new()];
    let mut generator: f64 = 0.0;
    for round in 0..ROUNDS {
        // The side that goes first alternates too.
        let order = if round % 2 == 0 { [0, 1] } else { [1, 0] };
        for index in order {
            let side = sides[index];
            let before = side.server.processor_time();
            let outcome: Outcome = saturate(side.load, time)?;
            let used = side.server.processor_time() - before;
            rates[index].push(outcome.rate());
            costs[index].push(used.as_secs_f64() * 1e6 / outcome.answers as f64);
            generator = generator.max(outcome.generator.as_secs_f64() / outcome.elapsed.as_secs_f64());
        }
        ratios.push(rates[0][round] / rates[1][round]);
    }
    Ok(Comparison { ratio: median(ratios), rates: rates.map(median), costs: costs.map(median), generator })
}

/// Returns the median.
#[must_use]
pub fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_unstable_by(f64::total_cmp);
    samples.get(samples.len() / 2).copied().unwrap_or(f64::NAN)
}
