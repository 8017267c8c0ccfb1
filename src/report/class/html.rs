//! `report.html`: the class on one page that needs no server, no network and no script.
//!
//! What stands on top is known only after the last row: a few bytes of each student are kept, and
//! the students' sections wait in a file without a name. Askama escapes every text; nothing on the
//! page may load or run anything but what is written here, as its security policy says.

mod chart;
mod line;
mod student;
mod summary;

use std::fs::File;
use std::io::{BufWriter, Seek, SeekFrom, Write};

use askama::Template;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use sha2::{Digest, Sha256};

use super::{Class, ClassFormat, ClassReport, Sink};
use crate::judge::Row;
use crate::report::{ReportError, View};
use line::Line;
use student::Student;
use summary::Top;

/// How this format is registered.
pub(super) const FORMAT: ClassFormat = ClassFormat {
    name: "html",
    file: "report.html",
    doc: "The class as one page for a browser",
    on_request: false,
    open,
};

const STYLE: &str = include_str!("html/page.css");
const SCRIPT: &str = include_str!("html/page.js");

struct Html {
    class: Class,
    show_hidden: bool,
    out: Sink,
    lines: Vec<Line>,
    /// The students' sections.
    sections: BufWriter<File>,
}

/// What stands below the students.
#[derive(Template)]
#[template(path = "bottom.html")]
struct Bottom {
    script: &'static str,
}

fn open(class: &Class, view: &View, out: Sink) -> Result<Box<dyn ClassReport>, ReportError> {
    let sections = BufWriter::new(tempfile::tempfile().map_err(failed)?);
    let show_hidden = view.show_hidden;
    Ok(Box::new(Html { class: class.clone(), show_hidden, out, lines: Vec::new(), sections }))
}

impl ClassReport for Html {
    fn row(&mut self, row: &Row) -> Result<(), ReportError> {
        let number = self.lines.len() + 1;
        let student = Student::new(&self.class, row, number, self.show_hidden);
        student.write_into(&mut self.sections).map_err(failed)?;
        self.lines.push(Line::new(&self.class, row, number));
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<(), ReportError> {
        let mut out = BufWriter::new(self.out);
        let top = Top::new(&self.class, &self.lines, self.show_hidden);
        top.write_into(&mut out).map_err(failed)?;
        let mut sections =
            self.sections.into_inner().map_err(|error| failed(error.into_error()))?;
        sections.seek(SeekFrom::Start(0)).map_err(failed)?;
        std::io::copy(&mut sections, &mut out).map_err(failed)?;
        Bottom { script: SCRIPT }.write_into(&mut out).map_err(failed)?;
        out.flush().map_err(failed)
    }
}

/// The page's security policy: its own style and script run, told by their digests, and nothing
/// else is loaded, run, sent or framed.
fn policy() -> String {
    let digest = |text: &str| format!("'sha256-{}'", BASE64.encode(Sha256::digest(text)));
    format!(
        "default-src 'none'; style-src {}; script-src {}; base-uri 'none'; form-action 'none'; \
         require-trusted-types-for 'script'",
        digest(STYLE),
        digest(SCRIPT)
    )
}

fn failed(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> ReportError {
    ReportError { format: FORMAT.name, source: source.into() }
}
