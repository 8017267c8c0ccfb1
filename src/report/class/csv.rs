//! `gradebook.csv`: the class for spreadsheets, a line for each student.

use csv::{Writer, WriterBuilder};

use super::sheet::{cell, optional};
use super::{Class, ClassFormat, ClassReport, Sink};
use crate::judge::{Came, Entry, Mark, Row};
use crate::report::{ReportError, View};

/// How this format is registered.
pub(super) const FORMAT: ClassFormat = ClassFormat {
    name: "csv",
    file: "gradebook.csv",
    doc: "The class as CSV, for spreadsheets",
    on_request: false,
    open,
};

/// The columns before those of the probes, which are called `probe:` and the probe's id. Columns
/// may be added at the end of these, never renamed or removed.
const COLUMNS: [&str; 20] = [
    "id",
    "name",
    "username",
    "email",
    "section",
    "group",
    "status",
    "counts",
    "earned",
    "possible",
    "late_seconds",
    "lost",
    "decided",
    "excused",
    "reason",
    "rubric",
    "commit",
    "graded_at",
    "because",
    "undated",
];

/// The lines as they come.
struct Csv {
    class: Class,
    out: Writer<Sink>,
}

fn open(class: &Class, _: &View, sink: Sink) -> Result<Box<dyn ClassReport>, ReportError> {
    let mut out = WriterBuilder::new().from_writer(sink);
    let probes = class.probes.iter().map(|probe| format!("probe:{}", cell(&probe.id)));
    let head = COLUMNS.into_iter().map(str::to_owned).chain(probes);
    out.write_record(head).map_err(failed)?;
    Ok(Box::new(Csv { class: class.clone(), out }))
}

impl ClassReport for Csv {
    fn row(&mut self, row: &Row) -> Result<(), ReportError> {
        let probes = self.class.probes.iter().map(|probe| match &row.outcome {
            Came::Graded { entry, .. } => points(&entry.grade.marks, &probe.id),
            Came::Missing { .. } | Came::Unreached { .. } => String::new(),
        });
        let line = fixed(&self.class, row).into_iter().chain(probes);
        self.out.write_record(line).map_err(failed)
    }

    fn finish(mut self: Box<Self>) -> Result<(), ReportError> {
        self.out.flush().map_err(failed)
    }
}

/// The cells below [`COLUMNS`].
fn fixed(class: &Class, row: &Row) -> [String; 20] {
    let student = &row.student;
    let standing = row.standing();
    let decision = standing.decision.as_ref();
    let entry = match &row.outcome {
        Came::Graded { entry, .. } => Some(&**entry),
        Came::Missing { .. } | Came::Unreached { .. } => None,
    };
    let (status, because) = match &row.outcome {
        Came::Graded { entry, .. } if entry.grade.is_provisional() => ("provisional", ""),
        Came::Graded { .. } => ("graded", ""),
        Came::Missing { because, .. } => ("missing", because.as_str()),
        Came::Unreached { because, .. } => ("unreached", because.as_str()),
    };
    let score = entry.map(|entry| entry.grade.score());
    let number = |number: Option<String>| number.unwrap_or_default();
    [
        cell(&student.id),
        optional(student.name.as_deref()),
        optional(student.username.as_deref()),
        optional(student.email.as_deref()),
        optional(student.section.as_deref()),
        optional(student.group.as_deref()),
        status.to_owned(),
        number(standing.counts.map(|points| points.to_string())),
        number(score.map(|score| score.earned.to_string())),
        number(score.map(|score| score.possible.to_string())),
        number(standing.late.map(|late| late.by.as_secs().to_string())),
        number(standing.late.map(|late| late.lost.to_string())),
        number(decision.and_then(|decision| decision.counts).map(|points| points.to_string())),
        yes(decision.is_some_and(|decision| decision.excused)),
        optional(decision.map(|decision| decision.reason.as_str())),
        entry.map_or("", |entry| age(class, entry)).to_owned(),
        optional(entry.and_then(|entry| entry.submission.commit.as_deref())),
        optional(entry.map(|entry| entry.started_at.as_str())),
        cell(because),
        yes(standing.undated),
    ]
}

fn yes(holds: bool) -> String {
    if holds { "yes".to_owned() } else { String::new() }
}

/// Whether the current rubric made a grade.
fn age(class: &Class, entry: &Entry) -> &'static str {
    if entry.grade.rubric_digest == class.rubric_digest { "current" } else { "old" }
}

/// The points of a probe; none where it is unjudged, or of another rubric.
fn points(marks: &[Mark], id: &str) -> String {
    let mark = marks.iter().find(|mark| mark.id == id).filter(|mark| !mark.is_unjudged());
    mark.map(|mark| mark.earned().to_string()).unwrap_or_default()
}

fn failed(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> ReportError {
    ReportError { format: FORMAT.name, source: source.into() }
}
