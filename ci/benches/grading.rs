//! The first side: the program itself, in this process and as the whole binary.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use grade::engine::Engine;
use grade::judge::judge;
use grade::plan::Plan;
use grade::session::{Place, Session};
use grade::submission::Submission;
use wait4::Wait4;

use crate::Outcome;
use crate::exercise::{Exercise, root};
use crate::usage::Usage;

/// Grades a submission that deserves all points; anything less means that something else was
/// measured.
pub(crate) async fn grade(
    engine: Engine,
    plan: Arc<Plan>,
    given: Option<PathBuf>,
    folder: PathBuf,
) -> Outcome<()> {
    let session = Session { submission: Submission::open(&folder)?, given };
    let listen = Box::new(|_| {});
    let outcome = session.run(&plan, Place::Host(engine), listen, std::future::pending()).await;
    if let Some(left) = outcome.left_behind {
        return Err(left.into());
    }
    let score = judge(&plan.rubric, &outcome.evidence.ok_or("nobody stopped it")?).score();
    if score.earned != score.possible {
        return Err(format!("{}: {score:?} for a solution", folder.display()).into());
    }
    Ok(())
}

/// Grades with a binary, its reports and all, on the engine at hand (`host`) or in a `sandbox`.
pub(crate) fn grade_by_binary(
    program: &Path,
    exercise: &Exercise,
    folder: &Path,
    engine: &str,
) -> Outcome<Usage> {
    let mut command = Command::new(program);
    command.arg(folder).args([
        "--assignment",
        exercise.slug,
        "--engine",
        engine,
        "--strict",
        "--json",
    ]);
    command.arg(folder.with_extension("json"));
    run(command)
}

/// Grades a class in a folder with a binary, all reports and all, two submissions at a time.
pub(crate) fn grade_class_by_binary(
    program: &Path,
    exercise: &Exercise,
    class: &Path,
    engine: &str,
) -> Outcome<Usage> {
    let mut command = Command::new(program);
    command.arg("batch").arg(class);
    command.args(["--assignment", exercise.slug, "--engine", engine, "--strict"]);
    command.args(["--jobs", "2", "--out"]).arg(class.with_extension("out"));
    run(command)
}

fn run(mut command: Command) -> Outcome<Usage> {
    command.current_dir(root()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let ended = command.spawn()?.wait4()?;
    if !ended.status.success() {
        return Err(format!("{command:?} ended with {}", ended.status).into());
    }
    Ok(Usage {
        cpu: ended.rusage.utime + ended.rusage.stime,
        // Linux counts it in KiB, and so does not the crate.
        peak: ended.rusage.maxrss,
    })
}
