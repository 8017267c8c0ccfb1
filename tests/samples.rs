//! Every exercise, proven both ways on the real engine: solutions and correct styles score full
//! marks, the starter scores little, each flawed sample loses exactly what its `.toml` names.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says what is wrong by panicking"
)]

mod support;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use futures_util::StreamExt;
use grade::engine::Engine;
use grade::judge::{Grade, Verdict};
use grade::plan::{self, Plan};
use serde::Deserialize;

/// Gradings at the same time: most of them wait for a container.
const AT_ONCE: usize = 8;

/// What a sample must come to, as the file beside its folder says.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    score: u32,
    lost: BTreeSet<String>,
    #[serde(default)]
    skipped: BTreeSet<String>,
    #[serde(rename = "why")]
    _why: String,
}

/// The sample submissions of an exercise, sorted.
fn samples(slug: &str) -> Vec<PathBuf> {
    let folder = support::root().join("tests/submissions").join(slug);
    let entries = std::fs::read_dir(folder).expect("samples").map(|entry| entry.unwrap().path());
    let mut samples: Vec<PathBuf> = entries.filter(|path| path.is_dir()).collect();
    samples.sort();
    samples
}

fn expected(sample: &Path) -> Expected {
    let path = sample.with_extension("toml");
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn marked(grade: &Grade, wanted: fn(&Verdict) -> bool) -> BTreeSet<String> {
    let marks = grade.marks.iter().filter(|mark| wanted(&mark.verdict));
    marks.map(|mark| mark.id.clone()).collect()
}

/// How a grade differs from what is expected; nothing when it does not.
fn difference(grade: &Grade, expected: &Expected) -> Option<String> {
    let Expected { score, lost, skipped, .. } = expected;
    let found_lost = marked(grade, |verdict| matches!(verdict, Verdict::Missed(_)));
    let found_skipped = marked(grade, |verdict| matches!(verdict, Verdict::Skipped { .. }));
    let found = (grade.score().earned, &found_lost, &found_skipped);
    if found == (*score, lost, skipped) && !grade.is_provisional() {
        return None;
    }
    let said = grade.marks.iter().filter(|mark| mark.verdict != Verdict::Met);
    let said: Vec<String> =
        said.map(|mark| format!("\n      {}: {}", mark.id, mark.feedback.message)).collect();
    Some(format!(
        "expected {score} points, lost {lost:?}, skipped {skipped:?}\n    \
         found {} points, lost {found_lost:?}, skipped {found_skipped:?}{}",
        found.0,
        said.concat()
    ))
}

/// An exercise and everything that proves it.
struct Exercise {
    slug: String,
    plan: Plan,
    possible: u32,
}

/// Every exercise that there is a rubric for.
fn exercises() -> Vec<Exercise> {
    let rubrics = std::fs::read_dir(support::root().join("rubrics")).expect("rubrics");
    let mut exercises: Vec<Exercise> = rubrics
        .map(|rubric| {
            let plan = plan::load(&rubric.unwrap().path());
            let plan = plan.unwrap_or_else(|error| panic!("{error}"));
            let possible = plan.rubric.probes.iter().map(|probe| probe.points).sum();
            Exercise { slug: plan.rubric.slug.clone(), plan, possible }
        })
        .collect();
    exercises.sort_by(|a, b| a.slug.cmp(&b.slug));
    exercises
}

/// A folder to grade, and what it must come to: exactly this, or less than so many points.
enum Trial<'a> {
    Exactly(&'a Exercise, PathBuf, Expected),
    Below(&'a Exercise, PathBuf, u32),
}

/// The trials of an exercise, after a look at whether they can prove it.
fn trials(exercise: &Exercise) -> Vec<Trial<'_>> {
    let Exercise { slug, plan, possible } = exercise;
    let is_right = |path: &Path| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("ok-"))
    };
    let samples: Vec<(PathBuf, Expected)> =
        samples(slug).into_iter().map(|path| (path.clone(), expected(&path))).collect();
    let (right, wrong): (Vec<_>, Vec<_>) = samples.iter().partition(|(path, _)| is_right(path));
    assert!(right.len() >= 3 && wrong.len() >= 8, "{slug} has too few samples");
    for (path, expected) in right {
        assert_eq!(expected.score, *possible, "{} is named a right one", path.display());
    }
    let lost: BTreeSet<&String> = wrong.iter().flat_map(|(_, expected)| &expected.lost).collect();
    for probe in plan.rubric.probes.iter().filter(|probe| probe.points > 0) {
        assert!(lost.contains(&probe.id), "no sample of {slug} loses {}", probe.id);
    }
    let assignment = support::root().join("assignments").join(slug);
    let full = Expected { score: *possible, ..Expected::default() };
    let own = [
        Trial::Exactly(exercise, assignment.join("solution"), full),
        Trial::Below(exercise, assignment.join("starter"), possible * 4 / 10),
    ];
    let samples = samples.into_iter();
    own.into_iter()
        .chain(samples.map(|(path, expected)| Trial::Exactly(exercise, path, expected)))
        .collect()
}

async fn try_out(engine: &Engine, trial: Trial<'_>) -> Option<String> {
    let (exercise, path) = match &trial {
        Trial::Exactly(exercise, path, _) | Trial::Below(exercise, path, _) => (exercise, path),
    };
    let grade = support::grade(engine, &exercise.plan, path).await;
    let difference = match &trial {
        Trial::Exactly(.., expected) => difference(&grade, expected)?,
        Trial::Below(.., limit) if grade.score().earned < *limit => return None,
        Trial::Below(.., limit) => format!("{} points, not below {limit}", grade.score().earned),
    };
    Some(format!("  {}: {difference}", path.display()))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_exercise_is_proven_both_ways() {
    let engine = support::engine().await;
    let exercises = exercises();
    let trials: Vec<Trial<'_>> = exercises.iter().flat_map(trials).collect();
    let tried = trials.len();
    let trials = futures_util::stream::iter(trials).map(|trial| try_out(&engine, trial));
    let found: Vec<_> = trials.buffer_unordered(AT_ONCE).collect().await;
    let differences: Vec<String> = found.into_iter().flatten().collect();
    assert!(
        differences.is_empty(),
        "{} of {tried}:\n{}",
        differences.len(),
        differences.join("\n")
    );
}
