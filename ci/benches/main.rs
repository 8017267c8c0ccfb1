//! Measures grading against its floor, the same work asked of the engine by bare calls, and against
//! a teacher's script; the sides take turns, so that a busy machine slows all of them alike.

#![expect(clippy::print_stdout, reason = "the table is what this program is for")]
#![expect(clippy::print_stderr, reason = "a long measurement tells where it is")]

mod arguments;
mod class;
mod exercise;
mod floor;
mod grading;
mod measure;
mod regrade;
mod sandbox;
mod table;
mod teacher;
mod usage;

use std::process::ExitCode;

use clap::Parser;
use grade::engine::{Endpoint, Engine};

use arguments::Arguments;
use exercise::Exercise;
use measure::Sides;
use sandbox::SandboxRow;
use table::{Conditions, Row};
use teacher::Teacher;

/// Any failure ends the measurement: half a table would be read as a whole one.
type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

#[tokio::main]
async fn main() -> ExitCode {
    match measure(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("ci/bench: {error}");
            ExitCode::from(3)
        }
    }
}

async fn measure(arguments: Arguments) -> Outcome<()> {
    let regrades = regrade::rows(arguments.rounds())?;
    println!("{}", regrade::text(&regrades));
    if arguments.regrade {
        return Ok(());
    }
    let engine = Engine::connect(&Endpoint::resolve(None)?).await?;
    let teacher = Teacher::find();
    if teacher.is_none() {
        eprintln!("no docker CLI on PATH can build with BuildKit: the script is left out");
    }
    let conditions = Conditions::of(&engine, &arguments, teacher.as_ref());
    let scratch = tempfile::tempdir()?;
    let (mut rows, mut sandboxes): (Vec<Row>, Vec<SandboxRow>) = (Vec::new(), Vec::new());
    for exercise in Exercise::all(arguments.only.as_deref(), scratch.path())? {
        sandboxes.extend(sandbox::rows(&engine, &exercise, &arguments).await?);
        if arguments.sandbox {
            continue;
        }
        let sides = Sides { engine: &engine, exercise: &exercise, teacher: teacher.as_ref() };
        rows.extend(measure::one(&sides, arguments.rounds()).await?);
        if !arguments.quick {
            rows.extend(measure::many(&sides, arguments.class, arguments.class_rounds()).await?);
        }
    }
    if !rows.is_empty() {
        println!("{}", table::text(&conditions, &rows));
    }
    println!("{}", sandbox::text(&sandboxes));
    table::save(&conditions, &rows, &sandboxes, &regrades)
}
