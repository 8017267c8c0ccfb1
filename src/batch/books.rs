//! The books of a class: its reports, made from what is kept of each submission, one at a time.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;

use super::register::{Enrolled, Register};
use super::store::{AbsenceKind, Kept, Store};
use super::tally::Tally;
use crate::evidence::Evidence;
use crate::file::{self, Unfinished};
use crate::judge::{Came, Entry, Row, Score, Standing, Timing, judge};
use crate::report::class::{CLASS_FORMATS, Class, ClassFormat, ClassReport};
use crate::report::{FORMATS, Format, ReportError, View};
use crate::rubric::Rubric;

/// What reports of a class are made of.
pub struct Books {
    store: Arc<Store>,
    rubric: Arc<Rubric>,
    class: Class,
    /// The students of this folder, in the roster's order.
    members: Vec<Enrolled>,
    /// The first student of each submission.
    owners: BTreeMap<String, usize>,
    view: View,
    student_formats: Vec<&'static Format>,
    class_formats: Vec<&'static ClassFormat>,
}

/// A report could not be made or written.
#[derive(Debug, thiserror::Error)]
pub enum BooksError {
    /// It could not be made.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// The file system said no.
    #[error("failed to write {path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is no format of that name.
    #[error("there is no report `{name}`; known: {known}")]
    Unknown {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
}

impl Books {
    /// The books of a class, with the reports that are always made and those that are asked for.
    ///
    /// # Errors
    /// When one is asked for that there is not.
    pub fn new(
        store: Arc<Store>,
        register: &Register,
        rubric: Arc<Rubric>,
        view: View,
        asked: &[String],
    ) -> Result<Books, BooksError> {
        let known = reports();
        if let Some(name) = asked.iter().find(|name| !known.contains(&name.as_str())) {
            return Err(BooksError::Unknown { name: name.clone(), known: known.join(", ") });
        }
        let is_asked = |name: &str| asked.iter().any(|one| one == name);
        let class = Class {
            title: register.title.clone(),
            due: register.due,
            late: register.late,
            ..Class::new(&rubric, Timestamp::now())
        };
        let members: Vec<Enrolled> = register.here().into_iter().cloned().collect();
        let mut owners = BTreeMap::new();
        for (index, member) in members.iter().enumerate() {
            if let Ok(folder) = &member.folder {
                owners.entry(folder.clone()).or_insert(index);
            }
        }
        Ok(Books {
            store,
            class,
            members,
            owners,
            rubric,
            view,
            student_formats: FORMATS
                .iter()
                .filter(|format| !format.on_request || (is_asked(format.name) && !format.alone))
                .collect(),
            class_formats: CLASS_FORMATS
                .iter()
                .filter(|format| !format.on_request || is_asked(format.name))
                .collect(),
        })
    }

    /// Makes the reports of one submission.
    ///
    /// # Errors
    /// When one cannot be made or written.
    pub fn write_student(&self, folder: &str) -> Result<(), BooksError> {
        match self.owners.get(folder).and_then(|owner| self.members.get(*owner)) {
            Some(member) => self.write_reports(folder, &self.row(member)),
            None => Ok(()),
        }
    }

    /// Makes all reports: of each submission where something has changed, and of the class. Each
    /// row is read, judged, written and forgotten before the next. A report of the class that fails
    /// does not keep the others from being made.
    ///
    /// # Errors
    /// What came of the class, beside what could not be made or written.
    pub fn write_all(&self) -> (Tally, Vec<BooksError>) {
        let (mut tally, mut failed) = (Tally::default(), Vec::new());
        let mut class = Vec::new();
        for format in &self.class_formats {
            match self.begin(format) {
                Ok(begun) => class.push(Some(begun)),
                Err(error) => failed.push(error),
            }
        }
        for (index, member) in self.members.iter().enumerate() {
            let row = self.row(member);
            if let Ok(folder) = &member.folder
                && self.owners.get(folder) == Some(&index)
                && let Err(error) = self.write_reports(folder, &row)
            {
                failed.push(error);
            }
            for slot in &mut class {
                if let Some((_, report)) = slot
                    && let Err(error) = report.row(&row)
                {
                    failed.push(error.into());
                    *slot = None;
                }
            }
            tally.add(&row);
        }
        for (unfinished, report) in class.into_iter().flatten() {
            let path = unfinished.path().to_owned();
            let finished = report.finish().map_err(BooksError::from);
            let finished = finished.and_then(|()| {
                unfinished.finish().map_err(|source| BooksError::File { path, source })
            });
            failed.extend(finished.err());
        }
        (tally, failed)
    }

