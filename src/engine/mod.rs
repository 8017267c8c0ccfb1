//! A Docker Engine in this program's own words: connect, build, run, look, and leave nothing behind.
//!
//! One rule holds for every call: `Err` means that our side or the infrastructure failed; whatever a
//! submission did is data in the answer. A build that fails, a command that does not exist, a
//! container that dies are reports; a lost socket, a full disk, a registry that is down are errors.
//!
//! | file | what is in it |
//! |---|---|
//! | `endpoint`, `context`, `dial`, `tls`, `tunnel` | where the engine is, and one way to connect to it |
//! | `docker/` | the engine's REST calls: the only files that name bollard |
//! | `buildkit/` | builds: a small BuildKit client, the only files that name its protocol |
//! | `agent` | an SSH agent that is forwarded to builds |
//! | `build`, `container`, `image`, `label`, `owner` | the nouns that the calls take and give |
//! | `error` | errors by operation, each with its cause |

mod agent;
mod build;
mod buildkit;
mod capture;
mod container;
mod context;
mod dial;
mod docker;
mod endpoint;
mod error;
mod image;
mod label;
mod owner;
mod text;
mod tls;
mod tunnel;

pub use agent::{AgentUse, SshKey};
pub use build::{
    AddStep, BuildEvent, BuildFailure, BuildNetwork, BuildOutcome, BuildReport, BuildRequest, Edit,
    MountKind, NewMount, Reading, RunMount, RunStep, Sent, Step, cache_id,
};
pub use capture::Captured;
pub use container::{
    Check, ContainerEvent, ContainerEventKind, ContainerNetwork, ContainerSpec, ContainerState,
    Created, ExecReport, ExecRequest, Health, HealthStatus, HealthTiming, HelperSpec, Limits,
    PathArchive, PathStat, Put, RunReport, Signalled, Started, TcpSocket,
};
pub use docker::{
    Engine, EngineInfo, ImageExport, Machine, OwnedFilter, OwnedKind, OwnedObject, PathReader,
    Pipe, SIFT, SandboxContainer, SandboxDisk, SandboxLife, SandboxSpec, SharedVolume, Sifting,
    is_anonymous,
};
pub use endpoint::{Endpoint, TlsFiles, Transport};
pub use error::{Cause, EngineError, Reach};
pub use image::{HealthTest, HistoryEntry, ImageInfo};
pub use label::{Labels, NAME_PREFIX, TAG_PREFIX};
pub use owner::{NoOwner, Owner, OwnerLife};
pub use tunnel::{LARGEST, PIECE, Tunnel, WINDOWS};
