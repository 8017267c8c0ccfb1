//! `grade schema`: JSON Schemas, of rubrics for editors and of results for whoever reads them.

use clap::{Args, ValueEnum};

use super::{Exit, out};
use crate::{plan, report, roster};

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// Of what
    #[arg(value_enum, default_value_t)]
    what: What,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum What {
    /// rubrics/*.toml
    #[default]
    Rubric,
    /// What --json writes
    Result,
    /// What gradebook.json of a class is
    Gradebook,
    /// A class's roster in TOML
    Roster,
    /// The instructor's decisions
    Decisions,
}

pub(super) fn run(arguments: &Arguments) -> Exit {
    let schema = match arguments.what {
        What::Rubric => plan::schema(),
        What::Result => report::json::schema().to_value(),
        What::Gradebook => report::json::gradebook_schema().to_value(),
        What::Roster => roster::schema(),
        What::Decisions => roster::decisions_schema(),
    };
    match serde_json::to_string_pretty(&schema) {
        Ok(text) => {
            out(format_args!("{text}"));
            Exit::Graded
        }
        Err(error) => {
            anstream::eprintln!("failed to print the schema: {error}");
            Exit::Bug
        }
    }
}
