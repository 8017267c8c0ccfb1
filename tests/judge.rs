//! The judge: a pure function of rubric and evidence, tested without an engine.

#![expect(clippy::unwrap_used, reason = "a test says what is wrong by panicking")]

use std::path::Path;

use grade::document::Problems;
use grade::evidence::{DockerfileMap, Evidence, FORMAT, Fault, Observation, Outcome, RubricStamp};
use grade::fact::{Facts, Value};
use grade::judge::{Grade, Mark, Verdict, judge};
use grade::nonce::{Made, Values};
use grade::plan::{self, Plan};
use grade::rubric;
use proptest::prelude::*;

const RUBRIC: &str = r#"
format = "grade/rubric/v1"
slug = "t"
title = "T"
lesson = "L"

[values]
token = { random = 12 }

[[probe]]
id = "builds"
title = "It builds"
kind = "build"
expect = { succeeded = true }
points = 1
missed = "The build stopped at {failed_step}."

[[probe]]
id = "labelled"
title = "It is labelled"
kind = "image"
expect."labels.a.b" = "${token}"
points = 2
needs = ["builds"]
look_at = "LABEL"
[[probe.case]]
when = { "labels.a.b" = { absent = true } }
missed = "There is no label a.b."
hint = "Set it."
[[probe.case]]
when = { "labels.a.b" = { matches = "." } }
missed = "The label is {labels.a.b}."

[[probe]]
id = "declares"
title = "It declares"
kind = "dockerfile"
expect = { parses = true }
when = { declared_args = ["V"] }
points = 0
needs = ["builds"]

[[probe]]
id = "follows"
title = "It follows"
kind = "run"
expect = { exit_code = 0 }
points = 4
needs = ["declares"]

[[probe]]
id = "last"
title = "It ends"
kind = "run"
with = { command = ["true"] }
expect = { exit_code = 0 }
points = 8
needs = ["labelled"]
"#;

fn plan(text: &str) -> Result<Plan, Problems> {
    plan::bind(rubric::read(Path::new("t.toml"), text.to_owned()))
}

fn facts(entries: &[(&str, Value)]) -> Outcome {
    let entries = entries.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
    Outcome::Observed(entries.collect::<Facts>())
}

fn labels(value: &str) -> Outcome {
    let map = [("a.b".to_owned(), value.to_owned())].into();
    facts(&[("labels", Value::Map(map))])
}

fn fault() -> Outcome {
    Outcome::Faulted(Fault {
        message: "the engine is gone".into(),
        advice: Some("start it".into()),
    })
}

/// Evidence that answers the rubric's questions in order; `None` leaves one unanswered.
fn evidence(plan: &Plan, outcomes: [Option<Outcome>; 5]) -> Evidence {
    let token = Made { value: "tok3n0000000".into(), says: "‹token›".into() };
    let questions = plan.questions.iter().map(|question| question.ask.clone());
    let answered = questions
        .zip(outcomes)
        .filter_map(|(ask, outcome)| Some(Observation { ask, took_ms: 7, outcome: outcome? }));
    Evidence {
        format: FORMAT.into(),
        grader: "0".into(),
        started_at: "2026-01-01T00:00:00Z".into(),
        duration_ms: 1,
        rubric: RubricStamp { slug: "t".into(), digest: String::new() },
        submission: Default::default(),
        engine: None,
        values: Values::from([("token".into(), token)]),
        dockerfile: Some(DockerfileMap {
            path: "Dockerfile".into(),
            instructions: vec![(1, "FROM".into()), (4, "LABEL".into()), (9, "LABEL".into())],
        }),
        image: None,
        tells: Default::default(),
        observations: answered.collect(),
    }
}

fn grade(outcomes: [Option<Outcome>; 5]) -> Grade {
    let plan = plan(RUBRIC).unwrap();
    judge(&plan.rubric, &evidence(&plan, outcomes))
}

fn mark<'a>(grade: &'a Grade, id: &str) -> &'a Mark {
    grade.marks.iter().find(|mark| mark.id == id).unwrap()
}

fn score(grade: &Grade) -> (u32, u32) {
    (grade.score().earned, grade.score().possible)
}

fn built() -> Option<Outcome> {
    Some(facts(&[("succeeded", true.into())]))
}

fn declared(names: &[&str]) -> Option<Outcome> {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    Some(facts(&[("parses", true.into()), ("declared_args", names.into())]))
}

