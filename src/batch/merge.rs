//! Shards into one class: what several machines found out, in one folder.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::register::{Enrolled, Register};
use super::store::{AbsenceKind, Kept, Store, StoreError};
use crate::evidence::Evidence;
use crate::judge::judge;
use crate::rubric::Rubric;

/// Folders that make no class together.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// A folder could not be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// They are of different exercises.
    #[error("{first} is of the assignment {one} and {second} of {other}")]
    Assignments {
        /// A folder.
        first: PathBuf,
        /// Its exercise.
        one: String,
        /// Another folder.
        second: PathBuf,
        /// Its exercise.
        other: String,
    },
    /// They were graded by different rubrics.
    #[error(
        "{first} and {second} were graded by different rubrics: regrade one by the other's with \
         `grade regrade {second} --rubric {first}/{slug}.toml --write`"
    )]
    Rubrics {
        /// A folder.
        first: PathBuf,
        /// Another folder.
        second: PathBuf,
        /// The exercise.
        slug: String,
    },
}

/// Classes' folders that can be put together.
pub struct Merge {
    parts: Vec<Part>,
    /// The rubric's text, the same in all.
    pub rubric: String,
    /// The whole class.
    pub register: Register,
    /// What differs between the folders and need not be mended.
    pub notes: Vec<String>,
}

struct Part {
    path: PathBuf,
    store: Store,
    register: Register,
    /// The students' folders, by id.
    folders: BTreeMap<String, String>,
}

/// What came of putting folders together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Merged {
    /// Who was graded in several folders.
    pub duplicates: Vec<Duplicate>,
    /// Ids of students that no folder knows anything about.
    pub unknown: Vec<String>,
}

/// A submission that several folders have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Duplicate {
    /// A student's id.
    pub id: String,
    /// The folder whose result counts.
    pub counts: PathBuf,
    /// The others.
    pub besides: Vec<PathBuf>,
}

/// How much a result says, the more the later in this order: whether there was a submission, how
/// little of it is unjudged, and when it was observed.
type Worth = (u8, std::cmp::Reverse<usize>, String);

impl Merge {
    /// Reads what the folders are about; the first one's roster is that of the class. Nothing is
    /// written yet.
    ///
    /// # Errors
    /// When they do not belong together, or one cannot be read or is being written.
    pub fn read(folders: &[PathBuf]) -> Result<Merge, MergeError> {
        let mut parts: Vec<Part> = Vec::new();
        let mut rubrics: Vec<String> = Vec::new();
        for path in folders {
            let store = Store::look(path);
            if store.is_in_use() {
                return Err(StoreError::InUse { path: path.clone() }.into());
            }
            let register = Register::read(&store)?;
            let rubric = register.rubric(&store);
            let text = std::fs::read_to_string(&rubric)
                .map_err(|source| StoreError::File { path: rubric, source })?;
            rubrics.push(text);
            let with_folder = register.members.iter().filter_map(|member| {
                Some((member.student.id.clone(), member.folder.clone().ok()?))
            });
            let folders = with_folder.collect();
            parts.push(Part { path: path.clone(), store, register, folders });
        }
        let (Some(first), Some(rubric)) = (parts.first(), rubrics.first()) else {
            return Err(StoreError::NoClass { path: PathBuf::new() }.into());
        };
        for (part, text) in parts.iter().zip(&rubrics) {
            if part.register.assignment != first.register.assignment {
                return Err(MergeError::Assignments {
                    first: first.path.clone(),
                    one: first.register.assignment.clone(),
                    second: part.path.clone(),
                    other: part.register.assignment.clone(),
                });
            }
            if text != rubric {
                let (first, second) = (first.path.clone(), part.path.clone());
                let slug = part.register.assignment.clone();
                return Err(MergeError::Rubrics { first, second, slug });
            }
        }
        let (register, notes) = together(&parts);
        Ok(Merge { rubric: rubric.clone(), register, notes, parts })
    }

    /// Copies the best of what the folders have into one. Nothing of theirs is changed.
    ///
    /// # Errors
    /// When the file system says no; it may then be done again.
    pub fn write(&self, into: &Store, rubric: &Rubric) -> Result<Merged, StoreError> {
        let mut merged = Merged::default();
        let mut done = BTreeSet::new();
        for member in &self.register.members {
            let Ok(folder) = &member.folder else { continue };
            if !done.insert(folder) {
                continue;
            }
            let mut found = self.find(member, rubric)?;
            found.sort_by(|(one, ..), (other, ..)| other.cmp(one));
            let mut found = found.into_iter().map(|(_, part, theirs)| (part, theirs));
            let Some((best, theirs)) = found.next() else {
                merged.unknown.push(member.student.id.clone());
                continue;
            };
            if !is_same(&best.path, into.root()) {
                into.take_over(&best.store, theirs, folder)?;
            }
            let besides: Vec<PathBuf> = found.map(|(part, _)| part.path.clone()).collect();
            if !besides.is_empty() {
                merged.duplicates.push(Duplicate {
                    id: member.student.id.clone(),
                    counts: best.path.clone(),
                    besides,
                });
            }
        }
        Ok(merged)
    }

    /// What the folders have of a student's submission.
    fn find(
        &self,
        member: &Enrolled,
        rubric: &Rubric,
    ) -> Result<Vec<(Worth, &Part, &str)>, StoreError> {
        let mut found = Vec::new();
        for part in &self.parts {
            let Some(folder) = part.folders.get(&member.student.id) else { continue };
            let worth = match part.store.read(folder)? {
                Kept::Nothing => continue,
                Kept::Absent(absence) => absent(absence.kind),
                Kept::Evidence(evidence) => observed(&evidence, rubric),
            };
            found.push((worth, part, folder.as_str()));
        }
        Ok(found)
    }
}

fn absent(kind: AbsenceKind) -> Worth {
    let rank = match kind {
        AbsenceKind::Unreached => 0,
        AbsenceKind::Missing => 1,
    };
    (rank, std::cmp::Reverse(0), String::new())
}

fn observed(evidence: &Evidence, rubric: &Rubric) -> Worth {
    let marks = judge(rubric, evidence).marks;
    let unjudged = marks.iter().filter(|mark| mark.is_unjudged()).count();
    (2, std::cmp::Reverse(unjudged), evidence.started_at.clone())
}

/// The first part's class, and who is in the others only.
fn together(parts: &[Part]) -> (Register, Vec<String>) {
    let mut all = parts.iter();
    let mut register = all.next().map(|part| part.register.clone()).unwrap_or_default();
    let mut notes = Vec::new();
    register.shard = None;
    register.afresh_since = None;
    let mut ids: BTreeSet<String> =
        register.members.iter().map(|member| member.student.id.clone()).collect();
    let regraded = parts.iter().find_map(|part| part.register.regraded_by.clone());
    register.regraded_by = regraded;
    for part in all {
        let theirs = &part.register;
        let path = part.path.display();
        if (theirs.due, theirs.late) != (register.due, register.late) {
            notes.push(format!("{path}: another due time or late policy, which does not count"));
        }
        for member in &theirs.members {
            if ids.insert(member.student.id.clone()) {
                let id = &member.student.id;
                notes.push(format!("{path}: {id} is in no folder named before it"));
                register.members.push(member.clone());
            }
        }
    }
    (register, notes)
}

fn is_same(one: &Path, other: &Path) -> bool {
    let canonical = |path: &Path| std::fs::canonicalize(path).ok();
    canonical(one).is_some_and(|one| Some(one) == canonical(other))
}
