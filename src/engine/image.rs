//! What an image's configuration says.

use std::collections::BTreeMap;
use std::time::Duration;

/// An image as inspect and history show it. What is not set is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImageInfo {
    /// `sha256:…`.
    pub id: String,
    /// Its author's labels and those of its base; ours are left out.
    pub labels: BTreeMap<String, String>,
    /// `KEY=value`, in order.
    pub env: Vec<String>,
    /// `USER` as written.
    pub user: String,
    /// The last `WORKDIR`.
    pub workdir: String,
    /// `CMD`; the shell form begins with its shell.
    pub cmd: Vec<String>,
    /// `ENTRYPOINT`.
    pub entrypoint: Vec<String>,
    /// `8000/tcp`, sorted.
    pub exposed_ports: Vec<String>,
    /// Paths, sorted.
    pub volumes: Vec<String>,
    /// The triggers of `ONBUILD`, in order, without the word itself.
    pub onbuild: Vec<String>,
    /// `STOPSIGNAL`.
    pub stop_signal: String,
    /// `SHELL`.
    pub shell: Vec<String>,
    /// `HEALTHCHECK`; a test of `NONE` switches the base's off.
    pub healthcheck: Option<HealthTest>,
    /// All layers, unpacked, in bytes.
    pub size: u64,
    /// The digests of the unpacked layers, lowest first.
    pub layers: Vec<String>,
    /// How it was made, oldest first.
    pub history: Vec<HistoryEntry>,
    /// `linux`.
    pub os: String,
    /// `amd64`.
    pub architecture: String,
    /// Its names, `grade.local/…` or a stranger's.
    pub tags: Vec<String>,
}

/// A `HEALTHCHECK`. A duration of zero means that the engine's default holds (30 s, 30 s, 0 s).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HealthTest {
    /// `["CMD", …]`, `["CMD-SHELL", "…"]` or `["NONE"]`.
    pub test: Vec<String>,
    /// Time between two checks.
    pub interval: Duration,
    /// Time that one check may take.
    pub timeout: Duration,
    /// Time in which failures do not count.
    pub start_period: Duration,
    /// Failures in a row until it is unhealthy; zero means three.
    pub retries: u32,
}

/// One step of an image's history.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HistoryEntry {
    /// The instruction, as the builder wrote it.
    pub created_by: String,
    /// What the step added, in bytes; zero also for steps that made no layer.
    pub size: u64,
}
