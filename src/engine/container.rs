//! Containers: what is asked of them, and what they did.

use std::collections::BTreeMap;
use std::time::Duration;

use super::capture::Captured;
use super::label::Labels;

/// A container to be created. Besides what is named here it has no new privileges, the default
/// capabilities, and no log on the engine's disk.
#[derive(Debug, Clone, Default)]
pub struct ContainerSpec {
    /// Name or id of an image that is there.
    pub image: String,
    /// The container's name; `grade-` is put before it unless it is there already, and a hyphen in
    /// place of what a name may not have.
    pub name: String,
    /// In place of the image's `CMD`.
    pub command: Option<Vec<String>>,
    /// In place of the image's `ENTRYPOINT`; the engine then drops the image's `CMD`, too.
    pub entrypoint: Option<Vec<String>>,
    /// Added to the image's environment.
    pub env: BTreeMap<String, String>,
    /// In place of the image's `USER`.
    pub user: Option<String>,
    /// In place of the image's `WORKDIR`.
    pub workdir: Option<String>,
    /// What a run reads on standard input; without it standard input is closed.
    pub stdin: Option<Vec<u8>>,
    /// Other times for the image's own health check.
    pub health: Option<HealthTiming>,
    /// What it can reach.
    pub network: ContainerNetwork,
    /// What it may use.
    pub limits: Limits,
    /// Whose it is.
    pub labels: Labels,
}

/// A container for the grader's own use.
#[derive(Debug, Clone, Default)]
pub struct HelperSpec {
    /// Name or id of an image that is there.
    pub image: String,
    /// The container's name; `grade-` is put before it.
    pub name: String,
    /// In place of the image's `CMD`.
    pub command: Option<Vec<String>>,
    /// Added to the image's environment.
    pub env: BTreeMap<String, String>,
    /// In place of the image's `USER`.
    pub user: Option<String>,
    /// In place of the image's `WORKDIR`.
    pub workdir: Option<String>,
    /// `source:target:mode`, of the engine's own file system.
    pub binds: Vec<String>,
    /// Whether it has no capabilities at all.
    pub unprivileged: bool,
    /// Whether it is in the engine's network; else in none.
    pub host_network: bool,
    /// Whose it is.
    pub labels: Labels,
}

/// What a container can reach.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ContainerNetwork {
    /// Its own loopback only.
    #[default]
    None,
    /// The engine's default network.
    Default,
}

/// What a container may use.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Bytes of memory, swap included.
    pub memory: u64,
    /// Processes and threads.
    pub pids: u32,
    /// Processors, also parts of one.
    pub cpus: f64,
}

impl Default for Limits {
    /// 512 MiB, 256 processes, one processor.
    fn default() -> Self {
        Self { memory: 512 << 20, pids: 256, cpus: 1.0 }
    }
}

/// Times of a health check, in place of those that the image names. Its test and retries stay.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HealthTiming {
    /// Time between two checks, at least 1 ms. Zero keeps the image's.
    pub interval: Duration,
    /// Time that one check may take; none keeps the image's.
    pub timeout: Option<Duration>,
    /// Time in which failures do not count, at least 1 ms. Zero keeps the image's.
    pub start_period: Duration,
}

/// How a creation went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Created {
    /// The container's id.
    Container(String),
    /// The image or the spec asks for what cannot be (no command, a bad path).
    Refused {
        /// The engine's words.
        message: String,
    },
}

/// How a start went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Started {
    /// The first process runs, or already ended.
    Started,
    /// The first process could not be run (missing or not executable, an unknown user).
    Refused {
        /// The engine's words.
        message: String,
    },
}

/// Whether a signal reached a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signalled {
    /// It was running.
    Sent,
    /// It runs, and something in it undoes what was sent, or nothing in it can send it to all.
    Resisted,
    /// It does not run (any more).
    NotRunning,
}

/// A TCP socket in a container's network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TcpSocket {
    /// Its own port.
    pub port: u16,
    /// Whether it waits for connections.
    pub listens: bool,
    /// Bytes that came and were not read, the end of what came counted as one; of one that listens,
    /// the connections that nobody has accepted.
    pub unread: u32,
    /// The user who made it.
    pub user: u32,
    /// The number it has as a file; zero while nobody holds it.
    pub inode: u64,
}

