//! JUnit XML: a suite for each submission, a case for each probe.
//!
//! A missed probe is a failure; what our side failed to find out is an error; what the submission
//! did not come far enough for is skipped.

mod clean;
mod suite;

use std::collections::HashSet;

use junit_report::{Duration, OffsetDateTime, TestCase, TestResult, TestSuite};

use crate::judge::{Entry, Feedback, Gradebook, Mark, Verdict};

use super::words::details;
use super::{Format, Report, ReportError, names, told, untold};
use clean::{attribute, content};
pub(super) use suite::{NoGrade, suite_xml};

/// How this format is registered.
pub(super) const FORMAT: Format = Format {
    name: "junit",
    file: "junit.xml",
    doc: "The result as JUnit XML, for continuous integration",
    on_request: false,
    alone: false,
    report: |view| Box::new(Junit { show_hidden: view.show_hidden }),
};

/// The longest time of a case, so that no sum of them leaves the range of a duration.
const LONGEST: u32 = u32::MAX;

/// A gradebook as JUnit XML.
#[derive(Clone, Copy, Debug, Default)]
pub struct Junit {
    /// Whether hidden probes are shown in full: for teachers only.
    pub show_hidden: bool,
}

impl Report for Junit {
    fn render(&self, gradebook: &Gradebook) -> Result<Vec<u8>, ReportError> {
        let alone = gradebook.entries.len() == 1;
        let mut report = junit_report::Report::new();
        for (entry, name) in gradebook.entries.iter().zip(names(gradebook)) {
            let slug = &entry.grade.slug;
            let name = if alone { slug.clone() } else { format!("{slug}: {name}") };
            report.add_testsuite(self.suite(entry, &name)?);
        }
        let mut bytes = Vec::new();
        report.write_xml(&mut bytes).map_err(failed)?;
        bytes.push(b'\n');
        Ok(bytes)
    }
}

impl Junit {
    /// The suite of one submission.
    pub(super) fn suite(&self, entry: &Entry, name: &str) -> Result<TestSuite, ReportError> {
        let class = attribute(&format!("{}.{}", entry.grade.course, entry.grade.slug));
        let mut suite = TestSuite::new(&attribute(name));
        suite.package.clone_from(&class);
        suite.timestamp = timestamp(&entry.started_at)?;
        let mut counted = HashSet::new();
        for mark in &entry.grade.marks {
            // Cases of one observation share its time; the suite's time is the sum of its cases.
            let again = mark.observation.is_some_and(|place| !counted.insert(place));
            let took = if again { 0 } else { mark.took_ms.unwrap_or_default() };
            suite.add_testcase(self.case(mark, &class, took));
        }
        Ok(suite)
    }

    fn case(&self, mark: &Mark, class: &str, took_ms: u64) -> TestCase {
        let told = told(mark, self.show_hidden);
        let place = told.and_then(|told| told.place.as_ref());
        let took = u32::try_from(took_ms).unwrap_or(LONGEST);
        TestCase {
            name: attribute(&format!("{}: {}", mark.id, mark.title)),
            time: Duration::milliseconds(took.into()),
            result: result(mark, told),
            classname: Some(class.to_owned()),
            filepath: place.map(|place| attribute(&place.file)),
            system_out: None,
            system_err: None,
        }
    }
}

fn result(mark: &Mark, told: Option<&Feedback>) -> TestResult {
    let said = told.map_or(untold(&mark.verdict), |told| &told.message);
    let cause = told.map(|told| content(details(told).iter())).filter(|text| !text.is_empty());
    match &mark.verdict {
        Verdict::Met => TestResult::Success,
        Verdict::Missed(_) => TestResult::Failure {
            type_: "missed".into(),
            message: attribute(&format!("{}/{} points: {said}", mark.earned(), mark.points)),
            cause,
        },
        Verdict::Skipped { by } => TestResult::SkippedWithCause {
            type_: "skipped".into(),
            message: match by {
                Some(by) if told.is_some() => attribute(&format!("blocked by {by}")),
                _ => attribute(said),
            },
            cause,
        },
        Verdict::Unjudged(_) => {
            TestResult::Error { type_: "unjudged".into(), message: attribute(said), cause }
        }
    }
}

fn timestamp(started_at: &str) -> Result<OffsetDateTime, ReportError> {
    let no_time = |why: &dyn std::fmt::Display| failed(format!("`{started_at}` is no time: {why}"));
    let started: jiff::Timestamp = started_at.parse().map_err(|why| no_time(&why))?;
    // A year that RFC 3339 has no digits for would make the writer panic.
    let seconds = started.as_second().max(0);
    OffsetDateTime::from_unix_timestamp(seconds).map_err(|why| no_time(&why))
}

fn failed(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> ReportError {
    ReportError { format: FORMAT.name, source: source.into() }
}