fn exits(code: i64) -> Option<Outcome> {
    Some(facts(&[("exit_code", code.into())]))
}

#[test]
fn everything_met_is_the_full_score() {
    let right = Some(labels("tok3n0000000"));
    let grade = grade([built(), right, declared(&["V"]), exits(0), exits(0)]);
    assert_eq!((score(&grade), grade.is_provisional()), ((15, 15), false));
}

#[test]
fn a_missed_need_blocks_and_names_the_first_cause() {
    let failed = facts(&[("succeeded", false.into()), ("failed_step", "RUN x".into())]);
    let grade = grade([Some(failed), None, None, None, None]);
    assert_eq!((score(&grade), grade.is_provisional()), ((0, 15), false));
    assert_eq!(mark(&grade, "builds").feedback.message, "The build stopped at RUN x.");
    assert_eq!(mark(&grade, "last").verdict, Verdict::Skipped { by: Some("builds".into()) });
}

#[test]
fn a_fault_of_ours_is_neither_earned_nor_possible() {
    let grade = grade([built(), Some(fault()), declared(&["V"]), exits(0), None]);
    assert_eq!((score(&grade), grade.is_provisional()), ((5, 5), true));
    assert!(mark(&grade, "labelled").feedback.message.contains("the engine is gone"));
    assert!(mark(&grade, "last").is_unjudged(), "what depends on it is left open, too");
}

#[test]
fn a_question_that_nobody_asked_is_unjudged_and_never_zero() {
    let grade = grade([built(), None, declared(&["V"]), exits(0), None]);
    assert_eq!((score(&grade), grade.is_provisional()), ((5, 5), true));
}

#[test]
fn a_missed_need_decides_even_beside_an_unjudged_one() {
    let text = RUBRIC.replace(r#"needs = ["labelled"]"#, r#"needs = ["labelled", "follows"]"#);
    let plan = plan(&text).unwrap();
    let outcomes = [built(), Some(fault()), declared(&["V"]), exits(1), None];
    let grade = judge(&plan.rubric, &evidence(&plan, outcomes));
    assert_eq!(mark(&grade, "last").verdict, Verdict::Skipped { by: Some("follows".into()) });
}

#[test]
fn what_does_not_apply_is_given_and_so_is_what_needs_it() {
    let right = Some(labels("tok3n0000000"));
    let grade = grade([built(), right, declared(&["W"]), None, exits(0)]);
    assert_eq!((score(&grade), grade.is_provisional()), ((15, 15), false));
    assert!(mark(&grade, "follows").excused);
}

#[test]
fn an_absent_fact_excuses_nobody() {
    let right = Some(labels("tok3n0000000"));
    let unread = Some(facts(&[("parses", true.into())]));
    let grade = grade([built(), right, unread, exits(1), exits(0)]);
    assert_eq!(score(&grade), (11, 15));
}

#[test]
fn what_the_submission_did_not_reach_is_zero_with_the_reason() {
    let unreached = Outcome::Unreached { because: "it did not start".into() };
    let grade = grade([built(), Some(unreached), declared(&[]), None, None]);
    assert_eq!(mark(&grade, "labelled").verdict, Verdict::Skipped { by: None });
    assert!(mark(&grade, "labelled").feedback.message.contains("it did not start"));
    assert_eq!((score(&grade), grade.is_provisional()), ((5, 15), false));
}

#[test]
fn the_first_fitting_case_speaks_and_points_at_the_last_such_line() {
    let absent = facts(&[("labels", Value::Map(Default::default()))]);
    let grade = grade([built(), Some(absent), declared(&[]), None, None]);
    let feedback = &mark(&grade, "labelled").feedback;
    assert_eq!(feedback.message, "There is no label a.b.");
    assert_eq!(feedback.hint.as_deref(), Some("Set it."));
    let place = feedback.place.as_ref().unwrap();
    assert_eq!((place.file.as_str(), place.line), ("Dockerfile", 9));
}

#[test]
fn values_of_the_run_and_terminal_sequences_reach_no_reader() {
    let grade = grade([
        built(),
        Some(labels("x \u{1b}[2Jtok3n0000000\u{202e} \u{1b}]0;unfinished")),
        declared(&[]),
        None,
        None,
    ]);
    let feedback = &mark(&grade, "labelled").feedback;
    assert_eq!(feedback.message, "The label is x ‹token›.");
    let all = format!("{feedback:?}");
    assert!(
        !all.contains("tok3n") && !all.contains("\\u{1b}") && !all.contains("\\u{202e}"),
        "{all}"
    );
}

#[test]
fn a_fact_that_was_not_asked_for_is_unjudged_and_one_that_is_absent_is_not() {
    let plan = plan(RUBRIC).unwrap();
    let answers = || [built(), Some(facts(&[])), declared(&["V"]), exits(0), exits(0)];
    let mut evidence = evidence(&plan, answers());
    let told = |facts: &[&str]| facts.iter().map(|fact| (*fact).to_owned()).collect();
    evidence.tells = [("image".to_owned(), told(&["labels", "user"]))].into();
    let absent = judge(&plan.rubric, &evidence);
    assert!(matches!(mark(&absent, "labelled").verdict, Verdict::Missed(_)));
    evidence.tells = [("image".to_owned(), told(&["user"]))].into();
    let unasked = judge(&plan.rubric, &evidence);
    assert!(mark(&unasked, "labelled").is_unjudged());
    assert_eq!(score(&unasked), (5, 5));
}

#[test]
fn a_value_that_was_not_kept_is_unjudged_whatever_it_is_compared_with() {
    let plan = plan(RUBRIC).unwrap();
    let found = Some(labels("tok3n0000000"));
    let mut evidence = evidence(&plan, [built(), found, declared(&["V"]), exits(0), exits(0)]);
    assert_eq!(mark(&judge(&plan.rubric, &evidence), "labelled").verdict, Verdict::Met);
    evidence.values.clear();
    assert!(mark(&judge(&plan.rubric, &evidence), "labelled").is_unjudged());
}

#[test]
fn stored_evidence_of_every_format_so_far_is_judged_as_it_was() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/evidence");
    let stored: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|one| one.unwrap().path()).collect();
    assert!(!stored.is_empty());
    for path in stored {
        let evidence = grade::evidence::read(&path.join("evidence.json")).unwrap();
        let file = path.join(format!("{}.toml", evidence.rubric.slug));
        let text = std::fs::read_to_string(&file).unwrap();
        let plan = plan::bind(rubric::read(&file, text)).unwrap();
        let grade = judge(&plan.rubric, &evidence);
        let score = format!("{} / {}", grade.score().earned, grade.score().possible);
        let was = std::fs::read_to_string(path.join("score.txt")).unwrap();
        assert_eq!(
            (score.as_str(), grade.is_provisional()),
            (was.trim(), false),
            "{}",
            path.display()
        );
    }
}

