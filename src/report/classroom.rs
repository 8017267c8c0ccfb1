//! What GitHub Classroom's autograding reporter reads, before it is written in base64.
//!
//! The reporter publishes no points where `max_score` is missing, and its job fails then: so it is
//! for a provisional result.

use serde::Serialize;

use super::words::detail;
use super::{Format, Report, ReportError, only, told, untold};
use crate::judge::{Entry, Gradebook, Mark, Verdict, line};

/// How this format is registered.
pub(super) const FORMAT: Format = Format {
    name: "classroom",
    file: "classroom.json",
    doc: "The result for GitHub Classroom's autograding reporter",
    on_request: true,
    alone: false,
    report: |view| Box::new(Classroom { show_hidden: view.show_hidden }),
};

/// The reporter gets it in an environment variable, in base64; with some 90 kB there no program can
/// be started any more.
const LARGEST: usize = 60_000;
/// The most characters of one part of a test's text; the next where it is too large with one.
const PARTS: [usize; 5] = [4_000, 1_000, 300, 100, 20];

struct Classroom {
    show_hidden: bool,
}

#[derive(Serialize)]
struct Results {
    version: u8,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_score: Option<u32>,
    tests: Vec<Test>,
}

/// Every key is always there: the reporter prints `NaN` and `undefined` for those that are not.
#[derive(Serialize)]
struct Test {
    name: String,
    status: &'static str,
    score: u32,
    /// Shown for errors only.
    message: String,
    /// Always shown.
    test_code: String,
    filename: String,
    line_no: u32,
    duration: u64,
}

impl Report for Classroom {
    fn render(&self, gradebook: &Gradebook) -> Result<Vec<u8>, ReportError> {
        let entry = only(gradebook, FORMAT.name)?;
        for part in PARTS {
            let bytes = serde_json::to_vec(&self.results(entry, part)).map_err(failed)?;
            if bytes.len() <= LARGEST {
                return Ok(bytes);
            }
        }
        Err(failed(format!("it is larger than the {LARGEST} bytes that a step can be given")))
    }
}

impl Classroom {
    fn results(&self, entry: &Entry, part: usize) -> Results {
        let grade = &entry.grade;
        let score = grade.score();
        let status = match (grade.is_provisional(), score.earned == score.possible) {
            (true, _) => "error",
            (false, true) => "pass",
            (false, false) => "fail",
        };
        let max_score = (!grade.is_provisional()).then_some(score.possible);
        let tests = grade.marks.iter().map(|mark| self.test(mark, part)).collect();
        Results { version: 1, status, max_score, tests }
    }

    fn test(&self, mark: &Mark, part: usize) -> Test {
        let told = told(mark, self.show_hidden);
        let status = match mark.verdict {
            Verdict::Met => "pass",
            // The reporter shows what is skipped as failed, whatever it is called.
            Verdict::Missed(_) | Verdict::Skipped { .. } => "fail",
            Verdict::Unjudged(_) => "error",
        };
        let (message, test_code) = match told {
            Some(told) => (line(&told.message, part), detail(told, part)),
            None if mark.verdict == Verdict::Met => (String::new(), String::new()),
            None => (untold(&mark.verdict).to_owned(), untold(&mark.verdict).to_owned()),
        };
        let place = told.and_then(|told| told.place.as_ref());
        Test {
            name: line(&mark.title, part),
            status,
            score: mark.earned(),
            message,
            test_code,
            filename: place.map(|place| line(&place.file, part)).unwrap_or_default(),
            line_no: place.map_or(0, |place| place.line),
            duration: mark.took_ms.unwrap_or_default(),
        }
    }
}

fn failed(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> ReportError {
    ReportError { format: FORMAT.name, source: source.into() }
}
