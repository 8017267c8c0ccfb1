//! `grade regrade`: new scores from old evidence under a mended rubric, without an engine.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use super::batch::{class_report, failed, open, usage};
use super::changes::Changes;
use super::grade::Show;
use super::locate::{self, Course};
use super::{Common, Exit, check};
use crate::batch::{
    Books, Register, Regraded, Store, StoreError, Told, loose, regrade_class, write_beside,
};
use crate::evidence::{self, Evidence};
use crate::file::update_whole;
use crate::judge::judge;
use crate::report::View;
use crate::rubric::Rubric;

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// A class's folder, a folder with evidence.json in it or below it, or such a file
    #[arg(value_name = "PATH")]
    path: PathBuf,
    /// The rubric [default: the course's, of the assignment that the evidence is of]
    #[arg(long, value_name = "FILE")]
    rubric: Option<PathBuf>,
    /// Write the new results over the old ones; evidence is never changed
    #[arg(long)]
    write: bool,
    /// Tell what changes as JSON instead ('-' is standard output)
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Also make these reports of a class, as `grade batch --report` does
    #[arg(long, value_name = "NAME", value_parser = class_report, requires = "write")]
    report: Vec<String>,
    /// Show hidden probes in full in what is written: for instructors
    #[arg(long, value_enum, value_name = "WHAT", requires = "write")]
    show: Option<Show>,
}

pub(super) fn run(arguments: &Arguments, common: &Common) -> Exit {
    regrade(arguments, common).unwrap_or_else(|exit| exit)
}

fn regrade(arguments: &Arguments, common: &Common) -> Result<Exit, Exit> {
    let path = &arguments.path;
    if path.is_file() {
        return of_loose(arguments, common, &loose(path));
    }
    let look = Store::look(path);
    match Register::read(&look) {
        Ok(register) => of_class(arguments, common, &look, &register),
        Err(StoreError::NoClass { .. }) => of_loose(arguments, common, &loose(path)),
        Err(error) => Err(usage(error.to_string())),
    }
}

fn of_class(
    arguments: &Arguments,
    common: &Common,
    look: &Store,
    register: &Register,
) -> Result<Exit, Exit> {
    let (path, rubric) = rubric(arguments, common, &register.assignment)?;
    // Nobody else may write meanwhile.
    let store = if arguments.write { Some(open(&arguments.path)?) } else { None };
    let mut changes = Changes::new(arguments.write);
    changes.note_limits(&register.rubric(look), &rubric);
    let regraded = regrade_class(look, register, &rubric, |one| changes.add(one));
    regraded.map_err(|error| failed(&error))?;
    if let Some(store) = store {
        let store = Arc::new(store);
        let view = View { width: 100, show_hidden: arguments.show.is_some(), ..View::default() };
        let digest = rubric.digest.clone();
        let by = Arc::new(rubric);
        let books = Books::new(Arc::clone(&store), register, by, view, &arguments.report);
        let books = books.map_err(|error| usage(error.to_string()))?;
        let copy = register.rubric(&store);
        let kept = std::fs::read(&path).and_then(|text| update_whole(&copy, &text));
        kept.map_err(|source| failed(&StoreError::File { path: copy, source }))?;
        let register = Register { regraded_by: Some(digest), ..register.clone() };
        register.write(&store).map_err(|error| failed(&error))?;
        let (_, wrong) = books.write_all();
        for error in wrong {
            changes.fail(error.to_string());
        }
    }
    Ok(changes.tell(arguments.json.as_deref()))
}

fn of_loose(arguments: &Arguments, common: &Common, files: &[PathBuf]) -> Result<Exit, Exit> {
    if files.is_empty() {
        let path = arguments.path.display();
        return Err(usage(format!("{path} holds no evidence: no class.json, no evidence.json")));
    }
    // Every mistake of a rubric is told before anything is written.
    let mut rubrics: BTreeMap<String, Rubric> = BTreeMap::new();
    for file in files {
        if let Entry::Vacant(entry) = rubrics.entry(read(file)?.rubric.slug) {
            let (_, rubric) = rubric(arguments, common, entry.key())?;
            entry.insert(rubric);
        }
    }
    let mut changes = Changes::new(arguments.write);
    for file in files {
        let evidence = read(file)?;
        let Some(rubric) = rubrics.get(&evidence.rubric.slug) else { continue };
        let grade = judge(rubric, &evidence);
        let folder = file.parent().unwrap_or(Path::new("."));
        let told = Told::read(folder);
        changes.add(Regraded::of(evidence.submission.source.clone(), told.as_ref(), &grade));
        if arguments.write
            && let Err(error) = write_beside(folder, &evidence, grade, arguments.show.is_some())
        {
            changes.fail(error.to_string());
        }
    }
    Ok(changes.tell(arguments.json.as_deref()))
}

fn read(file: &Path) -> Result<Evidence, Exit> {
    evidence::read(file).map_err(|error| usage(error.to_string()))
}

/// The rubric to judge by, and its file; its mistakes are shown.
fn rubric(arguments: &Arguments, common: &Common, slug: &str) -> Result<(PathBuf, Rubric), Exit> {
    let path = match &arguments.rubric {
        Some(path) => path.clone(),
        None => {
            let course = Course::find(common.course.as_deref());
            locate::named(course.as_ref(), Some(slug), "the evidence says").map_err(usage)?
        }
    };
    let rubric = check::load_to_judge(&path)?;
    if rubric.slug != slug {
        let (path, other) = (path.display(), &rubric.slug);
        return Err(usage(format!(
            "the evidence is of {slug}, and {path} is the rubric of {other}"
        )));
    }
    Ok((path, rubric))
}
