//! What was observed of a submission, as it is stored: the whole of what judging needs.
//!
//! `Err` never stands for what a submission did. An observation says whether the question was
//! answered, could not be reached because of the submission, or failed on our side.

mod clip;
mod file;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ask::Ask;
use crate::fact::Facts;
use crate::nonce::Values;
pub use crate::submission::Provenance;

pub use clip::{clip, clip_log};
pub use file::{EvidenceError, read, write};

/// The format this version writes.
pub const FORMAT: &str = "grade/evidence/v1";

/// Everything observed of one submission.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// [`FORMAT`].
    pub format: String,
    /// The version of `grade` that observed.
    pub grader: String,
    /// When observing began, RFC 3339 in UTC.
    pub started_at: String,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// The rubric that was asked from.
    pub rubric: RubricStamp,
    /// What was handed in.
    pub submission: Provenance,
    /// The engine that answered; `None` when none did.
    pub engine: Option<EngineStamp>,
    /// Values of the run that expectations name.
    pub values: Values,
    /// Where the instructions of the student's Dockerfile stand.
    pub dockerfile: Option<DockerfileMap>,
    /// The id of the image that the submission itself built to.
    pub image: Option<String>,
    /// The facts that each kind of probe could tell, by kind: one that is not among them was not
    /// asked for, which is another thing than absent. Older evidence does not say.
    #[serde(default)]
    pub tells: BTreeMap<String, Vec<String>>,
    /// The answers, in the rubric's order.
    pub observations: Vec<Observation>,
}

/// Which rubric was used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RubricStamp {
    /// The exercise.
    pub slug: String,
    /// SHA-256 of the rubric's file, in hex.
    pub digest: String,
}

/// The engine that answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineStamp {
    /// Its version.
    pub version: String,
    /// How it was used: `host` or `sandbox`.
    pub mode: String,
}

/// Where the instructions of a Dockerfile stand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DockerfileMap {
    /// Its path in the submission.
    pub path: String,
    /// Each instruction: its line (from 1) and its name in upper case.
    pub instructions: Vec<(u32, String)>,
}

/// One question and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observation {
    /// The question.
    pub ask: Ask,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// The answer.
    pub outcome: Outcome,
}

/// What came of a question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It was answered.
    Observed(Facts),
    /// The submission did not come far enough for it to be asked.
    Unreached {
        /// Why, for the student.
        because: String,
    },
    /// Our side failed; nothing follows for the submission.
    Faulted(Fault),
}

/// A failure of our side: the engine, the machine, the network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// What failed, in one sentence.
    pub message: String,
    /// What to do about it.
    pub advice: Option<String>,
}

impl Evidence {
    /// Whether a fact was asked for, as far as the evidence says.
    pub fn tells(&self, kind: &str, fact: &str) -> bool {
        let name = fact.split_once('.').map_or(fact, |(name, _)| name);
        let is_told = |facts: &Vec<String>| facts.iter().any(|told| told == fact || told == name);
        self.tells.get(kind).is_none_or(is_told)
    }

    /// The observation that answers a question.
    pub fn answer(&self, ask: &Ask) -> Option<&Observation> {
        self.observations.iter().find(|observation| observation.ask == *ask)
    }
}
