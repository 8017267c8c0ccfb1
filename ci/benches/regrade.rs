//! What new scores from old evidence cost: a class of recorded evidence regraded, beside reading and
//! parsing the same files; and the memory that it takes to write the reports of a small class and
//! of a large one.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use grade::batch::{Enrolled, Register, Store, regrade_class};
use grade::evidence::{self, Evidence};
use grade::judge::Student;
use grade::plan;
use grade::roster::Roster;
use grade::rubric::Rubric;
use serde::Serialize;
use wait4::Wait4;

use crate::Outcome;
use crate::exercise::root;
use crate::measure::{median, ratio};

/// Submissions of the class that is timed.
const CLASS: usize = 1000;
/// Students of the classes whose memory is compared.
const SIZES: [usize; 2] = [60, 600];

/// Medians of all rounds, and the median of the ratios within a round.
#[derive(Serialize)]
pub(crate) struct RegradeRow {
    exercise: String,
    submissions: usize,
    regrade_s: Option<f64>,
    parse_s: Option<f64>,
    regrade_to_parse: Option<f64>,
    /// Of the whole binary, which writes all reports of a class.
    peaks_mb: [f64; 2],
}

/// Measures with the recorded evidence of each exercise that has some.
pub(crate) fn rows(rounds: usize) -> Outcome<Vec<RegradeRow>> {
    let mut rows = Vec::new();
    let recorded = root().join("tests/evidence");
    for slug in ["healthcheck", "oci-labels", "onbuild", "secret-mount"] {
        eprintln!("{slug}: {CLASS} submissions regraded, {rounds} rounds");
        rows.push(row(slug, &recorded.join(format!("v1-{slug}")), rounds)?);
    }
    Ok(rows)
}

fn row(slug: &str, recorded: &Path, rounds: usize) -> Outcome<RegradeRow> {
    let path = recorded.join(format!("{slug}.toml"));
    let rubric = plan::read_to_judge(&path, fs::read_to_string(&path)?)?;
    let folder = tempfile::tempdir()?;
    let (store, register) = class(folder.path(), recorded, &rubric, CLASS)?;
    let (mut regrades, mut parses) = (Vec::new(), Vec::new());
    // The first round warms up the system's cache of files.
    for round in 0..=rounds {
        let began = Instant::now();
        let parsed = parse(&store, &register)?;
        let parse = began.elapsed().as_secs_f64();
        let began = Instant::now();
        let mut graded = 0;
        regrade_class(&store, &register, &rubric, |_| graded += 1)?;
        let regrade = began.elapsed().as_secs_f64();
        if (parsed, graded) != (CLASS, CLASS) {
            return Err(format!("{parsed} parsed, {graded} graded").into());
        }
        if round > 0 {
            parses.push(parse);
            regrades.push(regrade);
        }
    }
    let mut peaks_mb = [0.0; 2];
    for (size, peak) in SIZES.into_iter().zip(&mut peaks_mb) {
        *peak = peak_of(recorded, slug, &rubric, size)?;
    }
    Ok(RegradeRow {
        exercise: slug.to_owned(),
        submissions: CLASS,
        regrade_s: median(regrades.clone()),
        parse_s: median(parses.clone()),
        regrade_to_parse: ratio(&regrades, &parses),
        peaks_mb,
    })
}

/// A class's folder with the recorded evidence and result for each student.
fn class(
    folder: &Path,
    recorded: &Path,
    rubric: &Rubric,
    size: usize,
) -> Outcome<(Store, Register)> {
    let store = Store::open(folder)?;
    let evidence: Evidence = evidence::read(&recorded.join("evidence.json"))?;
    let mut register = Register::of(&Roster::default(), &rubric.slug, None);
    for number in 0..size {
        let id = format!("student-{number:04}");
        let place = store.folder(&id);
        fs::create_dir_all(&place)?;
        fs::write(place.join("evidence.json"), serde_json::to_vec_pretty(&evidence)?)?;
        register.members.push(Enrolled {
            student: Student { id: id.clone(), ..Student::default() },
            folder: Ok(id),
            due: None,
            decision: None,
        });
    }
    register.write(&store)?;
    let grade = grade::judge::judge(rubric, &evidence);
    for member in &register.members {
        let place = store.folder(&member.student.id);
        grade::batch::write_beside(&place, &evidence, grade.clone(), false)?;
    }
    Ok((store, register))
}

/// Reads and parses every file that a regrade needs, and does nothing with them.
fn parse(store: &Store, register: &Register) -> Outcome<usize> {
    let mut parsed = 0;
    for member in &register.members {
        let place = store.folder(&member.student.id);
        let evidence: Evidence = serde_json::from_slice(&fs::read(place.join("evidence.json"))?)?;
        let told = grade::batch::Told::read(&place);
        parsed += usize::from(!evidence.observations.is_empty() && told.is_some());
    }
    Ok(parsed)
}

/// Megabytes that the whole binary takes for all reports of a class of that size.
fn peak_of(recorded: &Path, slug: &str, rubric: &Rubric, size: usize) -> Outcome<f64> {
    let folder = tempfile::tempdir()?;
    drop(class(folder.path(), recorded, rubric, size)?);
    // Another rubric, so that everything is written.
    let mended = folder.path().join("mended");
    fs::create_dir(&mended)?;
    let path = mended.join(format!("{slug}.toml"));
    let text = fs::read_to_string(recorded.join(format!("{slug}.toml")))?;
    fs::write(&path, format!("{text}\n# mended\n"))?;
    let mut command = Command::new(env!("CARGO_BIN_EXE_grade"));
    command.arg("regrade").arg(folder.path()).arg("--write").arg("--rubric").arg(&path);
    command.stdin(Stdio::null()).stdout(Stdio::null());
    let ended = command.spawn()?.wait4()?;
    if !ended.status.success() {
        return Err(format!("grade regrade ended with {}", ended.status).into());
    }
    #[expect(clippy::cast_precision_loss, reason = "memory in megabytes needs no 52 bits")]
    let peak = ended.rusage.maxrss as f64 / 1e6;
    Ok(peak)
}

/// The rows as text.
pub(crate) fn text(rows: &[RegradeRow]) -> String {
    let mut text = String::new();
    let figure =
        |figure: Option<f64>| figure.map_or("-".to_owned(), |figure| format!("{figure:.3}"));
    // Writing to a String does not fail.
    let _ = writeln!(
        text,
        "{:<15}{:>12}{:>11}{:>9}{:>7}{:>13}{:>14}",
        "exercise", "submissions", "regrade s", "parse s", "ratio", "peak 60 MB", "peak 600 MB"
    );
    for row in rows {
        let [small, large] = row.peaks_mb;
        let _ = writeln!(
            text,
            "{:<15}{:>12}{:>11}{:>9}{:>7}{small:>13.1}{large:>14.1}",
            row.exercise,
            row.submissions,
            figure(row.regrade_s),
            figure(row.parse_s),
            figure(row.regrade_to_parse),
        );
    }
    text.push_str("\nparse: the same files read and parsed, and nothing done with them.\n");
    text
}
