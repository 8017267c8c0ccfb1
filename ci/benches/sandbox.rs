//! What a sandbox costs: the whole binary on one submission, on the engine at hand and in a sandbox,
//! warm and cold, in turn.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use grade::engine::Engine;
use grade::sandbox::LABEL;
use serde::Serialize;

use crate::Outcome;
use crate::exercise::Exercise;
use crate::grading::grade_by_binary;
use crate::measure::{median, ratio};

/// One exercise: medians of all rounds, and medians of the ratios within a round.
#[derive(Serialize)]
pub(crate) struct SandboxRow {
    exercise: String,
    host_s: Option<f64>,
    warm_s: Option<f64>,
    cold_s: Option<f64>,
    warm_to_host: Option<f64>,
    cold_to_host: Option<f64>,
}

/// Measures one exercise.
pub(crate) async fn row(
    engine: &Engine,
    exercise: &Exercise,
    rounds: usize,
) -> Outcome<SandboxRow> {
    let (mut host, mut warm, mut cold) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..=rounds {
        eprintln!("{}: sandbox, round {round} of {rounds}", exercise.slug);
        let known = sandboxes(engine).await?;
        // A sandbox is made for one build of the program: a new copy finds none.
        let folder = tempfile::tempdir()?;
        let copy = folder.path().join("grade");
        std::fs::copy(env!("CARGO_BIN_EXE_grade"), &copy)?;
        let first = timed(exercise, &copy, "sandbox")?;
        let second = timed(exercise, &copy, "sandbox")?;
        let third = timed(exercise, &copy, "host")?;
        for sandbox in sandboxes(engine).await?.difference(&known) {
            engine.remove(sandbox).await?;
        }
        // The first round warms up whatever is there to be warmed up.
        if round > 0 {
            cold.push(first);
            warm.push(second);
            host.push(third);
        }
    }
    Ok(SandboxRow {
        exercise: exercise.slug.to_owned(),
        host_s: median(host.clone()),
        warm_s: median(warm.clone()),
        cold_s: median(cold.clone()),
        warm_to_host: ratio(&warm, &host),
        cold_to_host: ratio(&cold, &host),
    })
}

fn timed(exercise: &Exercise, program: &Path, engine: &str) -> Outcome<f64> {
    let submission: PathBuf = exercise.submission()?;
    let began = Instant::now();
    grade_by_binary(program, exercise, &submission, engine)?;
    Ok(began.elapsed().as_secs_f64())
}

async fn sandboxes(engine: &Engine) -> Outcome<BTreeSet<String>> {
    Ok(engine.sandboxes(LABEL).await?.into_iter().map(|sandbox| sandbox.id).collect())
}

/// The rows as text.
pub(crate) fn text(rows: &[SandboxRow]) -> String {
    let mut text = String::new();
    let figure =
        |figure: Option<f64>| figure.map_or("-".to_owned(), |figure| format!("{figure:.2}"));
    // Writing to a String does not fail.
    let _ = writeln!(
        text,
        "{:<15}{:>8}{:>8}{:>8}{:>15}{:>15}",
        "exercise", "host s", "warm s", "cold s", "warm to host", "cold to host"
    );
    for row in rows {
        let _ = writeln!(
            text,
            "{:<15}{:>8}{:>8}{:>8}{:>15}{:>15}",
            row.exercise,
            figure(row.host_s),
            figure(row.warm_s),
            figure(row.cold_s),
            figure(row.warm_to_host),
            figure(row.cold_to_host)
        );
    }
    text
}
