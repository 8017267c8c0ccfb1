//! An engine that does as it is told: each submission's answers are in its files.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use grade::batch::{Listen, Observer};
use grade::engine::{Cause, EngineError};
use grade::evidence::{EngineStamp, Evidence, Fault, Observation, Outcome};
use grade::fact::{Facts, Value};
use grade::nonce::Values;
use grade::observe::{begin, unobserved};
use grade::plan::Plan;
use grade::session;
use grade::submission::Submission;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// The rubric of these tests; `${more}` stands for further probes.
pub(crate) const RUBRIC: &str = r#"
format = "grade/rubric/v1"
slug   = "lab"
title  = "Made for a test"
lesson = "Tests"

[[probe]]
id     = "builds"
title  = "The image builds"
kind   = "build"
expect = { succeeded = true }
points = 1

[[probe]]
id     = "ends"
title  = "It ends well"
kind   = "run"
expect = { exit_code = 0 }
points = 3
needs  = ["builds"]
"#;

/// What happens at a submission's next turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Our side fails before the first question.
    Fault,
    /// Our side fails at the second question.
    HalfFault,
    /// There is no engine.
    NoPlace,
    /// There never will be one.
    NeverAPlace,
    /// A bug.
    Panic,
    /// It takes that long, unless it is stopped.
    Slow(Duration),
}

/// The engine.
pub(crate) struct Fake {
    plan: Arc<Plan>,
    turns: Mutex<BTreeMap<String, VecDeque<Turn>>>,
    observed: Mutex<Vec<String>>,
    now: AtomicUsize,
    most: AtomicUsize,
}

impl Fake {
    pub(crate) fn new(plan: Arc<Plan>) -> Fake {
        Fake {
            plan,
            turns: Mutex::default(),
            observed: Mutex::default(),
            now: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
        }
    }

    /// What happens at the next turns of a submission; after them, all goes well.
    pub(crate) fn plays(self, student: &str, turns: &[Turn]) -> Fake {
        let mut all = self.turns.lock().expect("no panic");
        all.insert(student.to_owned(), turns.iter().copied().collect());
        drop(all);
        self
    }

    /// Whose submissions were observed, sorted; once for each time.
    pub(crate) fn observed(&self) -> Vec<String> {
        let mut observed = self.observed.lock().expect("no panic").clone();
        observed.sort();
        observed
    }

    /// The most that were observed at the same time.
    pub(crate) fn most(&self) -> usize {
        self.most.load(Ordering::SeqCst)
    }

    fn answers(&self, submission: &Submission, faulty: usize) -> Evidence {
        let mut evidence = begin(&self.plan.rubric, submission, &Values::new());
        evidence.engine = Some(EngineStamp { version: "1".into(), mode: "fake".into() });
        let builds = submission.dockerfile().is_some();
        let exit = submission.file("exit").expect("readable");
        let exit = exit.map_or(0, |file| {
            String::from_utf8_lossy(&file.content).trim().parse().expect("a number")
        });
        for (index, question) in self.plan.questions.iter().enumerate() {
            let facts: Facts = match question.ask.kind.as_str() {
                "build" => [("succeeded".to_owned(), Value::Bool(builds))].into(),
                _ => [("exit_code".to_owned(), Value::Int(exit))].into(),
            };
            let outcome = if index >= faulty {
                Outcome::Faulted(Fault { message: "the engine went away".into(), advice: None })
            } else {
                Outcome::Observed(facts)
            };
            let ask = question.ask.clone();
            // What rests on a build that failed is not asked.
            if index == 0 || builds {
                evidence.observations.push(Observation { ask, took_ms: 1, outcome });
            }
        }
        evidence
    }
}

#[async_trait]
impl Observer for Fake {
    fn mode(&self) -> &'static str {
        "fake"
    }

    fn limit(&self) -> Duration {
        Duration::from_secs(60)
    }

    async fn observe(
        &self,
        submission: Submission,
        _listen: Listen,
        stop: CancellationToken,
    ) -> Result<session::Outcome, EngineError> {
        let name = submission.root().file_name().expect("a name").to_string_lossy().into_owned();
        let turn =
            self.turns.lock().expect("no panic").get_mut(&name).and_then(VecDeque::pop_front);
        if matches!(turn, Some(Turn::NoPlace)) {
            return Err(EngineError::Sandbox { cause: Cause::Other("none to be had".into()) });
        }
        if matches!(turn, Some(Turn::NeverAPlace)) {
            let (detail, advice) = ("no image".to_owned(), "run ci/images".to_owned());
            return Err(EngineError::Sandbox { cause: Cause::Unsupported { detail, advice } });
        }
        self.observed.lock().expect("no panic").push(name.clone());
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        let length =
            if let Some(Turn::Slow(length)) = turn { length } else { Duration::from_millis(2) };
        let stopped = tokio::select! {
            () = stop.cancelled() => true,
            () = tokio::time::sleep(length) => false,
        };
        self.now.fetch_sub(1, Ordering::SeqCst);
        let evidence = match turn {
            _ if stopped => None,
            Some(Turn::Panic) => panic!("{name} found a bug"),
            Some(Turn::Fault) => {
                let fault = Fault { message: "the engine went away".into(), advice: None };
                Some(unobserved(&self.plan, &submission, &fault))
            }
            Some(Turn::HalfFault) => Some(self.answers(&submission, 1)),
            _ => Some(self.answers(&submission, usize::MAX)),
        };
        Ok(session::Outcome { evidence, left_behind: None })
    }
}
