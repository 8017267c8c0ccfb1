//! Probe kinds: each asks one sort of question about a submission and answers with named facts.
//!
//! A kind is one file here, its `mod` line and its line in [`KINDS`].

mod params;
mod room;

mod archive;
mod build;
mod dockerfile;
mod exec;
mod file;
mod find;
mod health;
mod image;
mod layers;
mod leak;
mod run;
mod stage;
mod step;
mod submission;

use async_trait::async_trait;

use crate::ask::Params;
use crate::engine::EngineError;
use crate::evidence::Fault;
use crate::fact::{FactDef, Facts};

pub use params::{ParamDef, ParamShape};
pub use room::{Built, Limits, Progress, Room, Run};

/// Every kind there is, as rubrics may name them.
pub const KINDS: &[Kind] = &[
    archive::KIND,
    build::KIND,
    dockerfile::KIND,
    exec::KIND,
    file::KIND,
    find::KIND,
    health::KIND,
    image::KIND,
    layers::KIND,
    leak::KIND,
    run::KIND,
    stage::KIND,
    submission::KIND,
];

/// A kind of probe.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// Its name in rubrics.
    pub name: &'static str,
    /// What it asks, in a sentence or two.
    pub doc: &'static str,
    /// Its parameters.
    pub params: &'static [ParamDef],
    /// The facts it may answer with.
    pub facts: &'static [FactDef],
    /// Makes a probe of parameters that fit [`Kind::params`].
    pub bind: fn(&Params) -> Result<Box<dyn Observe>, BindError>,
}

/// Parameters that fit their shapes and still make no sense.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BindError {
    /// The parameter.
    pub param: &'static str,
    /// What is wrong with it.
    pub message: String,
}

/// A question, ready to be asked.
#[async_trait]
pub trait Observe: Send + Sync {
    /// Asks it of the submission in the room.
    ///
    /// # Errors
    /// When our side failed. Whatever the submission did is an answer.
    async fn observe(&self, room: &Room) -> Result<Answer, Fault>;
}

/// What came of a question that could be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The facts.
    Facts(Facts),
    /// The submission did not come far enough, and why.
    Unreached(String),
}

/// The kind of that name.
pub fn find(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.name == name)
}

impl From<EngineError> for Fault {
    fn from(error: EngineError) -> Fault {
        Fault { message: error.to_string(), advice: error.advice() }
    }
}
