//! Observing: the plan's questions, asked of one submission, some of them at a time.
//!
//! A question is not asked when the probes that need it are lost already; what is not asked is
//! not in the evidence. The room is left clean however it goes.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use rand::RngExt;

use crate::engine::SshKey;
use crate::evidence::{
    DockerfileMap, EngineStamp, Evidence, FORMAT, Fault, Observation, Outcome, RubricStamp, clip,
    clip_log,
};
use crate::fact::{Facts, Value};
use crate::judge::{self, Mark};
use crate::nonce::{self, Values, hide};
use crate::plan::{Plan, Question};
use crate::probe::{self, Answer, Kind, Progress, Room};
use crate::recipe::BuildRecipe;
use crate::rubric::{DEFAULT_BUILD, Probe, Rubric};
use crate::sandbox::{Limit, Use};
use crate::submission::Submission;
use crate::unit::millis;

/// Questions of one submission that are asked at the same time.
const AT_ONCE: usize = 4;
/// No question takes longer: a wait without an end must not become one for a class.
const LONGEST: Duration = Duration::from_secs(30 * 60);

/// The values of one run, fresh from the system's randomness, and its SSH key.
pub fn make_values(rubric: &Rubric, ssh_key: &SshKey) -> Values {
    let letters = b"abcdefghijklmnopqrstuvwxyz";
    let all = b"abcdefghijklmnopqrstuvwxyz0123456789";
    nonce::make(&rubric.values, &ssh_key.public(), |length| {
        let mut random = rand::rng();
        let first = letters[random.random_range(0..letters.len())];
        let rest = (1..length).map(|_| all[random.random_range(0..all.len())]);
        std::iter::once(first).chain(rest).map(char::from).collect()
    })
}

/// Evidence with everything but answers: what is known before the first question.
pub fn begin(rubric: &Rubric, submission: &Submission, values: &Values) -> Evidence {
    let wanted = expected_values(rubric);
    let kept = values.iter().filter(|(name, _)| wanted.contains(name.as_str()));
    let dockerfile = submission.dockerfile().map(|dockerfile| DockerfileMap {
        path: dockerfile.path.clone(),
        instructions: dockerfile
            .summary
            .as_ref()
            .map(|summary| summary.instructions.clone())
            .unwrap_or_default(),
    });
    Evidence {
        format: FORMAT.into(),
        grader: env!("CARGO_PKG_VERSION").into(),
        started_at: jiff::Timestamp::now().to_string(),
        duration_ms: 0,
        rubric: RubricStamp { slug: rubric.slug.clone(), digest: rubric.digest.clone() },
        submission: submission.provenance().clone(),
        engine: None,
        values: kept.map(|(name, made)| (name.clone(), made.clone())).collect(),
        dockerfile,
        image: None,
        tells: told_facts(rubric),
        observations: Vec::new(),
    }
}

/// Asks all of a plan's questions in a room, and leaves it.
pub async fn observe(plan: &Plan, room: &Room, mode: &str) -> Evidence {
    let began = Instant::now();
    let mut evidence = begin(&plan.rubric, &room.submission, &room.values);
    evidence.engine =
        Some(EngineStamp { version: room.engine.info().version.clone(), mode: mode.into() });
    let hidden: Values = room
        .values
        .iter()
        .filter(|(name, _)| !evidence.values.contains_key(*name))
        .map(|(name, made)| (name.clone(), made.clone()))
        .collect();
    ask_all(plan, room, &hidden, &mut evidence).await;
    evidence.image = own_image(plan, room);
    evidence.duration_ms = millis(began.elapsed());
    let place = |observation: &Observation| {
        plan.questions.iter().position(|question| question.ask == observation.ask)
    };
    evidence.observations.sort_by_key(place);
    evidence
}

/// Evidence of a submission that could not be observed at all, by our fault.
pub fn unobserved(plan: &Plan, submission: &Submission, fault: &Fault) -> Evidence {
    let mut evidence = begin(&plan.rubric, submission, &Values::new());
    let faulted = plan.questions.iter().map(|question| Observation {
        ask: question.ask.clone(),
        took_ms: 0,
        outcome: Outcome::Faulted(fault.clone()),
    });
    evidence.observations.extend(faulted);
    evidence
}

async fn ask_all(plan: &Plan, room: &Room, hidden: &Values, evidence: &mut Evidence) {
    let mut marks: Vec<Mark> = Vec::new();
    let mut asked: Vec<bool> = vec![false; plan.questions.len()];
    let mut running: FuturesUnordered<BoxFuture<'_, Observation>> = FuturesUnordered::new();
    loop {
        settle(&plan.rubric, evidence, &mut marks);
        for (index, question) in plan.questions.iter().enumerate() {
            if running.len() < AT_ONCE && !asked[index] && is_wanted(plan, question, &marks) {
                asked[index] = true;
                let title = title_of(plan, question);
                running.push(Box::pin(ask(question, title, room, hidden)));
            }
        }
        match running.next().await {
            Some(observation) => evidence.observations.push(observation),
            None => return,
        }
    }
}

