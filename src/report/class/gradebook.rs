//! `gradebook.json`: the class for programs, as `grade/gradebook/v1`.

use std::io::{BufWriter, Write};

use serde::Serialize;

use super::{Class, ClassFormat, ClassReport, Sink};
use crate::judge::Row;
use crate::report::json::{ClassV1, EntryV1, GradebookFormat};
use crate::report::{ReportError, View};

/// How this format is registered.
pub(super) const FORMAT: ClassFormat = ClassFormat {
    name: "gradebook",
    file: "gradebook.json",
    doc: "The class as JSON, for programs (grade/gradebook/v1)",
    on_request: false,
    open,
};

/// The JSON as it grows; what is written is what a whole gradebook would be printed as.
struct Json {
    class: Class,
    show_hidden: bool,
    out: BufWriter<Sink>,
    is_first: bool,
}

fn open(class: &Class, view: &View, sink: Sink) -> Result<Box<dyn ClassReport>, ReportError> {
    let mut out = BufWriter::new(sink);
    let format = pretty(&GradebookFormat::V1, "  ")?;
    let head = pretty(&ClassV1::of(class), "  ")?;
    write!(out, "{{\n  \"format\": {format},\n  \"class\": {head},\n  \"entries\": [")
        .map_err(failed)?;
    let show_hidden = view.show_hidden;
    Ok(Box::new(Json { class: class.clone(), show_hidden, out, is_first: true }))
}

impl ClassReport for Json {
    fn row(&mut self, row: &Row) -> Result<(), ReportError> {
        let entry = pretty(&EntryV1::of(&self.class, row, self.show_hidden), "    ")?;
        let comma = if self.is_first { "" } else { "," };
        self.is_first = false;
        write!(self.out, "{comma}\n    {entry}").map_err(failed)
    }

    fn finish(mut self: Box<Self>) -> Result<(), ReportError> {
        let end = if self.is_first { "]\n}\n" } else { "\n  ]\n}\n" };
        self.out.write_all(end.as_bytes()).and_then(|()| self.out.flush()).map_err(failed)
    }
}

/// A value as lines, of which the first stands where it is put and the others are indented: no
/// string in JSON has a line end of its own.
fn pretty(value: &impl Serialize, indent: &str) -> Result<String, ReportError> {
    let text = serde_json::to_string_pretty(value).map_err(failed)?;
    Ok(text.replace('\n', &format!("\n{indent}")))
}

fn failed(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> ReportError {
    ReportError { format: FORMAT.name, source: source.into() }
}
