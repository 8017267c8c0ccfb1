//! `canvas.csv`: what counts, for Canvas's import of a gradebook.
//!
//! Canvas finds a student by the SIS ID, else the login ID, else the name, and an assignment by its
//! title, else makes one. An empty cell leaves there what is there.

use csv::{Writer, WriterBuilder};

use super::sheet::{cell, optional};
use super::{Class, ClassFormat, ClassReport, Sink};
use crate::judge::{Points, Row};
use crate::report::{ReportError, View};

/// How this format is registered.
pub(super) const FORMAT: ClassFormat = ClassFormat {
    name: "canvas",
    file: "canvas.csv",
    doc: "What counts, as CSV for Canvas's import of a gradebook",
    on_request: true,
    open,
};

/// The row below the head, told by its first cell.
const POSSIBLE: &str = "Points Possible";

struct Canvas {
    out: Writer<Sink>,
}

fn open(class: &Class, _: &View, sink: Sink) -> Result<Box<dyn ClassReport>, ReportError> {
    let mut out = WriterBuilder::new().from_writer(sink);
    let title = cell(&class.exercise);
    out.write_record(["Student", "ID", "SIS User ID", "SIS Login ID", "Section", &title])
        .map_err(failed)?;
    let possible = number(Points::whole(class.possible()));
    out.write_record([POSSIBLE, "", "", "", "", &possible]).map_err(failed)?;
    Ok(Box::new(Canvas { out }))
}

impl ClassReport for Canvas {
    fn row(&mut self, row: &Row) -> Result<(), ReportError> {
        let student = &row.student;
        let id = cell(&student.id);
        let name = student.name.as_deref().map_or_else(|| id.clone(), cell);
        // A student's row whose first cell has these words would be taken for the points'.
        let name = name.replace(POSSIBLE, "Points-Possible");
        let login = student.email.as_deref().map_or_else(|| id.clone(), cell);
        let section = optional(student.section.as_deref());
        let counts = row.standing().counts.map(number).unwrap_or_default();
        self.out.write_record([&name, "", &id, &login, &section, &counts]).map_err(failed)
    }

    fn finish(mut self: Box<Self>) -> Result<(), ReportError> {
        self.out.flush().map_err(failed)
    }
}

/// With two decimals, as Canvas writes its own.
fn number(points: Points) -> String {
    format!("{}.{:02}", points.0 / 100, points.0 % 100)
}

fn failed(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> ReportError {
    ReportError { format: FORMAT.name, source: source.into() }
}