fn any_outcome() -> impl Strategy<Value = Option<Outcome>> {
    let value = prop_oneof![
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        ".*".prop_map(Value::Text),
        proptest::collection::btree_map("a.b|V", ".*", 0..3).prop_map(Value::Map),
        proptest::collection::vec("V|W", 0..3).prop_map(Value::List),
    ];
    let names = "succeeded|labels|declared_args|exit_code|parses|failed_line|log";
    let observed = proptest::collection::btree_map(names, value, 0..6).prop_map(Outcome::Observed);
    let unreached = ".*".prop_map(|because| Outcome::Unreached { because });
    proptest::option::of(prop_oneof![4 => observed, 1 => unreached, 1 => Just(fault())])
}

proptest! {
    /// Whatever was observed, a score is sound, the same twice, and never made of what is open.
    #[test]
    fn any_evidence_gives_a_sound_grade(outcomes in proptest::array::uniform5(any_outcome())) {
        let (one, two) = (grade(outcomes.clone()), grade(outcomes));
        prop_assert_eq!(&one, &two);
        let (earned, possible) = score(&one);
        prop_assert!(earned <= possible && possible <= 15);
        prop_assert_eq!(one.is_provisional(), possible < 15);
        for mark in &one.marks {
            let needed = plan(RUBRIC).unwrap().rubric.probes.into_iter().find(|probe| probe.id == mark.id);
            for need in needed.unwrap().needs {
                let met = self::mark(&one, &need).verdict == Verdict::Met;
                prop_assert!(met || mark.earned() == 0, "{} without {}", mark.id, need);
            }
            let all = format!("{:?}", mark.feedback);
            prop_assert!(!all.contains("\\u{1b}") && !all.contains("tok3n"), "{}", all);
        }
    }
}
