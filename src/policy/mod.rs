//! The wall between a student's commands and the engine that they run on.
//!
//! The commands speak with the engine over a socket that ends here. Every request is reviewed, made
//! anew from what was reviewed, and sent on; what could reach beyond the student's own containers is
//! refused with a sentence for the student. What is the grader's own is not there for them.
//!
//! Two rules: what is not known is refused, and the engine gets nothing that was not reviewed.
//! Neither path nor query nor JSON goes on as it came, because two readers can read it differently.
//!
//! | file | what is in it |
//! |---|---|
//! | `endpoints`, `route` | the calls that there are, and which one a request is |
//! | `review` | may this request go on, and as what: a pure function |
//! | `query`, `queries`, `json`, `shape` | reading and rebuilding what a request says |
//! | `create`, `harmless`, `mounts`, `namespaces`, `objects` | the bodies, field by field |
//! | `world`, `names` | what is on the engine, and what of it is ours |
//! | `grpc` | the calls inside the stream to BuildKit |
//! | `loads` | the names that archives bring |
//! | `births` | what is kept of a container when it is made |
//! | `serve`, `engine`, `stream`, `pieces`, `answers` | the HTTP around it |
//! | `budget` | how much one play may have us do |
//! | `record` | what the commands did, as only the policy sees it |
//!
//! What it cannot do: it does not see into the archives that are loaded, nor into a build's session,
//! on which the engine asks and the command answers. The engine behind it must grant no entitlements
//! (`network-host` and `security-insecure` off in its configuration), hold no image that a student
//! may not build from, and be reached by this way only; and the grader must call its own images by
//! their ids.
//!
//! A fault is told only when the engine is gone. Whatever else fails, a student can have made fail.

mod answers;
mod births;
mod budget;
mod create;
mod endpoints;
mod engine;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod grpc;
mod harmless;
mod json;
mod loads;
mod mounts;
mod names;
mod namespaces;
mod no;
mod objects;
mod pieces;
mod queries;
mod query;
mod record;
mod review;
mod route;
mod serve;
mod shape;
mod stream;
mod world;

#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::time::SystemTime;

pub use engine::{Dial, Stream};
pub use record::{Events, Output, Record, Refusal, Seen};
pub use serve::serve;
pub use world::OUR_LABEL;

/// Labels that start with this are the grader's own.
const OUR_LABELS: &str = "grade.";

/// What the commands of one play may see.
#[derive(Debug, Clone)]
pub struct Rules {
    /// The submission's folder, as the engine and the commands both see it: an absolute path.
    pub folder: PathBuf,
    /// The start of the play; nothing that happened before is told.
    pub since: SystemTime,
    /// Names of images that are the grader's own, besides all that begin with its registry's name:
    /// nothing can be called so.
    pub hidden_images: Vec<String>,
    /// Ids of images that are the grader's own, whatever they are called.
    pub hidden_ids: Vec<String>,
}

impl Rules {
    /// The rules of a play that starts now.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            since: SystemTime::now(),
            hidden_images: Vec::new(),
            hidden_ids: Vec::new(),
        }
    }

    /// Whether a name of an image is the grader's own.
    fn is_reserved(&self, name: &str) -> bool {
        names::is_reserved(name, &self.hidden_images)
    }
}
