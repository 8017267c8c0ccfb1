//! Grades with what they were made from: what every report is made of.

use crate::evidence::{EngineStamp, Evidence, Provenance};

use super::Grade;

/// The grades of one submission or of a class.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gradebook {
    /// One for each submission.
    pub entries: Vec<Entry>,
}

/// One submission's grade and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The grade.
    pub grade: Grade,
    /// What was graded.
    pub submission: Provenance,
    /// The engine it was graded on, when one answered.
    pub engine: Option<EngineStamp>,
    /// The id of the image that the submission built to.
    pub image: Option<String>,
    /// The version of `grade` that observed.
    pub grader: String,
    /// When observing began, RFC 3339 in UTC.
    pub started_at: String,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
}

impl Entry {
    /// Puts a grade beside the evidence it was made from.
    pub fn new(grade: Grade, evidence: &Evidence) -> Entry {
        Entry {
            grade,
            submission: evidence.submission.clone(),
            engine: evidence.engine.clone(),
            image: evidence.image.clone(),
            grader: evidence.grader.clone(),
            started_at: evidence.started_at.clone(),
            duration_ms: evidence.duration_ms,
        }
    }
}
