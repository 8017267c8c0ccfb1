//! What this process has used, as the kernel counts it.

use std::fs;
use std::time::Duration;

use crate::Outcome;

/// Processor time and memory.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Usage {
    /// User and system time of all threads.
    pub(crate) cpu: Duration,
    /// The most memory in use at any moment, in bytes.
    pub(crate) peak: u64,
}

/// Forgets the most memory so far; what is in use now counts.
pub(crate) fn forget_peak() -> Outcome<()> {
    Ok(fs::write("/proc/self/clear_refs", "5")?)
}

/// Since the process began, or for the peak since it was forgotten.
pub(crate) fn of_this_process() -> Outcome<Usage> {
    // The second field, the program's name, may hold anything but ends with the last bracket.
    let stat = fs::read_to_string("/proc/self/stat")?;
    let (_, fields) = stat.rsplit_once(')').ok_or("/proc/self/stat names no program")?;
    let ticks = fields.split_whitespace().skip(11).take(2).map(str::parse::<u64>);
    // A tick is 10 ms on every Linux there is, as far as programs can see.
    let cpu = Duration::from_millis(ticks.sum::<Result<u64, _>>()? * 10);
    let status = fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM")?;
    let kib: u64 = peak.trim().trim_end_matches("kB").trim_end().parse()?;
    Ok(Usage { cpu, peak: kib << 10 })
}
