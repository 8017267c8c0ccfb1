//! An engine of the submission's own: nested in one container that has hard limits.
//!
//! The container's first process is this program again (`inside`). It makes a disk of a fixed size,
//! a control group for all that the submission does, and an engine, and serves one client at a
//! time. A client reaches it by the standard streams of a command in the container, which every
//! engine can give however far away it is, with a tunnel over them. When the client is gone, however
//! that came, the sandbox empties itself and is warm for the next.

mod claim;
pub mod inside;
mod protocol;

pub use claim::{IMAGE, LABEL, MAKER, Program, Sandbox, Wish};
pub use protocol::{DISK_HOME, HOME, Limit, STUDENT_RUN, STUDENT_SOCKET, SandboxLimits, Use};
