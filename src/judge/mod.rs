//! Judging: a pure function of rubric and evidence, the same every time.
//!
//! No engine, no clock, no file. What our side failed to find out is unjudged and counts neither
//! as earned nor as possible; it is never a zero.

mod class;
mod feedback;
mod gradebook;
mod plain;
mod standing;

use crate::evidence::{Evidence, Observation, Outcome};
use crate::expect::{Check, check};
use crate::fact::{Facts, look_up};
use crate::nonce::{self, Values};
use crate::rubric::{Facets, Probe, Rubric};

pub use class::{Came, Row, Student};
pub use feedback::{Feedback, Place, placeholders};
pub use gradebook::{Entry, Gradebook};
pub use plain::{line, plain};
pub use standing::{Decision, Late, LatePolicy, Points, Standing, Timing};

/// The outcome of a submission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grade {
    /// The exercise.
    pub slug: String,
    /// Its title.
    pub title: String,
    /// Its course.
    pub course: String,
    /// SHA-256 of the rubric that made this grade, in hex.
    pub rubric_digest: String,
    /// One mark for each probe, in the rubric's order.
    pub marks: Vec<Mark>,
}

/// The outcome of one probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The probe's id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// The points it is worth.
    pub points: u32,
    /// Whether students see the title and mark only.
    pub hidden: bool,
    /// What was decided.
    pub verdict: Verdict,
    /// The probe does not apply to this submission, and its points are given.
    pub excused: bool,
    /// What is said about it.
    pub feedback: Feedback,
    /// How long the observation took, in milliseconds; shared observations count in each mark.
    pub took_ms: Option<u64>,
    /// The place of that observation in the evidence: marks of the same one share its time.
    pub observation: Option<usize>,
}

/// What was decided about a probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// All that was expected holds, or the probe does not apply.
    Met,
    /// These expectations do not hold: the fact, and how it was checked.
    Missed(Vec<(String, Check)>),
    /// It could not be asked because of the submission.
    Skipped {
        /// The probe that has to be met first, when there is one.
        by: Option<String>,
    },
    /// Our side failed to find out.
    Unjudged(String),
}

/// Points earned, of those that could be judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Score {
    /// Points earned.
    pub earned: u32,
    /// Points of all judged probes.
    pub possible: u32,
}

impl Grade {
    /// The sum of the marks.
    pub fn score(&self) -> Score {
        let judged = self.marks.iter().filter(|mark| !mark.is_unjudged());
        Score {
            earned: self.marks.iter().map(Mark::earned).sum(),
            possible: judged.map(|mark| mark.points).sum(),
        }
    }

    /// Whether something stayed unjudged, so that the score is not final.
    pub fn is_provisional(&self) -> bool {
        self.marks.iter().any(Mark::is_unjudged)
    }
}

impl Mark {
    /// Points earned.
    pub fn earned(&self) -> u32 {
        if self.verdict == Verdict::Met { self.points } else { 0 }
    }

    /// Whether our side failed to find out.
    pub fn is_unjudged(&self) -> bool {
        matches!(self.verdict, Verdict::Unjudged(_))
    }
}

/// Judges evidence by a rubric.
pub fn judge(rubric: &Rubric, evidence: &Evidence) -> Grade {
    let mut marks: Vec<Mark> = Vec::with_capacity(rubric.probes.len());
    for probe in &rubric.probes {
        let mark = mark(probe, &marks, evidence);
        marks.push(mark);
    }
    Grade {
        slug: rubric.slug.clone(),
        title: rubric.title.clone(),
        course: rubric.course.clone(),
        rubric_digest: rubric.digest.clone(),
        marks,
    }
}

/// Judges one probe, given the marks of those before it.
pub fn mark(probe: &Probe, before: &[Mark], evidence: &Evidence) -> Mark {
    let observation = evidence.answer(&probe.ask);
    let unknown = unknown(probe, observation, evidence);
    let excused = has_excused_need(probe, before)
        || (unknown.is_none() && is_excused(probe, observation, &evidence.values));
    let (verdict, feedback) = match blocked(probe, before) {
        Some(verdict) => {
            let feedback = feedback::blocked(probe, &verdict, before);
            (verdict, feedback)
        }
        None if excused => (Verdict::Met, feedback::not_applicable(probe)),
        None => match unknown {
            Some(reason) => feedback::unjudged(probe, &reason, Some(feedback::GRADE_AGAIN)),
            None => decide(probe, observation, evidence),
        },
    };
    Mark {
        id: probe.id.clone(),
        title: probe.title.clone(),
        points: probe.points,
        hidden: probe.hidden,
        excused: excused && verdict == Verdict::Met,
        verdict,
        feedback,
        took_ms: observation.map(|observation| observation.took_ms),
        observation: evidence.observations.iter().position(|other| other.ask == probe.ask),
    }
}

