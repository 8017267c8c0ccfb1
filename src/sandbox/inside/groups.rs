//! Control groups: one for all that a submission does, so that the engine beside it keeps room to breathe.
//!
//! The engine knows no other group than that one and what is below it, so that whatever it is asked for
//! (`--cgroup-parent`, a builder's frontend) stays within its limits. The engine's own processes are outside.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::event::{EventfdFlags, eventfd};
use rustix::mount::{MountFlags, mount_bind, mount_remount};
use rustix::process::{Pid, Signal, kill_process};

use super::disk::{self, Mounted};
use crate::sandbox::protocol::{SandboxLimits, Use};

/// Where the kernel shows control groups.
const ROOT: &str = "/sys/fs/cgroup";
/// The group of all that a submission does, before it is all that is seen.
const STUDENT: &str = "student";
/// The namespace in which it is, of the old kind.
const NAMESPACE: &str = "/run/grade-cgroups";

/// The most processes that come into the container's group while it is made ready.
const COMERS: usize = 100;
/// Loop devices, and what hands them out. (Groups of the newer kind take no such rule back.)
const LOOPS: [&str; 2] = ["b 7:* rwm", "c 10:237 rwm"];
/// The share of the processors that a sandbox takes while nobody waits for it, old kind and new.
const IDLE_SHARE: (&str, &str) = ("2", "1");

/// The submission's group.
pub(super) struct Groups {
    kind: Kind,
    limits: SandboxLimits,
    share: Share,
}

enum Kind {
    /// One tree: the kernel counts.
    Unified,
    /// A tree for each controller: the kernel tells, and we count.
    Split { kills: Arc<AtomicU64> },
}

/// The sandbox's share of the processors: its file, and what was in it.
struct Share(Option<(File, String)>);

impl Groups {
    /// Makes the group. The disk is not sealed yet.
    pub(super) fn make(limits: SandboxLimits) -> io::Result<Self> {
        let unified = Path::new(ROOT).join("cgroup.controllers").exists();
        let (kind, share) = if unified { make_unified(limits)? } else { make_split(limits)? };
        Ok(Self { kind, limits, share })
    }

    /// Somebody waits for the sandbox from now on.
    pub(super) fn hurry(&self) {
        self.share.restore();
    }

    /// Takes back what only the making of the disk needs.
    pub(super) fn forbid_devices() -> io::Result<()> {
        let deny = Path::new(ROOT).join("devices/devices.deny");
        if deny.exists() {
            for device in LOOPS {
                fs::write(&deny, device)?;
            }
        }
        Ok(())
    }

    /// Makes the group all that is seen of control groups from here on. The answer is the namespace of control
    /// groups, a file, in which the engine has to be started, if any.
    pub(super) fn enclose(&self) -> io::Result<Option<&'static str>> {
        match self.kind {
            Kind::Unified => cover_unified().map(|()| None),
            Kind::Split { .. } => enclose_split().map(|()| Some(NAMESPACE)),
        }
    }

    /// How far the limits were used.
    pub(super) fn used(&self) -> Use {
        let root = Path::new(ROOT);
        let (out_of_memory, out_of_processes) = match &self.kind {
            Kind::Unified => {
                let kills = counter(&root.join("memory.events"), "oom_kill");
                (kills, counter(&root.join("pids.events"), "max") > 0)
            }
            Kind::Split { kills } => {
                let peak = number(&root.join("pids/pids.peak"));
                let most = u64::from(self.limits.processes);
                (kills.load(Ordering::SeqCst), peak.is_some_and(|peak| peak >= most))
            }
        };
        Use { out_of_memory, out_of_processes, disk_free: disk::free() }
    }
}

/// Ends every process in the sandbox but this one.
///
/// They would end with it, but for those that are frozen (`docker pause`, also for the moment of a
/// `docker commit`): of the old kind of groups, a frozen process hears of its end only once it is
/// thawed, and until then the sandbox is there. Who could freeze another one ends first.
pub(super) fn end_all() {
    for _ in 0..2 {
        for process in fs::read_dir("/proc").into_iter().flatten().flatten() {
            let number = process.file_name().to_str().and_then(|name| name.parse().ok());
            let other = number.filter(|number| *number > 1).and_then(Pid::from_raw);
            // One that has ended by itself is as good.
            let _ = other.map(|other| kill_process(other, Signal::KILL));
        }
        thaw(Path::new(ROOT));
    }
}

fn thaw(group: &Path) {
    let _ = fs::write(group.join("freezer.state"), "THAWED");
    for entry in fs::read_dir(group).into_iter().flatten().flatten() {
        // A link leads to what is walked through under its own name.
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            thaw(&entry.path());
        }
    }
}

impl Share {
    /// Takes as little as can be; a kernel without such shares gives none to take.
    fn lower(path: &Path, least: &str) -> Self {
        let lowered = || {
            let before = fs::read_to_string(path)?;
            let mut file = File::options().write(true).open(path)?;
            file.write_all(least.as_bytes())?;
            Ok::<_, io::Error>((file, before))
        };
        Self(lowered().ok())
    }

    fn restore(&self) {
        if let Some((file, before)) = &self.0 {
            let mut file = file;
            // It would only be slower.
            let _ = file.write_all(before.trim().as_bytes());
        }
    }
}

