//! Reports of a class: written student by student, so that a class of any size takes little memory.
//!
//! Rows arrive in the roster's order and each is seen once. A writer that needs all of them before
//! its first line keeps a few bytes of each and puts the rest into a file without a name.

mod canvas;
mod csv;
mod gradebook;
mod html;
mod junit;
mod sheet;

/// Every format of a class. A new one is a file here with a `FORMAT`, its `mod` line above and its
/// name here.
pub const CLASS_FORMATS: &[ClassFormat] =
    &[canvas::FORMAT, csv::FORMAT, gradebook::FORMAT, html::FORMAT, junit::FORMAT];

use std::io::Write;

use jiff::Timestamp;

use super::{ReportError, View};
use crate::judge::{LatePolicy, Row};
use crate::rubric::Rubric;

/// What a class report is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Class {
    /// What the class is called.
    pub title: Option<String>,
    /// The exercise's course.
    pub course: String,
    /// The exercise.
    pub slug: String,
    /// Its title.
    pub exercise: String,
    /// The probes of the current rubric, in its order.
    pub probes: Vec<Column>,
    /// SHA-256 of the current rubric, in hex: grades by another one are told apart.
    pub rubric_digest: String,
    /// When submissions were due.
    pub due: Option<Timestamp>,
    /// What being late costs.
    pub late: Option<LatePolicy>,
    /// When the report was made.
    pub generated_at: Timestamp,
}

/// A probe, as a column of a class's table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// The probe's id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// The points it is worth.
    pub points: u32,
    /// Whether students see the title and mark only.
    pub hidden: bool,
}

impl Class {
    /// A class without a name or a due time that is graded by this rubric.
    pub fn new(rubric: &Rubric, generated_at: Timestamp) -> Class {
        let columns = rubric.probes.iter().map(|probe| Column {
            id: probe.id.clone(),
            title: probe.title.clone(),
            points: probe.points,
            hidden: probe.hidden,
        });
        Class {
            title: None,
            course: rubric.course.clone(),
            slug: rubric.slug.clone(),
            exercise: rubric.title.clone(),
            probes: columns.collect(),
            rubric_digest: rubric.digest.clone(),
            due: None,
            late: None,
            generated_at,
        }
    }

    /// The points that can be had.
    pub fn possible(&self) -> u32 {
        self.probes.iter().map(|probe| probe.points).sum()
    }
}

/// A report of a class as it is written. Whoever drops it before [`ClassReport::finish`] has
/// written a part of a file.
pub trait ClassReport: Send {
    /// Takes the next row, in the roster's order.
    ///
    /// # Errors
    /// When it cannot be written; never because of a student's text.
    fn row(&mut self, row: &Row) -> Result<(), ReportError>;

    /// Writes what stands after the rows, and flushes.
    ///
    /// # Errors
    /// When it cannot be written.
    fn finish(self: Box<Self>) -> Result<(), ReportError>;
}

/// Where a class report goes: a file as it is, as the writers buffer themselves.
pub type Sink = Box<dyn Write + Send>;

/// Begins a report; may write its head at once.
pub type Open = fn(&Class, &View, Sink) -> Result<Box<dyn ClassReport>, ReportError>;

/// A format of class reports.
#[derive(Clone, Copy, Debug)]
pub struct ClassFormat {
    /// Its name.
    pub name: &'static str,
    /// What it is called in a class's folder.
    pub file: &'static str,
    /// One sentence for the help.
    pub doc: &'static str,
    /// Whether it is written only where it is asked for: for systems that not every course has.
    pub on_request: bool,
    /// Begins one.
    pub open: Open,
}

/// The format of that name.
pub fn find(name: &str) -> Option<&'static ClassFormat> {
    CLASS_FORMATS.iter().find(|format| format.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_here_is_a_registered_format() {
        const SHARED: [&str; 2] = ["mod.rs", "sheet.rs"];
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/report/class");
        let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name());
        let mut files: Vec<String> = files
            .map(|file| file.into_string().unwrap())
            .filter(|file| file.ends_with(".rs"))
            .collect();
        files.retain(|file| !SHARED.contains(&file.as_str()));
        files.sort();
        let mut names: Vec<String> =
            CLASS_FORMATS.iter().map(|format| format!("{}.rs", format.name)).collect();
        names.sort();
        assert_eq!(names, files);
        for format in CLASS_FORMATS {
            assert_eq!(find(format.name).map(|found| found.file), Some(format.file));
        }
    }
}
