//! The attempts at one submission: a question that our side fails to answer is asked again.

use crate::ask::Ask;
use crate::evidence::{Evidence, Fault, Outcome};

/// So often all is asked, each time in a fresh sandbox.
const ATTEMPTS: usize = 3;

/// What came of the attempts up to now.
#[derive(Default)]
pub(super) struct Attempts {
    made: usize,
    /// The one with the fewest questions that our side failed to answer.
    best: Option<Evidence>,
    /// The questions that were never answered.
    never: Vec<Ask>,
}

impl Attempts {
    /// Takes what came of one; whether no further one is wanted.
    pub(super) fn take(&mut self, evidence: Evidence) -> bool {
        let faulted: Vec<Ask> = faults(&evidence).cloned().collect();
        if self.made == 0 {
            self.never.clone_from(&faulted);
        } else {
            self.never.retain(|ask| faulted.contains(ask));
        }
        self.made += 1;
        if self.best.as_ref().is_none_or(|best| faulted.len() < faults(best).count()) {
            self.best = Some(evidence);
        }
        faulted.is_empty() || self.made >= ATTEMPTS
    }

    /// The best of them. Of what failed in every one, it says that it did.
    pub(super) fn result(self) -> Option<Evidence> {
        let mut evidence = self.best?;
        for observation in &mut evidence.observations {
            if let Outcome::Faulted(fault) = &mut observation.outcome
                && self.made > 1
                && self.never.contains(&observation.ask)
            {
                note(fault, self.made);
            }
        }
        Some(evidence)
    }
}

/// The questions that our side failed to answer.
fn faults(evidence: &Evidence) -> impl Iterator<Item = &Ask> {
    let faulted = |outcome: &Outcome| matches!(outcome, Outcome::Faulted(_));
    evidence.observations.iter().filter(move |one| faulted(&one.outcome)).map(|one| &one.ask)
}

fn note(fault: &mut Fault, made: usize) {
    let note = format!(
        "it was asked {made} times, each time in a fresh sandbox; if other submissions are judged, \
         look at what this one does"
    );
    fault.advice = Some(match fault.advice.take() {
        Some(advice) => format!("{advice}; {note}"),
        None => note,
    });
}
