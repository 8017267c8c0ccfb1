//! What a sandbox costs: the whole binary on one submission and on a class, on the engine at hand and in a
//! sandbox, warm and cold, in turn; for two builds of the program, where another is given.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use grade::engine::Engine;
use grade::sandbox::LABEL;
use serde::Serialize;
use tempfile::TempDir;

use crate::Outcome;
use crate::arguments::Arguments;
use crate::exercise::Exercise;
use crate::grading::{grade_by_binary, grade_class_by_binary};
use crate::measure::{PROGRAM, median, ratio};

/// Where a submission is graded.
const ENGINES: [&str; 2] = ["host", "sandbox"];

/// One exercise by one build of the program: medians of all rounds, and medians of the ratios within a round.
#[derive(Serialize)]
pub(crate) struct SandboxRow {
    exercise: String,
    program: &'static str,
    host_s: Option<f64>,
    warm_s: Option<f64>,
    cold_s: Option<f64>,
    warm_to_host: Option<f64>,
    cold_to_host: Option<f64>,
    class: usize,
    class_host_s: Option<f64>,
    class_s: Option<f64>,
    class_to_host: Option<f64>,
}

/// A build of the program, and the times of each round with it.
struct Build {
    name: &'static str,
    program: PathBuf,
    cold: Vec<f64>,
    /// As [`ENGINES`]; in a sandbox that is ready.
    one: [Vec<f64>; 2],
    class: [Vec<f64>; 2],
}

/// Measures one exercise, by each build in turn.
pub(crate) async fn rows(
    engine: &Engine,
    exercise: &Exercise,
    arguments: &Arguments,
) -> Outcome<Vec<SandboxRow>> {
    let mut builds = vec![Build::new("this", Path::new(PROGRAM))];
    builds.extend(arguments.against.as_deref().map(|program| Build::new("other", program)));
    let rounds = arguments.rounds();
    for round in 0..=rounds {
        eprintln!("{}: sandbox, round {round} of {rounds}", exercise.slug);
        for build in &mut builds {
            build.one(engine, exercise).await?;
            // The first round warms up whatever is there to be warmed up.
            if round == 0 {
                *build = Build::new(build.name, &build.program);
            }
        }
    }
    let rounds = arguments.class_rounds();
    for round in 1..=rounds {
        eprintln!("{}: sandboxes of a class, round {round} of {rounds}", exercise.slug);
        for build in &mut builds {
            build.class(engine, exercise, arguments.class).await?;
        }
    }
    Ok(builds.into_iter().map(|build| build.row(exercise.slug, arguments.class)).collect())
}

impl Build {
    fn new(name: &'static str, program: &Path) -> Self {
        let program = program.to_owned();
        Self { name, program, cold: vec![], one: Default::default(), class: Default::default() }
    }

    /// One submission, in a sandbox that has to be made, in one that is ready, and on the host.
    async fn one(&mut self, engine: &Engine, exercise: &Exercise) -> Outcome<()> {
        let copy = Copy::of(&self.program, engine).await?;
        let grade = |engine| {
            let submission = exercise.submission()?;
            timed(|| grade_by_binary(&copy.program, exercise, &submission, engine))
        };
        self.cold.push(grade("sandbox")?);
        for (times, engine) in self.one.iter_mut().zip(ENGINES) {
            times.push(grade(engine)?);
        }
        copy.remove(engine).await
    }

    /// A class, on the host and in sandboxes.
    async fn class(&mut self, engine: &Engine, exercise: &Exercise, count: usize) -> Outcome<()> {
        let copy = Copy::of(&self.program, engine).await?;
        for (times, engine) in self.class.iter_mut().zip(ENGINES) {
            let class = exercise.class(count)?;
            times.push(timed(|| grade_class_by_binary(&copy.program, exercise, &class, engine))?);
        }
        copy.remove(engine).await
    }

    fn row(self, slug: &str, class: usize) -> SandboxRow {
        let ([host, warm], [class_host, class_warm]) = (self.one, self.class);
        SandboxRow {
            exercise: slug.to_owned(),
            program: self.name,
            warm_to_host: ratio(&warm, &host),
            cold_to_host: ratio(&self.cold, &host),
            class_to_host: ratio(&class_warm, &class_host),
            host_s: median(host),
            warm_s: median(warm),
            cold_s: median(self.cold),
            class,
            class_host_s: median(class_host),
            class_s: median(class_warm),
        }
    }
}

/// A copy of the program. A sandbox is made for one file of the program: a new one finds none.
struct Copy {
    _folder: TempDir,
    program: PathBuf,
    /// The sandboxes that were there before.
    known: BTreeSet<String>,
}

impl Copy {
    async fn of(program: &Path, engine: &Engine) -> Outcome<Self> {
        let folder = tempfile::tempdir()?;
        let copy = folder.path().join("grade");
        std::fs::copy(program, &copy)?;
        Ok(Self { _folder: folder, program: copy, known: sandboxes(engine).await? })
    }

    /// Removes it, and the sandboxes that it left.
    async fn remove(self, engine: &Engine) -> Outcome<()> {
        for sandbox in sandboxes(engine).await?.difference(&self.known) {
            engine.remove(sandbox).await?;
        }
        Ok(())
    }
}

fn timed<T>(work: impl FnOnce() -> Outcome<T>) -> Outcome<f64> {
    let began = Instant::now();
    work()?;
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
        "{:<15}{:<9}{:>8}{:>8}{:>8}{:>14}{:>14}{:>7}{:>8}{:>8}{:>9}",
        "exercise",
        "program",
        "host s",
        "warm s",
        "cold s",
        "warm to host",
        "cold to host",
        "class",
        "host s",
        "warm s",
        "to host"
    );
    for row in rows {
        let _ = writeln!(
            text,
            "{:<15}{:<9}{:>8}{:>8}{:>8}{:>14}{:>14}{:>7}{:>8}{:>8}{:>9}",
            row.exercise,
            row.program,
            figure(row.host_s),
            figure(row.warm_s),
            figure(row.cold_s),
            figure(row.warm_to_host),
            figure(row.cold_to_host),
            row.class,
            figure(row.class_host_s),
            figure(row.class_s),
            figure(row.class_to_host)
        );
    }
    text
}
