//! A rubric: the probes of an exercise, what is expected of their answers, and what it is worth.

mod builds;
mod plays;
mod read;
mod values;

use std::path::PathBuf;
use std::time::Duration;

use crate::ask::Ask;
use crate::document::{Review, Span};
use crate::expect::Expect;
use crate::nonce::Declared;
use crate::recipe::{BuildRecipe, PlayRecipe};

pub use builds::{MOUNT_TYPES, PARENT, SSH_KEY};
pub use plays::{ACTIONS, REGISTRY};
pub use read::read;

/// The format this version reads.
pub const FORMAT: &str = "grade/rubric/v1";
/// The build that every probe means when it names none.
pub const DEFAULT_BUILD: &str = "submission";

/// The images that the course's exercises start from.
pub const BASES: [&str; 4] = ["alpine", "busybox", "debian:bookworm-slim", "python:3.12-slim"];

/// What an exercise is graded by.
#[derive(Clone, Debug)]
pub struct Rubric {
    /// The exercise, as its folder is called.
    pub slug: String,
    /// Its title.
    pub title: String,
    /// The course, for grouping in JUnit.
    pub course: String,
    /// What a submission may cost.
    pub limits: Limits,
    /// The values made anew for each run.
    pub values: Vec<Declared>,
    /// The builds by name, in the order written.
    pub builds: Vec<(String, BuildRecipe)>,
    /// The plays by name, in the order written.
    pub plays: Vec<(String, PlayRecipe)>,
    /// The probes, in the order in which they are judged.
    pub probes: Vec<Probe>,
    /// SHA-256 of the file, in hex.
    pub digest: String,
}

/// What a submission may cost; going beyond is the submission's doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// For one build.
    pub build: Duration,
    /// Bytes of the build context.
    pub context_size: u64,
    /// Files in the build context.
    pub context_files: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { build: Duration::from_secs(300), context_size: 100_000_000, context_files: 10_000 }
    }
}

/// One question, what is expected of its answer, and its worth.
#[derive(Clone, Debug)]
pub struct Probe {
    /// Unique within the rubric.
    pub id: String,
    /// What a student reads as the thing checked.
    pub title: String,
    /// Points when met.
    pub points: u32,
    /// Earlier probes that have to be met first.
    pub needs: Vec<String>,
    /// The question.
    pub ask: Ask,
    /// Expectations by fact; all of them have to hold.
    pub expect: Facets,
    /// The probe applies only where these hold; elsewhere its points are given.
    pub when: Facets,
    /// What is said about the outcome.
    pub words: Words,
    /// Sentences for known mistakes, the first fitting one wins.
    pub cases: Vec<Case>,
    /// Students see the title and mark only.
    pub hidden: bool,
    /// Where things stand in the file, for problems found when the probe is bound to its kind.
    pub spans: ProbeSpans,
}

/// Expectations by fact, in the order written.
pub type Facets = Vec<Facet>;

/// An expectation on one fact.
#[derive(Clone, Debug)]
pub struct Facet {
    /// The fact's name, or `map.key`.
    pub fact: String,
    /// What is expected of it.
    pub expect: Expect,
    /// Where the fact's name stands.
    pub span: Span,
}

/// What is said about a probe's outcome.
#[derive(Clone, Debug, Default)]
pub struct Words {
    /// When it is met.
    pub met: Option<String>,
    /// When it is missed; made from the first missed expectation when `None`.
    pub missed: Option<String>,
    /// How to go on.
    pub hint: Option<String>,
    /// The lesson it belongs to.
    pub lesson: Option<String>,
    /// The instruction of the student's Dockerfile that feedback points at.
    pub look_at: Option<String>,
}

/// A known mistake: what it looks like, and what to say.
#[derive(Clone, Debug)]
pub struct Case {
    /// How it is recognised.
    pub when: Facets,
    /// The sentence.
    pub missed: String,
    /// A hint instead of the probe's own.
    pub hint: Option<String>,
    /// Where the sentence stands.
    pub span: Span,
}

/// Where a probe's parts stand in its file.
#[derive(Clone, Debug, Default)]
pub struct ProbeSpans {
    /// The whole probe.
    pub probe: Span,
    /// The kind's name.
    pub kind: Span,
    /// Each parameter: its name, where that stands, where its value stands.
    pub with: Vec<(String, Span, Span)>,
    /// The words that may hold `{fact}`.
    pub words: Vec<(String, Span)>,
}

/// A rubric as far as it could be read, and what is wrong with it so far.
#[derive(Debug)]
pub struct Draft {
    /// The file.
    pub path: PathBuf,
    /// Its text.
    pub source: String,
    /// What could be read.
    pub rubric: Rubric,
    /// Files that builds take from what the exercise hands out, and where that is said.
    pub given_files: Vec<(String, Span)>,
    /// What is wrong.
    pub review: Review,
}
