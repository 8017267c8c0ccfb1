//! New scores from old evidence, and what they change in what was told before. No engine is asked.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::books::BooksError;
use super::register::Register;
use super::store::{Kept, Store, StoreError};
use crate::evidence::Evidence;
use crate::file::update_whole;
use crate::judge::{Entry, Grade, Gradebook, Mark, Score, Verdict, judge};
use crate::report::{FORMATS, View};
use crate::rubric::Rubric;

/// What a student was told: as much of `result.json` as is needed to compare.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Told {
    score: ToldScore,
    probes: Vec<ToldProbe>,
    rubric: ToldRubric,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct ToldScore {
    earned: u32,
    possible: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct ToldProbe {
    id: String,
    status: Outcome,
    earned: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct ToldRubric {
    digest: String,
}

/// What was decided about a probe, as results name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "they say it")]
pub enum Outcome {
    Passed,
    Failed,
    Skipped,
    Unjudged,
}

/// A submission's new score beside the one that was told before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Regraded {
    /// Whose it is: a student's id, or a folder.
    pub name: String,
    /// The score that was told; nothing where none was.
    pub before: Option<Score>,
    /// The score now.
    pub after: Score,
    /// Why something is unjudged now.
    pub unjudged: Option<String>,
    /// Whether what was told came from another rubric.
    pub by_another_rubric: bool,
    /// The probes that came to something else, in the new rubric's order, those that are gone last.
    pub moved: Vec<Moved>,
}

/// A probe that came to something else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// Its id.
    pub id: String,
    /// What it came to; nothing where the rubric had no such probe.
    pub before: Option<(Outcome, u32)>,
    /// What it comes to; nothing where the rubric has none any more.
    pub after: Option<(Outcome, u32)>,
}

impl Told {
    /// What was told in a folder, if anything that can be read.
    pub fn read(folder: &Path) -> Option<Told> {
        let bytes = std::fs::read(folder.join("result.json")).ok()?;
        serde_json::from_slice(&bytes).ok()
    }
}

impl Regraded {
    /// Compares a new grade with what was told.
    pub fn of(name: String, told: Option<&Told>, grade: &Grade) -> Regraded {
        let unjudged = grade.marks.iter().find_map(|mark| match &mark.verdict {
            Verdict::Unjudged(reason) => Some(reason.clone()),
            _ => None,
        });
        Regraded {
            name,
            before: told
                .map(|told| Score { earned: told.score.earned, possible: told.score.possible }),
            after: grade.score(),
            unjudged,
            by_another_rubric: told.is_some_and(|told| told.rubric.digest != grade.rubric_digest),
            moved: told.map(|told| moved(told, grade)).unwrap_or_default(),
        }
    }

    /// Whether a student would read something else about points than before.
    pub fn is_changed(&self) -> bool {
        self.before != Some(self.after) || !self.moved.is_empty()
    }
}

fn moved(told: &Told, grade: &Grade) -> Vec<Moved> {
    let before: BTreeMap<&str, (Outcome, u32)> =
        told.probes.iter().map(|probe| (probe.id.as_str(), (probe.status, probe.earned))).collect();
    let still = grade.marks.iter().map(|mark| Moved {
        id: mark.id.clone(),
        before: before.get(mark.id.as_str()).copied(),
        after: Some((outcome(mark), mark.earned())),
    });
    let is_gone = |id: &str| !grade.marks.iter().any(|mark| mark.id == id);
    let gone = told.probes.iter().filter(|probe| is_gone(&probe.id)).map(|probe| Moved {
        id: probe.id.clone(),
        before: Some((probe.status, probe.earned)),
        after: None,
    });
    still.chain(gone).filter(|one| one.before != one.after).collect()
}

fn outcome(mark: &Mark) -> Outcome {
    match mark.verdict {
        Verdict::Met => Outcome::Passed,
        Verdict::Missed(_) => Outcome::Failed,
        Verdict::Skipped { .. } => Outcome::Skipped,
        Verdict::Unjudged(_) => Outcome::Unjudged,
    }
}

/// Regrades a class from its folder, submission by submission, in the roster's order; groups are
/// named by their first student. Those without evidence are left out.
///
/// # Errors
/// When something kept cannot be read.
pub fn class(
    store: &Store,
    register: &Register,
    rubric: &Rubric,
    mut tell: impl FnMut(Regraded),
) -> Result<(), StoreError> {
    let mut done = BTreeSet::new();
    for member in register.here() {
        let Ok(folder) = &member.folder else { continue };
        if !done.insert(folder) {
            continue;
        }
        if let Kept::Evidence(evidence) = store.read(folder)? {
            let told = Told::read(&store.folder(folder));
            let grade = judge(rubric, &evidence);
            tell(Regraded::of(member.student.id.clone(), told.as_ref(), &grade));
        }
    }
    Ok(())
}

/// Evidence files of no class: the file itself, or those in a folder and in the folders in it.
pub fn loose(path: &Path) -> Vec<PathBuf> {
    if !path.is_dir() {
        return vec![path.to_owned()];
    }
    let files = walkdir::WalkDir::new(path).max_depth(3).sort_by_file_name().into_iter().flatten();
    let files = files.filter(|entry| entry.file_name() == "evidence.json");
    files.filter(|entry| entry.file_type().is_file()).map(walkdir::DirEntry::into_path).collect()
}

/// Writes the reports of one submission of no class beside its evidence.
///
/// # Errors
/// When one cannot be made or written.
pub fn write_beside(
    folder: &Path,
    evidence: &Evidence,
    grade: Grade,
    show_hidden: bool,
) -> Result<(), BooksError> {
    let gradebook = Gradebook { entries: vec![Entry::new(grade, evidence)] };
    let view = View { width: 100, show_hidden, ..View::default() };
    for format in FORMATS.iter().filter(|format| !format.on_request) {
        let report = (format.report)(&view).render(&gradebook)?;
        let path = folder.join(format.file);
        update_whole(&path, &report).map_err(|source| BooksError::File { path, source })?;
    }
    Ok(())
}