    fn begin(
        &self,
        format: &ClassFormat,
    ) -> Result<(Unfinished, Box<dyn ClassReport>), BooksError> {
        let path = self.store.path(format.file);
        let unfinished = Unfinished::begin(&path).and_then(|unfinished| {
            let sink: File = unfinished.file().try_clone()?;
            Ok((unfinished, sink))
        });
        let (unfinished, sink) = unfinished.map_err(|source| BooksError::File { path, source })?;
        let report = (format.open)(&self.class, &self.view, Box::new(sink))?;
        Ok((unfinished, report))
    }

    /// A student's line of the gradebook.
    pub(super) fn row(&self, member: &Enrolled) -> Row {
        let kept = match &member.folder {
            Ok(folder) => self.store.read(folder),
            Err(because) => return missing(member, because),
        };
        match kept {
            Ok(Kept::Evidence(evidence)) => self.graded(member, &evidence),
            Ok(Kept::Absent(absence)) => match absence.kind {
                AbsenceKind::Missing => missing(member, &absence.because),
                AbsenceKind::Unreached => unreached(member, &absence.because),
            },
            Ok(Kept::Nothing) => unreached(member, "it was not graded yet"),
            Err(error) => unreached(member, &error.to_string()),
        }
    }

    fn graded(&self, member: &Enrolled, evidence: &Evidence) -> Row {
        let grade = judge(&self.rubric, evidence);
        let of = &evidence.submission;
        // Of a folder that differs from its commit nobody knows.
        let committed_at = of.committed_at.as_ref().filter(|_| of.dirty != Some(true));
        let handed_in = committed_at.and_then(|time| time.parse().ok());
        let timing = Timing::of(member.due, handed_in);
        let standing = Standing::of(
            grade.score(),
            grade.is_provisional(),
            timing,
            self.class.late,
            member.decision.clone(),
        );
        let entry = Box::new(Entry::new(grade, evidence));
        Row { student: member.student.clone(), outcome: Came::Graded { entry, standing } }
    }

    fn write_reports(&self, folder: &str, row: &Row) -> Result<(), BooksError> {
        let folder = self.store.folder(folder);
        for format in &self.student_formats {
            let path = folder.join(format.file);
            let report = (format.report)(&self.view).student(&self.class, row)?;
            let written = match report {
                Some(bytes) => {
                    let made = file::make_folder(&folder);
                    made.and_then(|()| file::update_whole(&path, &bytes).map(drop))
                }
                // What was said before holds no more.
                None => file::remove(&path),
            };
            written.map_err(|source| BooksError::File { path, source })?;
        }
        Ok(())
    }
}

fn missing(member: &Enrolled, because: &str) -> Row {
    let outcome = Came::Missing { because: because.to_owned(), standing: decided(member) };
    Row { student: member.student.clone(), outcome }
}

fn unreached(member: &Enrolled, because: &str) -> Row {
    let outcome = Came::Unreached { because: because.to_owned(), standing: decided(member) };
    Row { student: member.student.clone(), outcome }
}

/// Where there is no grade, nothing counts but what the instructor decided.
fn decided(member: &Enrolled) -> Standing {
    let none = Score { earned: 0, possible: 0 };
    Standing::of(none, true, Timing::Free, None, member.decision.clone())
}

/// The names of all reports that can be made of a class or of each of its students.
pub fn reports() -> Vec<&'static str> {
    let student = FORMATS.iter().filter(|format| !format.alone).map(|format| format.name);
    let mut names: Vec<&str> =
        student.chain(CLASS_FORMATS.iter().map(|format| format.name)).collect();
    names.sort_unstable();
    names.dedup();
    names
}