/// Marks every probe that can be decided by now.
fn settle(rubric: &Rubric, evidence: &Evidence, marks: &mut Vec<Mark>) {
    for probe in &rubric.probes {
        let is_new = !marks.iter().any(|mark| mark.id == probe.id);
        let is_open = !judge::is_decided(probe, marks) && evidence.answer(&probe.ask).is_none();
        if is_new && has_needs(probe, marks) && !is_open {
            let mark = judge::mark(probe, marks, evidence);
            marks.push(mark);
        }
    }
}

fn has_needs(probe: &Probe, marks: &[Mark]) -> bool {
    probe.needs.iter().all(|need| marks.iter().any(|mark| mark.id == *need))
}

/// Whether some probe can be decided by this question and by nothing else.
fn is_wanted(plan: &Plan, question: &Question, marks: &[Mark]) -> bool {
    plan.rubric.probes.iter().any(|probe| {
        probe.ask == question.ask
            && has_needs(probe, marks)
            && !marks.iter().any(|mark| mark.id == probe.id)
    })
}

fn title_of(plan: &Plan, question: &Question) -> String {
    let probe = plan.rubric.probes.iter().find(|probe| probe.ask == question.ask);
    probe.map(|probe| probe.title.clone()).unwrap_or_default()
}

async fn ask(question: &Question, title: String, room: &Room, hidden: &Values) -> Observation {
    (room.listen)(Progress::Began { title: title.clone() });
    let began = Instant::now();
    let before = room.limits_used().await;
    let left = room.until.map(|until| until.saturating_duration_since(began));
    let limit = left.map_or(LONGEST, |left| left.min(LONGEST));
    let outcome = match tokio::time::timeout(limit, question.probe.observe(room)).await {
        Ok(Ok(Answer::Facts(facts))) => Outcome::Observed(stored(facts, hidden)),
        Ok(Ok(Answer::Unreached(because))) => {
            Outcome::Unreached { because: hide(&because, hidden) }
        }
        Ok(Err(fault)) => faulted(fault, room, before, hidden).await,
        Err(_) if limit < LONGEST => Outcome::Faulted(Fault {
            message: "the whole submission took longer than it may".into(),
            advice: Some("see what it waits for, or give it a longer limit".into()),
        }),
        Err(_) => Outcome::Faulted(Fault {
            message: "no answer within half an hour".into(),
            advice: None,
        }),
    };
    (room.listen)(Progress::Ended { title });
    Observation { ask: question.ask.clone(), took_ms: millis(began.elapsed()), outcome }
}

/// A failure, which is the submission's where it took all that it may have of the engine's sandbox.
async fn faulted(fault: Fault, room: &Room, before: Option<Use>, hidden: &Values) -> Outcome {
    let message = hide(&fault.message, hidden);
    match Limit::hit(before, room.limits_used().await, "") {
        Some(limit) => Outcome::Unreached { because: format!("{}: {message}", limit.sentence()) },
        None => Outcome::Faulted(Fault { message, ..fault }),
    }
}

/// Facts as evidence keeps them: bounded, and without the values that judging does not need.
fn stored(facts: Facts, hidden: &Values) -> Facts {
    let cover = |text: String| hide(&text, hidden);
    let entries = facts.into_iter().map(|(name, value)| {
        let clipped = if name == "log" { clip_log(value) } else { clip(value) };
        let value = match clipped {
            Value::Text(text) => Value::Text(cover(text)),
            Value::List(items) => Value::List(items.into_iter().map(cover).collect()),
            Value::Map(map) => {
                Value::Map(map.into_iter().map(|(key, text)| (cover(key), cover(text))).collect())
            }
            plain => plain,
        };
        (name, value)
    });
    entries.collect()
}

/// The facts that the kinds of a rubric's probes can tell, by kind.
fn told_facts(rubric: &Rubric) -> BTreeMap<String, Vec<String>> {
    let kinds = rubric.probes.iter().filter_map(|probe| probe::find(&probe.ask.kind));
    let names = |kind: &Kind| kind.facts.iter().map(|fact| fact.name.to_owned()).collect();
    kinds.map(|kind| (kind.name.to_owned(), names(kind))).collect()
}

/// The names of the values that expectations compare with.
fn expected_values(rubric: &Rubric) -> BTreeSet<&str> {
    let facets = rubric.probes.iter().flat_map(|probe| {
        let cases = probe.cases.iter().flat_map(|case| &case.when);
        probe.expect.iter().chain(&probe.when).chain(cases)
    });
    facets.flat_map(|facet| facet.expect.texts()).flat_map(nonce::names).collect()
}

/// The image of the submission's own build, if some probe had it built.
fn own_image(plan: &Plan, room: &Room) -> Option<String> {
    let recipe: &BuildRecipe =
        &plan.rubric.builds.iter().find(|(name, _)| name == DEFAULT_BUILD)?.1;
    room.built(recipe)
}
