//! Reports: a gradebook as bytes, one file for each format.
//!
//! A report is a pure function of the gradebook. It cleans every text for its format, as what a
//! student's work says is hostile, and shows of hidden probes the title and the mark only.

mod autolab;
pub mod class;
mod classroom;
mod classroom50;
mod feedback;
mod gradescope;
pub mod json;
pub mod junit;
mod prairielearn;
pub mod text;
mod words;

/// Every format. A new one is a file with a `FORMAT`, its `mod` line above and its name here.
pub const FORMATS: &[Format] = &[
    autolab::FORMAT,
    classroom::FORMAT,
    classroom50::FORMAT,
    feedback::FORMAT,
    gradescope::FORMAT,
    json::FORMAT,
    junit::FORMAT,
    prairielearn::FORMAT,
    text::FORMAT,
];

use std::collections::BTreeMap;

pub use classroom50::Classroom;
pub use feedback::summary;

use crate::judge::{Came, Entry, Feedback, Gradebook, Mark, Row, Verdict, line};
use class::Class;

/// What makes bytes of a gradebook.
pub trait Report {
    /// The report, whole.
    ///
    /// # Errors
    /// When the format cannot hold what the gradebook says; never because of a student's text.
    fn render(&self, gradebook: &Gradebook) -> Result<Vec<u8>, ReportError>;

    /// The report for one student of a class; `None` where the format has nothing to say, as most
    /// have not when there is no grade.
    ///
    /// # Errors
    /// As [`Report::render`].
    fn student(&self, class: &Class, row: &Row) -> Result<Option<Vec<u8>>, ReportError> {
        let _ = class;
        match &row.outcome {
            Came::Graded { entry, .. } => {
                self.render(&Gradebook { entries: vec![(**entry).clone()] }).map(Some)
            }
            Came::Missing { .. } | Came::Unreached { .. } => Ok(None),
        }
    }
}

/// A format of reports.
#[derive(Clone, Copy, Debug)]
pub struct Format {
    /// Its name, which is its file's name and its flag on the command line.
    pub name: &'static str,
    /// What it is called in a folder of reports.
    pub file: &'static str,
    /// One sentence for the help.
    pub doc: &'static str,
    /// Whether it is written only where it is asked for: for systems that not every course has.
    pub on_request: bool,
    /// Whether it is made where one submission is graded by itself, and not of a class's students.
    pub alone: bool,
    /// Makes the report; a format leaves out of account what it has no use for.
    pub report: fn(&View) -> Box<dyn Report>,
}

/// How a reader wants to see a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View {
    /// Whether the terminal shows styles.
    pub color: bool,
    /// The terminal's columns.
    pub width: usize,
    /// Whether hidden probes are shown in full: for teachers only.
    pub show_hidden: bool,
    /// What Classroom 50 says of the submission, where it is the one who asks.
    pub classroom: Option<&'static Classroom>,
}

impl Default for View {
    fn default() -> View {
        View { color: false, width: 80, show_hidden: false, classroom: None }
    }
}

/// A report could not be made.
#[derive(Debug, thiserror::Error)]
#[error("failed to write the {format} report: {source}")]
pub struct ReportError {
    /// The name of the format.
    pub format: &'static str,
    /// Why.
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

/// The format of that name.
pub fn find(name: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.name == name)
}

/// The one submission of a gradebook, for formats that hold no other number.
fn only<'a>(gradebook: &'a Gradebook, format: &'static str) -> Result<&'a Entry, ReportError> {
    match gradebook.entries.as_slice() {
        [entry] => Ok(entry),
        entries => Err(ReportError {
            format,
            source: format!("it holds one submission, not {}", entries.len()).into(),
        }),
    }
}

/// What may be said about a mark; `None` for hidden probes.
fn told(mark: &Mark, show_hidden: bool) -> Option<&Feedback> {
    (show_hidden || !mark.hidden).then_some(&mark.feedback)
}

