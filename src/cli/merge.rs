//! `grade merge DIR…`: the parts of a class that several machines graded, in one gradebook.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use super::batch::{class_report, failed, open, usage};
use super::grade::Show;
use super::{Exit, class_end, said};
use crate::batch::{Books, Merge, MergeError, Merged, Register, Store, StoreError};
use crate::file::update_whole;
use crate::plan;
use crate::report::View;

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// Classes' folders, as `grade batch --out` wrote them; the first one's roster counts
    #[arg(value_name = "DIR", required = true)]
    folders: Vec<PathBuf>,
    /// The folder of the whole class; what an earlier merge left there counts, too
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Also make these reports, as `grade batch --report` does
    #[arg(long, value_name = "NAME", value_parser = class_report)]
    report: Vec<String>,
    /// Exit with 1 when anybody lost any point
    #[arg(long)]
    strict: bool,
    /// Show hidden probes in full: for instructors
    #[arg(long, value_enum, value_name = "WHAT")]
    show: Option<Show>,
}

pub(super) fn run(arguments: &Arguments) -> Exit {
    merge(arguments).unwrap_or_else(|exit| exit)
}

fn merge(arguments: &Arguments) -> Result<Exit, Exit> {
    let mut folders = arguments.folders.clone();
    let into = Store::look(&arguments.out);
    if Register::read(&into).is_ok() {
        folders.push(arguments.out.clone());
    }
    let merge = Merge::read(&folders).map_err(|error| wrong(&error))?;
    let rubric = plan::read_to_judge(&merge.register.rubric(&into), merge.rubric.clone())
        .map_err(|problems| usage(problems.to_string()))?;
    let rubric = Arc::new(rubric);
    for note in &merge.notes {
        anstream::eprintln!("note: {}", said(note, 400));
    }
    let store = Arc::new(open(&arguments.out)?);
    let view = View { width: 100, show_hidden: arguments.show.is_some(), ..View::default() };
    let books = Books::new(
        Arc::clone(&store),
        &merge.register,
        Arc::clone(&rubric),
        view,
        &arguments.report,
    );
    let books = books.map_err(|error| usage(error.to_string()))?;
    // The evidence first: a register that names what is not there yet would call it not graded.
    let merged = merge.write(&store, &rubric).map_err(|error| failed(&error))?;
    let copy = merge.register.rubric(&store);
    update_whole(&copy, merge.rubric.as_bytes())
        .map_err(|source| failed(&StoreError::File { path: copy, source }))?;
    merge.register.write(&store).map_err(|error| failed(&error))?;
    tell(&merged);
    Ok(class_end::write(&books, &arguments.out, arguments.strict))
}

fn wrong(error: &MergeError) -> Exit {
    usage(error.to_string())
}

fn tell(merged: &Merged) {
    for twice in &merged.duplicates {
        let besides = twice.besides.iter().map(|path| path.display().to_string());
        anstream::eprintln!(
            "note: {} is in several folders: that in {} counts, not that in {}",
            said(&twice.id, 60),
            twice.counts.display(),
            besides.collect::<Vec<_>>().join(", ")
        );
    }
    if !merged.unknown.is_empty() {
        anstream::eprintln!(
            "note: {} in no folder: their shard is missing, or was not graded to its end",
            if merged.unknown.len() == 1 { "1 student is" } else { "some students are" }
        );
    }
}
