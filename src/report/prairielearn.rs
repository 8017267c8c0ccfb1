//! PrairieLearn's `results.json` of an external grader, for `/grade/results/`.
//!
//! A provisional result is not gradable, which costs the student no attempt.

use serde::Serialize;

use super::words::{detail, next_step};
use super::{Format, Report, ReportError, only, told, untold};
use crate::judge::{Entry, Gradebook, Mark, Score, Verdict, line};

/// How this format is registered.
pub(super) const FORMAT: Format = Format {
    name: "prairielearn",
    file: "prairielearn.json",
    doc: "The result for PrairieLearn, as its /grade/results/results.json",
    on_request: true,
    alone: false,
    report: |view| Box::new(PrairieLearn { show_hidden: view.show_hidden }),
};

/// PrairieLearn reads no more.
const LARGEST: usize = 1_000_000;
/// The most characters of one part of a test's output; the next where it is too large with one.
const PARTS: [usize; 5] = [20_000, 4_000, 500, 100, 20];
/// What a student reads whose result is provisional.
const OPEN: &str =
    "Something could not be judged, by a failure that is not yours. Please submit again later.";

struct PrairieLearn {
    show_hidden: bool,
}

#[derive(Serialize)]
struct Results {
    gradable: bool,
    /// From 0 to 1. Left out where there is none: its reader multiplies what is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    score: Option<f64>,
    message: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    format_errors: Vec<&'static str>,
    tests: Vec<Test>,
}

#[derive(Serialize)]
struct Test {
    name: String,
    description: String,
    points: u32,
    max_points: u32,
    message: String,
    output: String,
}

impl Report for PrairieLearn {
    fn render(&self, gradebook: &Gradebook) -> Result<Vec<u8>, ReportError> {
        let entry = only(gradebook, FORMAT.name)?;
        for part in PARTS {
            let mut bytes = serde_json::to_vec(&self.results(entry, part)).map_err(failed)?;
            bytes.push(b'\n');
            if bytes.len() <= LARGEST {
                return Ok(bytes);
            }
        }
        Err(failed(format!("it is larger than the {LARGEST} bytes that PrairieLearn reads")))
    }
}

impl PrairieLearn {
    fn results(&self, entry: &Entry, part: usize) -> Results {
        let grade = &entry.grade;
        let gradable = !grade.is_provisional();
        Results {
            gradable,
            score: gradable.then(|| share(grade.score())),
            message: line(&next_step(&grade.marks), part),
            format_errors: if gradable { Vec::new() } else { vec![OPEN] },
            tests: grade.marks.iter().map(|mark| self.test(mark, part)).collect(),
        }
    }

    fn test(&self, mark: &Mark, part: usize) -> Test {
        let told = told(mark, self.show_hidden);
        let (message, output) = match (told, &mark.verdict) {
            (Some(told), Verdict::Missed(_) | Verdict::Unjudged(_)) => {
                (line(&told.message, part), detail(told, part))
            }
            (Some(told), _) => (line(&told.message, part), String::new()),
            (None, Verdict::Met) => (String::new(), String::new()),
            (None, verdict) => (untold(verdict).to_owned(), String::new()),
        };
        Test {
            name: line(&mark.title, part),
            description: line(&mark.id, part),
            points: mark.earned(),
            // What could not be judged is in neither sum.
            max_points: if mark.is_unjudged() { 0 } else { mark.points },
            message,
            output,
        }
    }
}

fn share(score: Score) -> f64 {
    if score.earned == score.possible {
        return 1.0;
    }
    f64::from(score.earned) / f64::from(score.possible)
}

fn failed(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> ReportError {
    ReportError { format: FORMAT.name, source: source.into() }
}
