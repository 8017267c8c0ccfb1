//! The outward types of `grade/result/v1`: copies of our own, so that those may change.

use schemars::JsonSchema;
use serde::Serialize;

use crate::evidence;
use crate::judge::{self, Entry, Mark, Verdict, plain};
use crate::report::told;

/// The name of the result format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub enum ResultFormat {
    /// The only version there is.
    #[serde(rename = "grade/result/v1")]
    V1,
}

/// The result of one submission. Every key is always there, null where it does not apply; keys
/// may be added within v1, never changed.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ResultV1 {
    /// What this is.
    pub format: ResultFormat,
    /// The exercise.
    pub assignment: String,
    /// The exercise's title.
    pub title: String,
    /// Whether the score is final.
    pub status: State,
    /// The points.
    pub score: Score,
    /// One for each probe, in the rubric's order.
    pub probes: Vec<Probe>,
    /// Where the submission comes from.
    pub submission: Provenance,
    /// The rubric that made the marks.
    pub rubric: RubricStamp,
    /// The engine it was graded on; null when none answered.
    pub engine: Option<Engine>,
    /// The program that observed.
    pub grader: Grader,
    /// The id of the image that the submission built to; null when it built to none.
    pub image: Option<String>,
    /// When observing began, RFC 3339 in UTC.
    pub started_at: String,
    /// How long observing took, in milliseconds.
    pub duration_ms: u64,
}

/// Whether a score is final.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Every probe was judged.
    Graded,
    /// Something stayed unjudged by a fault of the grader's side: publish no score from this.
    Provisional,
}

/// Whole points; unjudged probes are in neither number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Score {
    /// Points earned.
    pub earned: u32,
    /// Points of all judged probes.
    pub possible: u32,
}

/// The outcome of a probe. Of a hidden one only the id, title, status and points are told.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Probe {
    /// Unique in the exercise.
    pub id: String,
    /// What a student reads as the thing checked.
    pub title: String,
    /// What was decided.
    pub status: Status,
    /// Points earned.
    pub earned: u32,
    /// Points it is worth; not part of the score while unjudged.
    pub possible: u32,
    /// Whether its details are kept from students.
    pub hidden: bool,
    /// What was expected, when missed.
    pub expected: Option<String>,
    /// What was found, when missed.
    pub found: Option<String>,
    /// The first sentence about the outcome.
    pub message: Option<String>,
    /// How to go on.
    pub hint: Option<String>,
    /// The lesson it belongs to.
    pub lesson: Option<String>,
    /// The file to look at, relative to the submission.
    pub file: Option<String>,
    /// The line in that file, from 1.
    pub line: Option<u32>,
    /// The id of the probe that has to pass first, when skipped.
    pub blocked_by: Option<String>,
    /// How long its observation took, in milliseconds; probes may share one.
    pub duration_ms: Option<u64>,
}

/// What was decided about a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// All that was expected holds.
    Passed,
    /// Something expected does not hold.
    Failed,
    /// The submission did not come far enough for it to be asked.
    Skipped,
    /// The grader's side failed to find out.
    Unjudged,
}

/// Where a submission comes from.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Provenance {
    /// The folder or address, as given.
    pub source: String,
    /// The commit, in hex.
    pub commit: Option<String>,
    /// When that commit was made, by its committer's clock: RFC 3339 in UTC.
    pub committed_at: Option<String>,
    /// Whether the folder differs from that commit.
    pub dirty: Option<bool>,
    /// SHA-256 over all files, in hex.
    pub digest: String,
}

/// Which rubric was used.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct RubricStamp {
    /// Its name, which is the exercise's.
    pub slug: String,
    /// SHA-256 of its file, in hex.
    pub digest: String,
}

/// The engine that answered.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Engine {
    /// Its version.
    pub version: String,
    /// How it was used: `host` or `sandbox`.
    pub mode: String,
}

/// The program that observed.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Grader {
    /// Its version.
    pub version: String,
}

impl ResultV1 {
    /// A copy of what an entry says; of hidden probes only the mark, unless asked.
    pub(super) fn of(entry: &Entry, show_hidden: bool) -> ResultV1 {
        let grade = &entry.grade;
        let judge::Score { earned, possible } = grade.score();
        ResultV1 {
            format: ResultFormat::V1,
            assignment: plain(&grade.slug),
            title: plain(&grade.title),
            status: if grade.is_provisional() { State::Provisional } else { State::Graded },
            score: Score { earned, possible },
            probes: grade.marks.iter().map(|mark| Probe::of(mark, show_hidden)).collect(),
            submission: Provenance::of(&entry.submission),
            rubric: RubricStamp { slug: plain(&grade.slug), digest: plain(&grade.rubric_digest) },
            engine: entry.engine.as_ref().map(|engine| Engine {
                version: plain(&engine.version),
                mode: plain(&engine.mode),
            }),
            grader: Grader { version: plain(&entry.grader) },
            image: text(entry.image.as_deref()),
            started_at: plain(&entry.started_at),
            duration_ms: entry.duration_ms,
        }
    }
}

impl Probe {
    fn of(mark: &Mark, show_hidden: bool) -> Probe {
        let told = told(mark, show_hidden);
        let place = told.and_then(|told| told.place.as_ref());
        Probe {
            id: plain(&mark.id),
            title: plain(&mark.title),
            status: Status::of(&mark.verdict),
            earned: mark.earned(),
            possible: mark.points,
            hidden: mark.hidden,
            expected: text(told.and_then(|told| told.expected.as_deref())),
            found: text(told.and_then(|told| told.found.as_deref())),
            message: text(told.map(|told| told.message.as_str())),
            hint: text(told.and_then(|told| told.hint.as_deref())),
            lesson: text(told.and_then(|told| told.lesson.as_deref())),
            file: place.map(|place| plain(&place.file)),
            line: place.map(|place| place.line),
            blocked_by: match &mark.verdict {
                Verdict::Skipped { by } => text(told.and(by.as_deref())),
                _ => None,
            },
            duration_ms: told.and(mark.took_ms),
        }
    }
}

impl Status {
    fn of(verdict: &Verdict) -> Status {
        match verdict {
            Verdict::Met => Status::Passed,
            Verdict::Missed(_) => Status::Failed,
            Verdict::Skipped { .. } => Status::Skipped,
            Verdict::Unjudged(_) => Status::Unjudged,
        }
    }
}

impl Provenance {
    fn of(provenance: &evidence::Provenance) -> Provenance {
        Provenance {
            source: plain(&provenance.source),
            commit: text(provenance.commit.as_deref()),
            committed_at: text(provenance.committed_at.as_deref()),
            dirty: provenance.dirty,
            digest: plain(&provenance.digest),
        }
    }
}

/// An empty text says nothing, so it is null.
pub(super) fn text(text: Option<&str>) -> Option<String> {
    text.map(plain).filter(|text| !text.is_empty())
}
