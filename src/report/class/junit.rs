//! `junit.xml` of a class: a suite for each student.
//!
//! Who handed nothing in has one case, which failed; who could not be reached has one that is an
//! error of ours.

use std::io::{BufWriter, Write};

use super::{Class, ClassFormat, ClassReport, Sink};
use crate::judge::{Came, Row};
use crate::report::junit::{Junit, NoGrade, suite_xml};
use crate::report::{ReportError, View};

/// How this format is registered.
pub(super) const FORMAT: ClassFormat = ClassFormat {
    name: "junit",
    file: "junit.xml",
    doc: "The class as JUnit XML, for continuous integration",
    on_request: false,
    open,
};

struct Suites {
    class: Class,
    junit: Junit,
    out: BufWriter<Sink>,
    rows: usize,
}

fn open(class: &Class, view: &View, sink: Sink) -> Result<Box<dyn ClassReport>, ReportError> {
    let mut out = BufWriter::new(sink);
    out.write_all(b"<?xml version=\"1.0\" encoding=\"utf-8\"?><testsuites>").map_err(failed)?;
    let junit = Junit { show_hidden: view.show_hidden };
    Ok(Box::new(Suites { class: class.clone(), junit, out, rows: 0 }))
}

impl ClassReport for Suites {
    fn row(&mut self, row: &Row) -> Result<(), ReportError> {
        let class = &self.class;
        let name = format!("{}: {}", class.slug, row.student.id);
        let none = |because: &str, is_ours| {
            let no = NoGrade { course: &class.course, slug: &class.slug, because, is_ours };
            no.suite(&name, class.generated_at)
        };
        let suite = match &row.outcome {
            Came::Graded { entry, .. } => self.junit.suite(entry, &name),
            Came::Missing { because, .. } => none(because, false),
            Came::Unreached { because, .. } => none(because, true),
        };
        let xml = suite_xml(suite?, self.rows)?;
        self.rows += 1;
        self.out.write_all(xml.as_bytes()).map_err(failed)
    }

    fn finish(mut self: Box<Self>) -> Result<(), ReportError> {
        self.out.write_all(b"</testsuites>\n").and_then(|()| self.out.flush()).map_err(failed)
    }
}

fn failed(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> ReportError {
    ReportError { format: FORMAT.name, source: source.into() }
}
