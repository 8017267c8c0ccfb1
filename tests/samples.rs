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

/// Gradings of an exercise at the same time: most of them wait for a container.
const AT_ONCE: usize = 6;

/// What a sample must come to, as the file beside its folder says.
#[derive(Deserialize)]
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
fn difference(
    grade: &Grade,
    score: u32,
    lost: &BTreeSet<String>,
    skipped: &BTreeSet<String>,
) -> Option<String> {
    let found_lost = marked(grade, |verdict| matches!(verdict, Verdict::Missed(_)));
    let found_skipped = marked(grade, |verdict| matches!(verdict, Verdict::Skipped { .. }));
    let found = (grade.score().earned, &found_lost, &found_skipped);
    if found == (score, lost, skipped) && !grade.is_provisional() {
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

async fn check(engine: &Engine, plan: &Plan, sample: &Path) -> Option<String> {
    let expected = expected(sample);
    let grade = support::grade(engine, plan, sample).await;
    difference(&grade, expected.score, &expected.lost, &expected.skipped)
        .map(|difference| format!("  {}: {difference}", sample.display()))
}

async fn prove(slug: &str) {
    let engine = support::engine().await;
    let rubric = support::root().join("rubrics").join(format!("{slug}.toml"));
    let plan = plan::load(&rubric).unwrap_or_else(|error| panic!("{error}"));
    let possible: u32 = plan.rubric.probes.iter().map(|probe| probe.points).sum();
    let assignment = support::root().join("assignments").join(slug);
    let none = BTreeSet::new();

    let grade = support::grade(&engine, &plan, &assignment.join("solution")).await;
    let solution = difference(&grade, possible, &none, &none);
    assert_eq!(solution, None, "the solution of {slug} scores full marks");
    let grade = support::grade(&engine, &plan, &assignment.join("starter")).await;
    assert!(grade.score().earned * 10 < possible * 4, "the starter of {slug} scores little");

    let samples = samples(slug);
    let correct = |path: &&PathBuf| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("ok-"))
    };
    let (right, wrong): (Vec<&PathBuf>, Vec<&PathBuf>) = samples.iter().partition(correct);
    assert!(right.len() >= 3 && wrong.len() >= 8, "{slug} has enough samples");
    for sample in right {
        assert_eq!(expected(sample).score, possible, "{} is a correct one", sample.display());
    }
    let mut lost: BTreeSet<String> = BTreeSet::new();
    wrong.iter().for_each(|sample| lost.extend(expected(sample).lost));
    for probe in plan.rubric.probes.iter().filter(|probe| probe.points > 0) {
        assert!(lost.contains(&probe.id), "no sample of {slug} loses {}", probe.id);
    }

    let checks = samples.iter().map(|sample| check(&engine, &plan, sample));
    let checks = futures_util::stream::iter(checks).buffered(AT_ONCE).collect::<Vec<_>>().await;
    let differences: Vec<String> = checks.into_iter().flatten().collect();
    assert!(differences.is_empty(), "{slug}:\n{}", differences.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn onbuild() {
    prove("onbuild").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn secret_mount() {
    prove("secret-mount").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn oci_labels() {
    prove("oci-labels").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn healthcheck() {
    prove("healthcheck").await;
}