/// How putting a file into a container went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Put {
    /// The file is there.
    Written,
    /// The container has no place for it (no such folder, a file in its place, read-only).
    Refused {
        /// The engine's words.
        message: String,
    },
}

/// A container at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ContainerState {
    /// Its first process runs (also while it is paused).
    pub running: bool,
    /// Frozen by the engine.
    pub paused: bool,
    /// Of the first process, once it ended; 0 for a container that never ran.
    pub exit_code: Option<i64>,
    /// The kernel killed one of its processes for want of memory. It may have ended well for all that.
    pub oom_killed: bool,
    /// None when it has no health check.
    pub health: Option<Health>,
}

/// The engine's opinion of a container, from its health check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// The opinion.
    pub status: HealthStatus,
    /// Failed checks in a row.
    pub failing_streak: u64,
    /// The last checks (the engine keeps five), oldest first.
    pub log: Vec<Check>,
}

/// Whether a container is healthy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HealthStatus {
    /// No opinion yet.
    Starting,
    /// The last check passed.
    Healthy,
    /// As many checks in a row failed as its retries say.
    Unhealthy,
}

/// One run of a health check.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Check {
    /// 0 is healthy; -1 means that it took too long or could not be run.
    pub exit_code: i64,
    /// What it printed (the engine keeps 4096 bytes).
    pub output: String,
    /// When it began, RFC 3339.
    pub start: String,
    /// When it ended, RFC 3339.
    pub end: String,
}

/// A container that ran to its end, or to its time limit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunReport {
    /// Why it could not be created or started; none when it was.
    pub refused: Option<String>,
    /// Of the first process; none when it was refused or killed at the limit.
    pub exit_code: Option<i64>,
    /// It was killed at its time limit.
    pub timed_out: bool,
    /// The kernel killed one of its processes for want of memory.
    pub oom_killed: bool,
    /// Standard output.
    pub stdout: Captured,
    /// Standard error.
    pub stderr: Captured,
    /// From its start to its end.
    pub took: Duration,
}

/// A command to be run in a running container.
#[derive(Debug, Clone, Default)]
pub struct ExecRequest {
    /// Program and arguments.
    pub command: Vec<String>,
    /// In place of the container's user. Root in a container whose own user is another has no
    /// capabilities, as nothing there may gain privileges.
    pub user: Option<String>,
    /// Added to the container's environment.
    pub env: BTreeMap<String, String>,
    /// When to stop listening.
    pub time_limit: Duration,
    /// Bytes kept of each stream.
    pub output_limit: usize,
}

/// A command that ran in a container.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExecReport {
    /// Why it could not be started (missing program, unknown user, stopped container).
    pub refused: Option<String>,
    /// None when it was refused or timed out, or died with its container.
    pub exit_code: Option<i64>,
    /// The limit passed. The command **still runs**: no call of an engine ends one; kill its container.
    pub timed_out: bool,
    /// Standard output.
    pub stdout: Captured,
    /// Standard error.
    pub stderr: Captured,
    /// From its start to its end, or to the limit.
    pub took: Duration,
}

/// Something that happened to a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerEvent {
    /// When, since 1970.
    pub at: Duration,
    /// What.
    pub kind: ContainerEventKind,
}

/// What happened to a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContainerEventKind {
    /// The engine's opinion of it changed.
    Health(HealthStatus),
    /// Its first process ended.
    Died {
        /// That process' exit code.
        exit_code: Option<i64>,
    },
    /// A process was killed for want of memory.
    Oom,
    /// Anything else (`start`, `exec_create: …`).
    Other(String),
}

/// What is at a path in a container, links not followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathStat {
    /// The last part of the path.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// Mode bits as Go's `os.FileMode`: the lowest nine are the permissions.
    pub mode: u32,
    /// Where a symbolic link leads, absolute in the container; empty when it is none.
    pub link_target: String,
    /// When it was last changed, as the engine writes it: to the nanosecond, where archives have
    /// whole seconds.
    pub modified: String,
}

/// What is at a path in a container, as a tar. A folder is there with all below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathArchive {
    /// The tar, cut off at the limit.
    pub tar: Vec<u8>,
    /// Whether it was cut off.
    pub truncated: bool,
}
