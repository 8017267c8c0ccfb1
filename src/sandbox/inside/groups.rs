//! Control groups: one for all that a submission does, so that the engine beside it keeps room to breathe.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::event::{EventfdFlags, eventfd};
use rustix::mount::{MountFlags, mount_remount};

use super::disk;
use crate::sandbox::protocol::{SandboxLimits, Use};

/// Where the kernel shows control groups.
const ROOT: &str = "/sys/fs/cgroup";
/// The group of all that a submission does, as the engine names it.
pub(super) const STUDENT: &str = "/student";

/// Loop devices, and what hands them out. (Groups of the newer kind take no such rule back.)
const LOOPS: [&str; 2] = ["b 7:* rwm", "c 10:237 rwm"];

/// The submission's group.
#[derive(Clone)]
pub(super) struct Groups {
    kind: Kind,
    limits: SandboxLimits,
}

#[derive(Clone)]
enum Kind {
    /// One tree: the kernel counts.
    Unified,
    /// A tree for each controller: the kernel tells, and we count.
    Split { kills: Arc<AtomicU64> },
}

impl Groups {
    /// Makes the group anew, which also sets its counters to zero.
    pub(super) fn make(limits: SandboxLimits) -> io::Result<Self> {
        let unified = Path::new(ROOT).join("cgroup.controllers").exists();
        let kind = if unified { make_unified(limits)? } else { make_split(limits)? };
        Ok(Self { kind, limits })
    }

    /// How far the limits were used.
    pub(super) fn used(&self) -> Use {
        let (out_of_memory, out_of_processes) = match &self.kind {
            Kind::Unified => {
                let folder = folder("");
                let kills = counter(&folder.join("memory.events"), "oom_kill");
                (kills, counter(&folder.join("pids.events"), "max") > 0)
            }
            Kind::Split { kills } => {
                let peak = number(&folder("pids").join("pids.peak"));
                let most = u64::from(self.limits.processes);
                (kills.load(Ordering::SeqCst), peak.is_some_and(|peak| peak >= most))
            }
        };
        Use { out_of_memory, out_of_processes, disk_free: disk::free() }
    }
}

fn folder(controller: &str) -> PathBuf {
    Path::new(ROOT).join(controller).join(STUDENT.trim_start_matches('/'))
}

fn make_unified(limits: SandboxLimits) -> io::Result<Kind> {
    writable(Path::new(ROOT))?;
    // A group with processes of its own cannot hand controllers down.
    let own = Path::new(ROOT).join("grade");
    fs::create_dir_all(&own)?;
    for process in fs::read_to_string(Path::new(ROOT).join("cgroup.procs"))?.lines() {
        // One that has just ended is no loss.
        let _ = fs::write(own.join("cgroup.procs"), process);
    }
    let controllers = fs::read_to_string(Path::new(ROOT).join("cgroup.controllers"))?;
    let on: Vec<String> = controllers.split_whitespace().map(|name| format!("+{name}")).collect();
    fs::write(Path::new(ROOT).join("cgroup.subtree_control"), on.join(" "))?;
    let folder = folder("");
    remove(&folder)?;
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("memory.max"), limits.memory.to_string())?;
    // A kernel without swap accounting has no such file.
    let _ = fs::write(folder.join("memory.swap.max"), "0");
    fs::write(folder.join("pids.max"), limits.processes.to_string())?;
    Ok(Kind::Unified)
}

fn make_split(limits: SandboxLimits) -> io::Result<Kind> {
    for entry in fs::read_dir(ROOT)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            writable(&entry.path())?;
        }
    }
    // The disk is mounted: other loop devices are none of ours any more.
    for device in LOOPS {
        fs::write(Path::new(ROOT).join("devices/devices.deny"), device)?;
    }
    let (memory, pids) = (folder("memory"), folder("pids"));
    for folder in [&memory, &pids] {
        remove(folder)?;
        fs::create_dir_all(folder)?;
    }
    fs::write(memory.join("memory.limit_in_bytes"), limits.memory.to_string())?;
    let _ = fs::write(memory.join("memory.memsw.limit_in_bytes"), limits.memory.to_string());
    fs::write(pids.join("pids.max"), limits.processes.to_string())?;
    Ok(Kind::Split { kills: count_kills(&memory)? })
}

/// The old groups count the dead where they lived, in groups that go with them; so the kernel is
/// asked to tell of each time that this group is out of memory.
fn count_kills(memory: &Path) -> io::Result<Arc<AtomicU64>> {
    use std::os::fd::AsRawFd;
    let told = eventfd(0, EventfdFlags::CLOEXEC)?;
    let control = fs::File::open(memory.join("memory.oom_control"))?;
    let wish = format!("{} {}", told.as_raw_fd(), control.as_raw_fd());
    fs::write(memory.join("cgroup.event_control"), wish)?;
    let kills = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&kills);
    let folder = memory.to_owned();
    std::thread::Builder::new().name("out of memory".to_owned()).spawn(move || {
        let _open = control;
        let mut bytes = [0_u8; 8];
        while rustix::io::read(&told, &mut bytes).is_ok() {
            // It is also told when the group is removed.
            if !folder.exists() {
                return;
            }
            count.fetch_add(u64::from_ne_bytes(bytes), Ordering::SeqCst);
        }
    })?;
    Ok(kills)
}

/// A container sees its groups read-only.
fn writable(path: &Path) -> io::Result<()> {
    match mount_remount(path, MountFlags::BIND, "") {
        // A link to a mount that was made writable under its own name.
        Err(rustix::io::Errno::INVAL) => Ok(()),
        remounted => remounted.map_err(io::Error::from),
    }
}

/// Removes a group with all below it; nothing runs in it any more.
fn remove(folder: &Path) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            remove(&entry.path())?;
        }
    }
    fs::remove_dir(folder)
}

fn number(path: &Path) -> Option<u64> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

/// A line `name number` of a file of such lines.
fn counter(path: &Path, name: &str) -> u64 {
    let text = fs::read_to_string(path).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.and_then(|number| number.trim().parse().ok()).unwrap_or(0)
}