/// What stands for the details of a hidden probe.
fn untold(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Unjudged(_) => "Not judged; this is not your fault.",
        _ => "The details of this check are not shown.",
    }
}

/// What a submission is called in a report: the end of its source where that tells it from the
/// others, else the whole source, numbered where even that is not enough.
fn names(gradebook: &Gradebook) -> Vec<String> {
    let whole = |entry: &Entry| line(&entry.submission.source, 200);
    let short = |entry: &Entry| {
        let whole = whole(entry);
        let end = whole.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        let end = end.strip_suffix(".git").unwrap_or(end);
        if matches!(end, "" | "." | "..") { whole } else { end.to_owned() }
    };
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for entry in &gradebook.entries {
        *seen.entry(short(entry)).or_default() += 1;
    }
    let alone = |name: &String| seen.get(name) == Some(&1);
    let mut names: Vec<String> = Vec::with_capacity(gradebook.entries.len());
    for entry in &gradebook.entries {
        let name = Some(short(entry)).filter(alone).unwrap_or_else(|| whole(entry));
        let mut unique = name.clone();
        let mut number = 1;
        while names.contains(&unique) {
            number += 1;
            unique = format!("{name} #{number}");
        }
        names.push(unique);
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::Provenance;
    use crate::judge::Grade;

    fn book(sources: &[&str]) -> Gradebook {
        let entry = |source: &&str| Entry {
            grade: Grade {
                slug: "s".into(),
                title: "t".into(),
                course: "c".into(),
                rubric_digest: "d".into(),
                marks: Vec::new(),
            },
            submission: Provenance { source: (*source).to_owned(), ..Provenance::default() },
            engine: None,
            image: None,
            grader: "0".into(),
            started_at: "2026-03-01T10:00:00Z".into(),
            duration_ms: 0,
        };
        Gradebook { entries: sources.iter().map(entry).collect() }
    }

    #[test]
    fn every_file_here_is_a_registered_format() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/report");
        let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
        let mut files: Vec<String> = files
            .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
            .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
            .filter(|stem| !["mod", "words"].contains(&stem.as_str()))
            .collect();
        files.sort();
        let mut names: Vec<&str> = FORMATS.iter().map(|format| format.name).collect();
        names.sort_unstable();
        assert_eq!(names, files);
    }

    #[test]
    fn every_format_makes_a_report_of_nothing_and_of_several_or_says_that_it_holds_one() {
        for format in FORMATS {
            assert_eq!(find(format.name).map(|found| found.name), Some(format.name));
            if format.alone {
                continue; // It needs more than a gradebook; tests/reports has it.
            }
            let report = (format.report)(&View::default());
            let Ok(bytes) = report.render(&book(&["a/anna", "b/ben"])) else {
                let error = report.render(&Gradebook::default()).unwrap_err();
                assert!(error.to_string().contains("it holds one submission"), "{error}");
                report.render(&book(&["a/anna"])).unwrap();
                continue;
            };
            report.render(&Gradebook::default()).unwrap();
            let text = String::from_utf8(bytes).unwrap();
            assert!(text.contains("anna") && text.contains("ben"), "{text}");
        }
    }

    #[test]
    fn no_two_formats_share_a_name_or_a_file() {
        let names: Vec<&str> = FORMATS.iter().map(|format| format.name).collect();
        let files: Vec<&str> = FORMATS.iter().map(|format| format.file).collect();
        for all in [names, files] {
            let unique: std::collections::BTreeSet<_> = all.iter().collect();
            assert_eq!(unique.len(), all.len(), "{all:?}");
        }
    }

    #[test]
    fn submissions_are_told_apart_by_the_shortest_name_that_does() {
        let sources = ["class/anna", "https://x.example/ben.git", "a/solution", "b/solution/"];
        let expected = ["anna", "ben", "a/solution", "b/solution/"];
        assert_eq!(names(&book(&sources)), expected);
        assert_eq!(names(&book(&["x", "x", "."])), ["x", "x #2", "."]);
    }
}
