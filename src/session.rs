//! One submission graded from beginning to end, and nothing left behind.

mod attempts;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::RngExt;

use crate::context::ContextLimits;
use crate::engine::{Engine, EngineError, Owner, SshKey};
use crate::evidence::Evidence;
use crate::observe::{make_values, observe};
use crate::plan::Plan;
use crate::play::REGISTRY_IMAGE;
use crate::probe::{Limits, Progress, Room, Run};
use crate::recipe::Network;
use crate::rubric::{BASES, Rubric};
use crate::sandbox::{Sandbox, SandboxConfig, SandboxLimits, Sandboxes};
use crate::submission::Submission;
use attempts::Attempts;

/// How long cleaning up may take; `grade clean` removes what is left then. A busy disk takes a minute
/// for the layers of one large build.
const LEAVING: Duration = Duration::from_secs(240);

/// What a submission may take of the machine, whatever it does: enough for the course's exercises,
/// little enough for a laptop.
pub const LIMITS: SandboxLimits = SandboxLimits { memory: 2 << 30, processes: 1024, disk: 8 << 30 };

/// How long it may take, in all, until what failed is not tried once more.
const PATIENCE: Duration = Duration::from_secs(10 * 60);

/// How long a sandbox that is not wanted any more may take until it is there. Half made it would stay;
/// whole and nobody's, it ends by itself.
pub const UNWANTED: Duration = Duration::from_secs(5);

/// Hears what goes on, in every attempt.
type Listen = Arc<dyn Fn(Progress) + Send + Sync>;

/// Where a submission is built and run.
pub enum Place {
    /// The engine at hand, shared with everybody.
    Host(Engine),
    /// An engine of its own.
    Sandbox(Arc<Sandbox>),
}

/// What the sandboxes of submissions are like, whatever the exercise.
pub fn sandbox_config(program: PathBuf) -> SandboxConfig {
    let bases = BASES.map(str::to_owned).into();
    SandboxConfig { limits: LIMITS, bases, own: vec![REGISTRY_IMAGE.to_owned()], program }
}

/// How many sandboxes a submission has at a time, at most: each play but the first has one of its own.
pub fn sandboxes_at_once(rubric: &Rubric) -> usize {
    rubric.plays.len().clamp(1, 2)
}

/// Whether some build of a rubric may use the network.
fn has_network(rubric: &Rubric) -> bool {
    rubric.builds.iter().any(|(_, recipe)| recipe.network == Network::Default)
}

impl Place {
    /// An engine of the submission's own.
    ///
    /// # Errors
    /// When there is none to be had.
    pub async fn sandbox(sandboxes: &Sandboxes, rubric: &Rubric) -> Result<Place, EngineError> {
        let sandbox = sandboxes.claim(has_network(rubric)).await?;
        Ok(Place::Sandbox(Arc::new(sandbox)))
    }

    /// The engine.
    pub fn engine(&self) -> &Engine {
        match self {
            Place::Host(engine) => engine,
            Place::Sandbox(sandbox) => &sandbox.engine,
        }
    }

    /// As evidence records it.
    fn mode(&self) -> &'static str {
        match self {
            Place::Host(_) => "host",
            Place::Sandbox(_) => "sandbox",
        }
    }
}

/// What a session needs besides plan and place.
pub struct Session {
    /// What was handed in.
    pub submission: Submission,
    /// Files that the exercise hands out, for comparing.
    pub given: Option<PathBuf>,
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
        place: Place,
        listen: Box<dyn Fn(Progress) + Send + Sync>,
        stop: impl Future<Output = ()>,
    ) -> Outcome {
        self.run_within(None, plan, place, listen, stop).await
    }

    /// [`Session::run`] with a limit for all of it: what is not answered by then stays unjudged.
    ///
    /// What our side failed to answer in a sandbox is asked again in a fresh one, with all the rest.
    pub async fn run_within(
        self,
        limit: Option<Duration>,
        plan: &Plan,
        mut place: Place,
        listen: Box<dyn Fn(Progress) + Send + Sync>,
        stop: impl Future<Output = ()>,
    ) -> Outcome {
        let until = limit.and_then(|limit| Instant::now().checked_add(limit));
        let patience = Instant::now() + PATIENCE;
        let listen: Listen = Arc::from(listen);
        let mut stop = std::pin::pin!(stop);
        let mut attempts = Attempts::default();
        loop {
            let next = match &place {
                Place::Host(_) => None,
                Place::Sandbox(sandbox) => Some(Arc::clone(sandbox)),
            };
            // Boxed, as all that is asked lies in it.
            let attempt =
                Box::pin(self.attempt(until, plan, place, Arc::clone(&listen), stop.as_mut()));
            let outcome = attempt.await;
            let Some(evidence) = outcome.evidence else { return outcome };
            let left_behind = outcome.left_behind;
            let is_enough = attempts.take(evidence) || Instant::now() > patience;
            let Some(sandbox) = next.filter(|_| !is_enough) else {
                return Outcome { evidence: attempts.result(), left_behind };
            };
            let another = tokio::select! {
                another = sandbox.another() => another,
                () = stop.as_mut() => return Outcome { evidence: None, left_behind },
            };
            place = match another {
                Ok(another) => Place::Sandbox(Arc::new(another)),
                Err(_) => return Outcome { evidence: attempts.result(), left_behind },
            };
        }
    }

    async fn attempt(
        &self,
        until: Option<Instant>,
        plan: &Plan,
        place: Place,
        listen: Listen,
        stop: impl Future<Output = ()>,
    ) -> Outcome {
        let ssh_key = SshKey::make();
        let values = make_values(&plan.rubric, &ssh_key);
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
        let mode = place.mode();
        let submission = self.submission.clone();
        let mut room = Room::new(place.engine().clone(), submission, values, limits, run);
        if let Place::Sandbox(sandbox) = place {
            room.sandbox = Some(sandbox);
        }
        room.given.clone_from(&self.given);
        room.slug = plan.rubric.slug.clone();
        room.outside = room.sandbox.is_none() || has_network(&plan.rubric);
        room.ssh_key = ssh_key;
        room.listen = Box::new(move |progress| listen(progress));
        room.until = until;
        let evidence = tokio::select! {
            evidence = observe(plan, &room, mode) => Some(evidence),
            () = stop => None,
        };
        if let Some(sandbox) = &room.sandbox {
            let _ = tokio::time::timeout(LEAVING, sandbox.leave()).await;
            // It ends with all that is in it.
            return Outcome { evidence, left_behind: None };
        }
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
