//! An engine of the submission's own: nested in one container that has hard limits, and is used once.
//!
//! The container's first process is this program again (`inside`). It makes a disk of a fixed size,
//! a control group for all that the submission does, and an engine that starts from the course's
//! images, prepared once and shared read-only (`bases`); then it serves one client. A client reaches
//! it by the standard streams of a command in the container, which every engine can give however far
//! away it is, with a tunnel over them. When the client is gone, however that came, the container ends
//! with all that is in it. The next one was made ready meanwhile (`sandboxes`).

mod bases;
mod claim;
mod container;
pub mod inside;
mod left;
mod protocol;
mod sandboxes;

pub use bases::TOOLS;
pub use claim::Sandbox;
pub use container::{IMAGE, MAKER, SandboxConfig};
pub use left::Left;
pub use protocol::{
    DISK_HOME, HOME, Images, Limit, PROGRAMS, STUDENT_RUN, STUDENT_SOCKET, SandboxLimits, Use,
};
pub use sandboxes::{LABEL, Sandboxes};
