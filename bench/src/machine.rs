//! The activity of the machine, from /proc. It shows whether a figure was measured while other programs were running.

use std::fs;
use std::time::{Duration, Instant};

/// Processor time since the machine was started.
#[derive(Clone, Copy)]
pub struct Usage {
    at: Instant,
    busy: Duration,
    ours: Duration,
}

impl Usage {
    /// Returns the current values.
    #[must_use]
    pub fn now() -> Self {
        let text = fs::read_to_string("/proc/stat").unwrap_or_default();
        let fields = text.lines().next().unwrap_or_default().split_whitespace().skip(1);
        let ticks: Vec<u64> = fields.filter_map(|field| field.parse().ok()).collect();
        // user, nice, system; idle and iowait are left out; irq, softirq, steal.
        let busy = [0, 1, 2, 5, 6, 7].iter().filter_map(|field| ticks.get(*field)).sum();
        Self { at: Instant::now(), busy: duration(busy), ours: processor_time(std::process::id()) }
    }

    /// Returns the share of all cores that other programs than this one and its children have used since.
    #[must_use]
    pub fn others_since(before: Self) -> f64 {
        let now = Self::now();
        let others = (now.busy - before.busy).saturating_sub(now.ours.saturating_sub(before.ours));
        others.as_secs_f64() / (now.at - before.at).as_secs_f64() / cores() as f64
    }
}

/// Returns the processor time of a process and its children.
#[must_use]
pub fn processor_time(process: u32) -> Duration {
    let Some(own) = stat(&process.to_string()) else {
        return Duration::ZERO;
    };
    let children: Duration = children(process).map(processor_time).sum();
    own.own + own.waited_for + children
}

/// Returns the processor time of the calling thread.
#[must_use]
pub fn thread_time() -> Duration {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = text.split(' ').next().and_then(|field| field.parse().ok());
    Duration::from_nanos(nanoseconds.unwrap_or(0))
}

/// Returns the current and the peak resident memory of a process, in MB.
#[must_use]
pub fn resident(process: u32) -> (f64, f64) {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().strip_suffix(" kB")?.parse::<f64>().ok()
    };
    let megabytes = |name| field(name).unwrap_or(f64::NAN) * 1024.0 / 1e6;
    (megabytes("VmRSS:"), megabytes("VmHWM:"))
}

/// Returns the resident memory of a process and its children, in MB. Shared pages count once for each process.
#[must_use]
pub fn resident_with_children(process: u32) -> f64 {
    resident(process).0 + children(process).map(resident_with_children).sum::<f64>()
}

/// Returns the number of cores that this process may use.
#[must_use]
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Returns the name of the processor.
#[must_use]
pub fn processor() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = text.lines().find(|line| line.starts_with("model name"));
    let name = name.and_then(|line| line.split_once(": "));
    name.map_or("unknown processor", |(_, name)| name).to_owned()
}

/// Returns the load average of the last minute.
#[must_use]
pub fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or("unknown").to_owned()
}

struct Stat {
    parent: u32,
    own: Duration,
    waited_for: Duration,
}

fn stat(process: &str) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name of the command may contain any character, so the text after its last bracket is read.
    let fields: Vec<&str> = text.rsplit_once(") ")?.1.split(' ').collect();
    let ticks = |field: usize| fields.get(field).and_then(|text| text.parse::<u64>().ok());
    Some(Stat {
        parent: fields.get(1)?.parse().ok()?,
        own: duration(ticks(11)? + ticks(12)?),
        waited_for: duration(ticks(13)? + ticks(14)?),
    })
}

fn children(process: u32) -> impl Iterator<Item = u32> {
    let folders = fs::read_dir("/proc").into_iter().flatten().flatten();
    let all = folders.filter_map(|folder| folder.file_name().to_str()?.parse().ok());
    all.filter(move |child: &u32| stat(&child.to_string()).is_some_and(|stat| stat.parent == process))
}

fn duration(ticks: u64) -> Duration {
    Duration::from_secs_f64(ticks as f64 / rustix::param::clock_ticks_per_second() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_memory_and_a_parent() {
        let (now, peak) = resident(std::process::id());
        assert!(now > 1.0 && peak >= now);
        let parent = stat("self").unwrap().parent;
        assert!(children(parent).any(|child| child == std::process::id()));
    }
}
