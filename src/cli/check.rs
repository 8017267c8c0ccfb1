//! `grade check`: every mistake of rubrics, without an engine.

use std::path::PathBuf;

use clap::Args;

use super::locate::Course;
use super::{Common, Exit, diagnose, out};
use crate::plan::{self, Plan, PlanError};
use crate::rubric::Rubric;

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// Rubrics to check [default: all of the course]
    #[arg(value_name = "RUBRIC")]
    rubrics: Vec<PathBuf>,
}

pub(super) fn run(arguments: &Arguments, common: &Common) -> Exit {
    let mut rubrics = arguments.rubrics.clone();
    if rubrics.is_empty() {
        let Some(course) = Course::find(common.course.as_deref()) else {
            anstream::eprintln!(
                "found no course here: name rubrics, or the course with --course DIR"
            );
            return Exit::Usage;
        };
        rubrics = course.slugs().iter().map(|slug| course.rubric(slug)).collect();
    }
    if rubrics.is_empty() {
        anstream::eprintln!("this course has no rubrics");
        return Exit::Usage;
    }
    let mut exit = Exit::Graded;
    for path in &rubrics {
        match load(path) {
            Ok(plan) => {
                let points: u32 = plan.rubric.probes.iter().map(|probe| probe.points).sum();
                let probes = plan.rubric.probes.len();
                out(format_args!(
                    "{}: no problems; {}, {}",
                    path.display(),
                    counted(probes as u64, "probe"),
                    counted(u64::from(points), "point")
                ));
            }
            Err(wrong) => exit = wrong,
        }
    }
    exit
}

/// Loads a rubric; what is wrong with it is shown.
pub(super) fn load(path: &std::path::Path) -> Result<Plan, Exit> {
    plan::load(path).map_err(|error| {
        match &error {
            PlanError::Problems(problems) => diagnose::problems(problems),
            PlanError::Read { .. } => anstream::eprintln!("{error}"),
        }
        Exit::Usage
    })
}

/// Loads a rubric that is only judged by; what is wrong with it is shown.
pub(super) fn load_to_judge(path: &std::path::Path) -> Result<Rubric, Exit> {
    let source = std::fs::read_to_string(path).map_err(|error| {
        anstream::eprintln!("failed to read the rubric {}: {error}", path.display());
        Exit::Usage
    })?;
    plan::read_to_judge(path, source).map_err(|problems| {
        diagnose::problems(&problems);
        Exit::Usage
    })
}

fn counted(number: u64, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}
