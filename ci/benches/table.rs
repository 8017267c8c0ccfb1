//! What was measured and under which conditions, for readers and for programs.

use std::fmt::Write as _;
use std::fs;
use std::thread::available_parallelism;

use grade::engine::Engine;
use serde::Serialize;

use crate::Outcome;
use crate::arguments::Arguments;
use crate::exercise::root;
use crate::measure::{median, median_cpu, ratio};
use crate::regrade::RegradeRow;
use crate::sandbox::SandboxRow;
use crate::teacher::Teacher;
use crate::usage::Usage;

/// Under which conditions a table came to be.
#[derive(Serialize)]
pub(crate) struct Conditions {
    started_at: String,
    engine: String,
    docker_cli: Option<String>,
    processors: usize,
    /// Of the last minute before the measurement.
    load: String,
    rounds: usize,
    class_rounds: usize,
}

impl Conditions {
    pub(crate) fn of(
        engine: &Engine,
        arguments: &Arguments,
        teacher: Option<&Teacher>,
    ) -> Conditions {
        let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
        Conditions {
            started_at: jiff::Timestamp::now().to_string(),
            engine: engine.info().version.clone(),
            docker_cli: teacher.map(|teacher| teacher.version.clone()),
            processors: available_parallelism().map_or(0, Into::into),
            load: load.split(' ').next().unwrap_or_default().to_owned(),
            rounds: arguments.rounds(),
            class_rounds: arguments.class_rounds,
        }
    }
}

/// One line of the table: medians of all rounds, and medians of the ratios within a round.
#[derive(Serialize)]
pub(crate) struct Row {
    exercise: String,
    what: String,
    grade_at_once: usize,
    floor_at_once: usize,
    grade_s: Option<f64>,
    floor_s: Option<f64>,
    grade_to_floor: Option<f64>,
    free_floor_s: Option<f64>,
    grade_to_free_floor: Option<f64>,
    script_s: Option<f64>,
    script_to_grade: Option<f64>,
    cpu_s: Option<f64>,
    peak_mb: Option<f64>,
    /// All rounds of the program and of its floor, in seconds.
    grades: Vec<f64>,
    floors: Vec<f64>,
}

impl Row {
    /// Of the times of the program, of its two floors and of the script, and the program's usage.
    pub(crate) fn new(
        exercise: &str,
        what: &str,
        (grade_at_once, floor_at_once): (usize, usize),
        grades: &[f64],
        (floors, free): (&[f64], &[f64]),
        scripts: &[f64],
        usages: &[Usage],
    ) -> Row {
        #[expect(clippy::cast_precision_loss, reason = "memory in megabytes needs no 52 bits")]
        let peaks = usages.iter().map(|usage| usage.peak as f64 / 1e6).collect();
        Row {
            exercise: exercise.to_owned(),
            what: what.to_owned(),
            grade_at_once,
            floor_at_once,
            grade_s: median(grades.to_vec()),
            floor_s: median(floors.to_vec()),
            grade_to_floor: ratio(grades, floors),
            free_floor_s: median(free.to_vec()),
            grade_to_free_floor: ratio(grades, free),
            script_s: median(scripts.to_vec()),
            script_to_grade: ratio(scripts, grades),
            cpu_s: median_cpu(usages),
            peak_mb: median(peaks),
            grades: grades.to_vec(),
            floors: floors.to_vec(),
        }
    }
}

/// The table as text.
pub(crate) fn text(conditions: &Conditions, rows: &[Row]) -> String {
    let mut text = String::new();
    let cli = conditions.docker_cli.as_deref().unwrap_or("none that can build");
    // Writing to a String does not fail.
    let _ = writeln!(
        text,
        "Docker Engine {}, docker CLI {cli}, {} processors, load {}, {} rounds ({} of a class)\n",
        conditions.engine,
        conditions.processors,
        conditions.load,
        conditions.rounds,
        conditions.class_rounds
    );
    let _ = writeln!(
        text,
        "{:<13}{:<13}{:>8}{:>9}{:>9}{:>7}{:>9}{:>7}{:>10}{:>8}{:>8}{:>8}",
        "exercise",
        "submissions",
        "at once",
        "grade s",
        "floor s",
        "ratio",
        "free s",
        "ratio",
        "script s",
        "ratio",
        "CPU s",
        "peak MB"
    );
    for row in rows {
        let at_once = format!("{}/{}", row.grade_at_once, row.floor_at_once);
        let _ = writeln!(
            text,
            "{:<13}{:<13}{at_once:>8}{:>9}{:>9}{:>7}{:>9}{:>7}{:>10}{:>8}{:>8}{:>8}",
            row.exercise,
            row.what,
            figure(row.grade_s),
            figure(row.floor_s),
            figure(row.grade_to_floor),
            figure(row.free_floor_s),
            figure(row.grade_to_free_floor),
            figure(row.script_s),
            figure(row.script_to_grade),
            figure(row.cpu_s),
            row.peak_mb.map_or("-".to_owned(), |mb| format!("{mb:.0}")),
        );
    }
    text.push_str(
        "\nfloor: the same engine work by bare calls, in the rubric's order; free: the same, all at\n\
         once that can be. Ratios: grade to floor, grade to free floor, script to grade; each the\n\
         median of ratios within a round. CPU and peak memory are the program's own.\n",
    );
    text
}

fn figure(figure: Option<f64>) -> String {
    figure.map_or("-".to_owned(), |figure| format!("{figure:.2}"))
}

/// The table as JSON, in `target/bench/`.
pub(crate) fn save(
    conditions: &Conditions,
    rows: &[Row],
    sandboxes: &[SandboxRow],
    regrades: &[RegradeRow],
) -> Outcome<()> {
    let folder = root().join("target/bench");
    fs::create_dir_all(&folder)?;
    let json = serde_json::json!({ "conditions": conditions, "rows": rows, "sandboxes": sandboxes, "regrades": regrades });
    fs::write(folder.join("grading.json"), serde_json::to_string_pretty(&json)? + "\n")?;
    Ok(())
}