fn make_unified(limits: SandboxLimits) -> io::Result<(Kind, Share)> {
    let root = Path::new(ROOT);
    writable(root)?;
    // A group with processes of its own cannot hand controllers down.
    let own = root.join("grade");
    fs::create_dir_all(&own)?;
    let controllers = fs::read_to_string(root.join("cgroup.controllers"))?;
    let on: Vec<String> = controllers.split_whitespace().map(|name| format!("+{name}")).collect();
    let on = on.join(" ");
    let hand_down = || {
        for process in fs::read_to_string(root.join("cgroup.procs"))?.lines() {
            // One that has just ended is no loss.
            let _ = fs::write(own.join("cgroup.procs"), process);
        }
        fs::write(root.join("cgroup.subtree_control"), &on)
    };
    // Whoever dials meanwhile comes into the group, until it has handed down.
    let mut handed = hand_down();
    for _ in 0..COMERS {
        let is_busy = |error: &io::Error| error.kind() == io::ErrorKind::ResourceBusy;
        if !handed.as_ref().is_err_and(is_busy) {
            break;
        }
        handed = hand_down();
    }
    handed?;
    let folder = root.join(STUDENT);
    fs::create_dir(&folder)?;
    fs::write(folder.join("memory.max"), limits.memory.to_string())?;
    // A kernel without swap accounting has no such file.
    let _ = fs::write(folder.join("memory.swap.max"), "0");
    fs::write(folder.join("pids.max"), limits.processes.to_string())?;
    Ok((Kind::Unified, Share::lower(&root.join("cpu.weight"), IDLE_SHARE.1)))
}

fn make_split(limits: SandboxLimits) -> io::Result<(Kind, Share)> {
    let root = Path::new(ROOT);
    for folder in folders(root)? {
        writable(&folder)?;
        let group = folder.join(STUDENT);
        // Some are links to others: `cpu` to `cpu,cpuacct`.
        if folder.join("cgroup.procs").exists() && !folder.join("cgroup.controllers").exists() {
            fs::create_dir_all(&group)?;
        }
    }
    // A new group of this controller may use no processor, unless it is told which.
    for file in ["cpuset.cpus", "cpuset.mems"] {
        if let Ok(all) = fs::read_to_string(root.join("cpuset").join(file)) {
            fs::write(root.join("cpuset").join(STUDENT).join(file), all)?;
        }
    }
    let (memory, pids) = (root.join("memory").join(STUDENT), root.join("pids").join(STUDENT));
    fs::write(memory.join("memory.limit_in_bytes"), limits.memory.to_string())?;
    let _ = fs::write(memory.join("memory.memsw.limit_in_bytes"), limits.memory.to_string());
    fs::write(pids.join("pids.max"), limits.processes.to_string())?;
    let kills = count_kills(&memory)?;
    Ok((Kind::Split { kills }, Share::lower(&root.join("cpu/cpu.shares"), IDLE_SHARE.0)))
}

/// The group in the place of all groups. No namespace: systemd mounts groups so that nobody in a namespace moves a
/// process that is outside it (`nsdelegate`), and an engine moves its own children.
fn cover_unified() -> io::Result<()> {
    let root = Path::new(ROOT);
    mount_bind(root.join(STUDENT), root)?;
    // The kernel still tells where a process is by the group's whole path, and containerd looks there.
    let whole = root.join(STUDENT);
    fs::create_dir(&whole)?;
    Ok(mount_bind(root, whole)?)
}

/// A namespace whose root is the group, and mounts that show it.
fn enclose_split() -> io::Result<()> {
    let mounts = fs::read_to_string("/proc/self/mountinfo")?;
    let (mut join, mut cover) = (String::new(), String::new());
    for mounted in mounts.lines().filter_map(Mounted::read) {
        let (at, group) = (&mounted.at, Path::new(&mounted.at).join(STUDENT));
        // The new kind is often there, too, without a controller.
        if mounted.kind != "cgroup" || !group.is_dir() {
            continue;
        }
        let options: Vec<&str> =
            mounted.options.split(',').filter(|one| !matches!(*one, "rw" | "ro")).collect();
        join += &format!("echo 0 > '{}/cgroup.procs' && ", group.display());
        cover += &format!("mount -t cgroup -o '{}' none '{at}' && ", options.join(","));
    }
    File::create(NAMESPACE)?;
    let script = format!("{join}exec unshare --cgroup={NAMESPACE} -- sh -c \"{cover}true\"");
    let output = Command::new("sh").args(["-c", &script]).output()?;
    if output.status.success() {
        Ok(())
    } else {
        Err(io::Error::other(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
    }
}

fn folders(path: &Path) -> io::Result<Vec<PathBuf>> {
    let all = fs::read_dir(path)?.map(|entry| Ok(entry?.path()));
    Ok(all.collect::<io::Result<Vec<_>>>()?.into_iter().filter(|path| path.is_dir()).collect())
}

/// The old groups count the dead where they lived, in groups that go with them; so the kernel is
/// asked to tell of each time that this group is out of memory.
fn count_kills(memory: &Path) -> io::Result<Arc<AtomicU64>> {
    use std::os::fd::AsRawFd;
    let told = eventfd(0, EventfdFlags::CLOEXEC)?;
    let control = File::open(memory.join("memory.oom_control"))?;
    let wish = format!("{} {}", told.as_raw_fd(), control.as_raw_fd());
    fs::write(memory.join("cgroup.event_control"), wish)?;
    let kills = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&kills);
    std::thread::Builder::new().name("out of memory".to_owned()).spawn(move || {
        let _open = control;
        let mut bytes = [0_u8; 8];
        while rustix::io::read(&told, &mut bytes).is_ok() {
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

fn number(path: &Path) -> Option<u64> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

/// A line `name number` of a file of such lines.
fn counter(path: &Path, name: &str) -> u64 {
    let text = fs::read_to_string(path).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.and_then(|number| number.trim().parse().ok()).unwrap_or(0)
}
