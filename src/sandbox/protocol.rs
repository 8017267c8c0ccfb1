//! What the two sides of a sandbox agree on.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Where the program lies in a sandbox.
pub(super) const PROGRAM: &str = "/grade";
/// The volume that holds the disk.
pub(super) const VOLUME: &str = "/sandbox";
/// The volume that holds the prepared images. Sandboxes have it read-only.
pub(super) const BASES: &str = "/bases";
/// Where the disk is mounted.
pub(super) const DISK: &str = "/disk";
/// Where the first process listens for clients.
pub(super) const CONTROL: &str = "/run/grade-control.sock";
/// The engine's own socket.
pub(super) const ENGINE_SOCKET: &str = "/run/docker.sock";
/// The folder, and the socket in it, that the student's commands see as Docker's.
pub const STUDENT_RUN: &str = "/run/student";
/// See [`STUDENT_RUN`].
pub const STUDENT_SOCKET: &str = "/run/student/docker.sock";
/// Where the student's folders are on the disk, with links that lead somewhere.
pub const DISK_HOME: &str = "/disk/home";
/// Where the engine finds the student's folders.
pub const HOME: &str = "/home/student";

/// What of the sandbox's own file system the student's commands have, read-only: programs, and of the
/// settings those without which some do not work. (A container has some files in /etc that are its own.)
pub const PROGRAMS: [&str; 10] = [
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib64",
    "/etc/alternatives",
    "/etc/ssl",
    "/etc/passwd",
    "/etc/group",
    "/etc/ld.so.cache",
];

/// The first line to a client: the sandbox is its alone.
pub(super) const READY: &str = "ready";
/// The first line to a client: somebody else has the sandbox.
pub(super) const BUSY: &str = "busy";
/// The first line to a client: the volume of prepared images has none, or not all.
pub(super) const UNPREPARED: &str = "unprepared";

/// The tunnel's name of the engine.
pub(super) const ENGINE: &str = "engine:1";
/// The tunnel's name of the next connection that the student's commands make.
pub(super) const STUDENT: &str = "student:1";
/// Where the prepared images are asked for: an [`Images`].
pub(super) const IMAGES: &str = "/images";
/// Where it is told which images the prepared engine has ([`Images`]); it is the end of preparing.
pub(super) const PREPARED: &str = "/prepared";
/// Where it is told that the sandbox is about to get a way to the outside.
pub(super) const OUTSIDE: &str = "/outside";
/// Where a client says that it is done.
pub(super) const LEAVE: &str = "/leave";
/// Where the use of the limits is asked for: a [`Use`].
pub(super) const USE: &str = "/use";
/// Where a file of the student's folder is written: a [`FileWrite`].
pub(super) const WRITE: &str = "/write";
/// Where a file of the student's folder is read: a [`FileRead`].
pub(super) const READ: &str = "/read";

/// Images by name, tag included, and the ids that the names stand for.
pub type Images = BTreeMap<String, String>;

/// A file to be written below [`HOME`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FileWrite {
    /// Its path below [`HOME`].
    pub(super) path: String,
    /// What is to be in it.
    pub(super) text: String,
    /// Whose it is to be, and the folders that have to be made for it: a user's and a group's number.
    pub(super) owner: u32,
}

/// A file to be read below [`HOME`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FileRead {
    /// Its path below [`HOME`].
    pub(super) path: String,
    /// The most bytes; a larger one is not read.
    pub(super) limit: u64,
}

/// The limits of everything that a submission does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SandboxLimits {
    /// Bytes of memory.
    pub memory: u64,
    /// Processes and threads.
    pub processes: u32,
    /// Bytes on disk, beside the base images.
    pub disk: u64,
}

/// For the engine inside and what serves it, beside the submission's own share.
const ENGINE_MEMORY: u64 = 768 << 20;

impl SandboxLimits {
    /// Bytes of memory that a whole sandbox takes at most, its engine included.
    pub fn most_memory(&self) -> u64 {
        self.memory.saturating_add(ENGINE_MEMORY)
    }
}

/// How far the limits were used, since the sandbox was handed out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Use {
    /// Times that the memory was all taken and something was ended for it.
    pub out_of_memory: u64,
    /// Whether all processes were taken at some time.
    pub out_of_processes: bool,
    /// Bytes that are free on the disk now.
    pub disk_free: u64,
}

/// A limit of the sandbox that a submission ran into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// Its memory was all taken.
    Memory,
    /// Its processes were all taken.
    Processes,
    /// Its disk was full.
    Disk,
}

/// Every program's words for a full disk. Who only prints them reads of a limit they did not hit.
const ENOSPC: &str = "No space left on device";
/// A disk with less than that is full.
const NO_SPACE: u64 = 16 << 20;

impl Limit {
    /// Which limit was hit between two looks; none without a sandbox. What was `said` when it failed
    /// helps: a disk that was full a moment ago has room again once a failed step is thrown away.
    pub fn hit(before: Option<Use>, after: Option<Use>, said: &str) -> Option<Self> {
        let (before, after) = (before?, after?);
        if after.out_of_memory > before.out_of_memory {
            Some(Self::Memory)
        } else if after.out_of_processes {
            // It is not told how often; whatever failed since may have failed for that.
            Some(Self::Processes)
        } else {
            (after.disk_free < NO_SPACE || said.contains(ENOSPC)).then_some(Self::Disk)
        }
    }

    /// As rubrics name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Processes => "processes",
            Self::Disk => "disk",
        }
    }

    /// What a student is told.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Memory => "it took all the memory that a submission may have",
            Self::Processes => "it started as many processes as a submission may have",
            Self::Disk => "it filled all the disk that a submission may have",
        }
    }
}
