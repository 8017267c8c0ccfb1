//! One submission graded from beginning to end on one engine, and nothing left behind.

use std::path::PathBuf;
use std::time::Duration;

use rand::RngExt;

use crate::engine::{Engine, Owner};
use crate::evidence::Evidence;
use crate::observe::{make_values, observe};
use crate::plan::Plan;
use crate::probe::{Limits, Progress, Room, Run};
use crate::submission::{ContextLimits, Submission};

/// How long cleaning up may take; `grade clean` removes what is left then.
const LEAVING: Duration = Duration::from_secs(60);

/// What a session needs besides plan and engine.
pub struct Session {
    /// What was handed in.
    pub submission: Submission,
    /// Files that the exercise hands out, for comparing.
    pub given: Option<PathBuf>,
    /// How the engine is used, as evidence records it.
    pub mode: &'static str,
}

/// What came of a session.
pub struct Outcome {
    /// The evidence; `None` when the session was stopped.
    pub evidence: Option<Evidence>,
    /// Why something may be left on the engine. The evidence is not touched by that.
    pub left_behind: Option<String>,
}

impl Session {
    /// Asks all of a plan's questions, unless `stop` ends first, and removes what was made.
    pub async fn run(
        self,
        plan: &Plan,
        engine: Engine,
        listen: Box<dyn Fn(Progress) + Send + Sync>,
        stop: impl Future<Output = ()>,
    ) -> Outcome {
        let values = make_values(&plan.rubric);
        let digest = &self.submission.provenance().digest;
        let run = Run {
            id: run_id(),
            submission: digest.chars().take(12).collect(),
            owner: Owner::this_process().map(|owner| owner.to_string()).unwrap_or_default(),
        };
        let limits = Limits {
            build: plan.rubric.limits.build,
            context: ContextLimits {
                bytes: plan.rubric.limits.context_size,
                entries: plan.rubric.limits.context_files,
            },
        };
        let mut room = Room::new(engine, self.submission, values, limits, run);
        room.given = self.given;
        room.listen = listen;
        let evidence = tokio::select! {
            evidence = observe(plan, &room, self.mode) => Some(evidence),
            () = stop => None,
        };
        let left_behind = match tokio::time::timeout(LEAVING, room.leave()).await {
            Ok(left) => left.err().map(|error| error.to_string()),
            Err(_) => Some("the engine takes too long to remove what the grading made".into()),
        };
        Outcome { evidence, left_behind }
    }
}

fn run_id() -> String {
    let letters = b"abcdefghijklmnopqrstuvwxyz0123456789";
    let mut random = rand::rng();
    (0..12).map(|_| char::from(letters[random.random_range(0..letters.len())])).collect()
}