/// Whether a probe is decided by the marks before it, so that its question need not be asked.
pub fn is_decided(probe: &Probe, before: &[Mark]) -> bool {
    has_excused_need(probe, before) || blocked(probe, before).is_some()
}

fn has_excused_need(probe: &Probe, before: &[Mark]) -> bool {
    before.iter().any(|mark| mark.excused && probe.needs.contains(&mark.id))
}

/// The verdict that follows from needs alone: a missed need decides, an unjudged one leaves open.
fn blocked(probe: &Probe, before: &[Mark]) -> Option<Verdict> {
    let needs = || before.iter().filter(|mark| probe.needs.contains(&mark.id));
    for need in needs() {
        match &need.verdict {
            Verdict::Met | Verdict::Unjudged(_) => {}
            // The cause is what the student has to mend first, however long the chain.
            Verdict::Skipped { by: Some(cause) } => {
                return Some(Verdict::Skipped { by: Some(cause.clone()) });
            }
            Verdict::Missed(_) | Verdict::Skipped { by: None } => {
                return Some(Verdict::Skipped { by: Some(need.id.clone()) });
            }
        }
    }
    needs().find_map(|need| match &need.verdict {
        Verdict::Unjudged(reason) => Some(Verdict::Unjudged(reason.clone())),
        _ => None,
    })
}

fn decide(
    probe: &Probe,
    observation: Option<&Observation>,
    evidence: &Evidence,
) -> (Verdict, Feedback) {
    match observation.map(|observation| &observation.outcome) {
        None => {
            let reason = "the evidence holds no answer to this question";
            feedback::unjudged(probe, reason, Some(feedback::GRADE_AGAIN))
        }
        Some(Outcome::Faulted(fault)) => {
            feedback::unjudged(probe, &fault.message, fault.advice.as_deref())
        }
        Some(Outcome::Unreached { because }) => {
            (Verdict::Skipped { by: None }, feedback::unreached(probe, because, &evidence.values))
        }
        Some(Outcome::Observed(facts)) => {
            let missed = missed(&probe.expect, facts, &evidence.values);
            if missed.is_empty() {
                return (Verdict::Met, feedback::met(probe, facts, evidence));
            }
            let feedback = feedback::missed(probe, &missed, facts, evidence);
            (Verdict::Missed(missed), feedback)
        }
    }
}

/// What an answer leaves open that the rubric asks for: a fact that was not asked for when the
/// evidence was taken, or a value of the run that was not kept.
fn unknown(
    probe: &Probe,
    observation: Option<&Observation>,
    evidence: &Evidence,
) -> Option<String> {
    let Some(Outcome::Observed(facts)) = observation.map(|one| &one.outcome) else { return None };
    probe.expect.iter().chain(&probe.when).find_map(|facet| {
        let fact = &facet.fact;
        if !evidence.tells(&probe.ask.kind, fact) && look_up(facts, fact).is_none() {
            return Some(format!("the evidence was taken before `{fact}` could be told"));
        }
        let mut names = facet.expect.texts().into_iter().flat_map(nonce::names);
        let lost = names.find(|name| !evidence.values.contains_key(*name))?;
        Some(format!("the evidence does not hold the value ${{{lost}}} of its run"))
    })
}

/// Whether a probe does not apply because its guard does not hold. An absent fact excuses nobody.
fn is_excused(probe: &Probe, observation: Option<&Observation>, values: &Values) -> bool {
    let Some(Outcome::Observed(facts)) = observation.map(|one| &one.outcome) else { return false };
    probe.when.iter().any(|facet| {
        let found = look_up(facts, &facet.fact);
        found.is_some() && !check(&facet.expect, found.as_ref(), values).met
    })
}

fn missed(expect: &Facets, facts: &Facts, values: &Values) -> Vec<(String, Check)> {
    expect
        .iter()
        .map(|facet| {
            let found = look_up(facts, &facet.fact);
            (facet.fact.clone(), check(&facet.expect, found.as_ref(), values))
        })
        .filter(|(_, check)| !check.met)
        .collect()
}
