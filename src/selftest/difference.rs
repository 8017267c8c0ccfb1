//! How a grade differs from what it must be, probe by probe.

use std::fmt;

use super::{Exercise, Must, Trial};
use crate::judge::{Grade, Mark, Verdict, line};

/// The most characters of what a probe said.
const SAID: usize = 200;

/// How a trial's grade differs from what it must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// Other marks than stated.
    Marks {
        /// The points it must have.
        must: u32,
        /// The points it has.
        found: u32,
        /// The probes with another mark than they must have.
        probes: Vec<Deviation>,
    },
    /// A starter that gives too much away.
    TooMuch {
        /// It must have fewer points than that.
        below: u32,
        /// The points it has.
        found: u32,
        /// The probes that give them.
        probes: Vec<Deviation>,
    },
}

/// A probe whose mark is another than it must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deviation {
    /// Its id.
    pub probe: String,
    /// What it is worth.
    pub points: u32,
    /// What it must be.
    pub must: State,
    /// What it is.
    pub found: State,
    /// What the student is told about it.
    pub said: String,
    /// Its line in the rubric's file.
    pub line: usize,
}

/// What became of a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// All that was expected holds.
    Met,
    /// Something does not.
    Lost,
    /// It could not be asked.
    Skipped,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Met => "met",
            Self::Lost => "lost",
            Self::Skipped => "skipped",
        })
    }
}

/// Compares a grade, of which all was judged; nothing when it is as it must be.
pub(super) fn difference(exercise: &Exercise, trial: &Trial, grade: &Grade) -> Option<Difference> {
    let found = grade.score().earned;
    let deviation = |mark: &Mark, must: State| {
        let found = state(mark)?;
        Some(Deviation {
            probe: mark.id.clone(),
            points: mark.points,
            must,
            found,
            said: line(&mark.feedback.message, SAID),
            line: exercise.line(&mark.id),
        })
    };
    let (must, probes): (u32, Vec<Deviation>) = match &trial.must {
        Must::StayBelow(below) => {
            if found < *below {
                return None;
            }
            let given = grade.marks.iter().filter(|mark| mark.earned() > 0);
            let probes = given.filter_map(|mark| deviation(mark, State::Lost)).collect();
            return Some(Difference::TooMuch { below: *below, found, probes });
        }
        Must::ScoreFull => {
            let all = grade.marks.iter().filter_map(|mark| deviation(mark, State::Met));
            (exercise.points(), all.filter(is_off).collect())
        }
        Must::Come(expected) => {
            let must = |mark: &Mark| match () {
                () if expected.lost.contains(&mark.id) => State::Lost,
                () if expected.skipped.contains(&mark.id) => State::Skipped,
                () => State::Met,
            };
            let all = grade.marks.iter().filter_map(|mark| deviation(mark, must(mark)));
            (expected.score, all.filter(is_off).collect())
        }
    };
    (found != must || !probes.is_empty()).then_some(Difference::Marks { must, found, probes })
}

fn is_off(deviation: &Deviation) -> bool {
    deviation.must != deviation.found
}

/// What became of a probe; nothing where our side failed to find out.
fn state(mark: &Mark) -> Option<State> {
    match mark.verdict {
        Verdict::Met => Some(State::Met),
        Verdict::Missed(_) => Some(State::Lost),
        Verdict::Skipped { .. } => Some(State::Skipped),
        Verdict::Unjudged(_) => None,
    }
}
