//! What observes submissions: an engine for each, so many at a time as the machine bears.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use crate::engine::{Cause, Engine, EngineError, Machine};
use crate::plan::Plan;
use crate::probe::Progress;
use crate::sandbox::Sandboxes;
use crate::session::{LIMITS, Outcome, Place, Session, UNWANTED, sandbox_config};
use crate::submission::Submission;

/// How long it may take to have a sandbox: one that does not answer is waited for before another
/// is made.
const CLAIMING: Duration = Duration::from_secs(5 * 60);
/// Memory that is left to the machine itself.
const RESERVE: u64 = 1 << 30;
/// Most of a grading is waiting: for containers to start, for checks, for what a student sleeps.
const PER_PROCESSOR: u32 = 2;

/// Hears what goes on with a submission.
pub type Listen = Box<dyn Fn(Progress) + Send + Sync>;

/// What observes submissions.
#[async_trait]
pub trait Observer: Send + Sync {
    /// How, as evidence records it.
    fn mode(&self) -> &'static str;

    /// How long one may take in all.
    fn limit(&self) -> Duration;

    /// Ends what was made ready for submissions that do not come.
    async fn settle(&self) {}

    /// Observes one, unless it is told to stop.
    ///
    /// # Errors
    /// When there was no place to do it: no question was asked.
    async fn observe(
        &self,
        submission: Submission,
        listen: Listen,
        stop: CancellationToken,
    ) -> Result<Outcome, EngineError>;
}

/// Observing on the engine at hand.
pub struct Engines {
    plan: Arc<Plan>,
    outer: Engine,
    sandboxes: Option<Sandboxes>,
    given: Option<PathBuf>,
    limit: Duration,
}

impl Engines {
    /// On the engine itself, for all submissions together.
    pub fn host(plan: Arc<Plan>, outer: Engine, given: Option<PathBuf>, limit: Duration) -> Self {
        Engines { plan, outer, sandboxes: None, given, limit }
    }

    /// In sandboxes on the engine, with this program in each. So many are made ready as there are
    /// `places` for submissions.
    pub fn sandboxes(
        plan: Arc<Plan>,
        outer: Engine,
        given: Option<PathBuf>,
        limit: Duration,
        (program, places): (PathBuf, usize),
    ) -> Self {
        let sandboxes = Sandboxes::new(outer.clone(), sandbox_config(program), places);
        Engines { sandboxes: Some(sandboxes), ..Engines::host(plan, outer, given, limit) }
    }
}

#[async_trait]
impl Observer for Engines {
    fn mode(&self) -> &'static str {
        if self.sandboxes.is_some() { "sandbox" } else { "host" }
    }

    fn limit(&self) -> Duration {
        self.limit
    }

    async fn settle(&self) {
        if let Some(sandboxes) = &self.sandboxes {
            sandboxes.settle().await;
        }
    }

    async fn observe(
        &self,
        submission: Submission,
        listen: Listen,
        stop: CancellationToken,
    ) -> Result<Outcome, EngineError> {
        let place = match &self.sandboxes {
            None => {
                // A sign of life: without one, it is not this submission that has a problem.
                self.outer.machine().await?;
                Place::Host(self.outer.clone())
            }
            Some(sandboxes) => {
                let claiming = Place::sandbox(sandboxes, &self.plan.rubric);
                let mut claiming = Box::pin(tokio::time::timeout(CLAIMING, claiming));
                let Some(claimed) = stop.run_until_cancelled(&mut claiming).await else {
                    let _unwanted = tokio::time::timeout(UNWANTED, claiming).await;
                    return Ok(Outcome { evidence: None, left_behind: None });
                };
                claimed.unwrap_or_else(|_| {
                    Err(EngineError::Sandbox {
                        cause: Cause::Timeout { seconds: CLAIMING.as_secs() },
                    })
                })?
            }
        };
        let session = Session { submission, given: self.given.clone() };
        let stop = stop.cancelled_owned();
        Ok(session.run_within(Some(self.limit), &self.plan, place, listen, stop).await)
    }
}

/// How many submissions a machine bears at a time, where each has up to so many sandboxes; none where
/// all share the engine.
pub fn places(machine: Machine, sandboxes: usize) -> usize {
    let memory_of_one = LIMITS.most_memory().saturating_mul(sandboxes as u64);
    let by_processors = u64::from(machine.processors.saturating_mul(PER_PROCESSOR));
    let by_memory = machine
        .memory
        .and_then(|memory| memory.saturating_sub(RESERVE).checked_div(memory_of_one))
        .unwrap_or(u64::MAX);
    usize::try_from(by_processors.min(by_memory).max(1)).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: u64 = 1 << 30;

    #[test]
    fn a_machine_bears_two_submissions_a_processor_where_its_memory_does() {
        let on = |processors, memory| places(Machine { processors, memory }, 1);
        assert_eq!(on(2, Some(24 * GIB)), 4);
        assert_eq!(on(8, Some(16 * GIB)), 5);
        assert_eq!(on(8, Some(2 * GIB)), 1);
        assert_eq!(on(4, None), 8);
        assert_eq!(places(Machine { processors: 4, memory: Some(2 * GIB) }, 0), 8);
        assert_eq!(places(Machine { processors: 8, memory: Some(16 * GIB) }, 2), 2);
    }
}
