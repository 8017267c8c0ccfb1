//! Gradescope's `results.json`, for `/autograder/results/`.
//!
//! A score that is not there is one that Gradescope does not publish: a provisional result has
//! none, neither in all nor of any test.

use serde::Serialize;
use serde_json::{Value, json};

use super::words::{detail, next_step};
use super::{Format, Report, ReportError, only, told, untold};
use crate::judge::{Entry, Feedback, Gradebook, Mark, Verdict, line};

/// How this format is registered.
pub(super) const FORMAT: Format = Format {
    name: "gradescope",
    file: "gradescope.json",
    doc: "The result for Gradescope, as its /autograder/results/results.json",
    on_request: true,
    alone: false,
    report: |view| Box::new(Gradescope { show_hidden: view.show_hidden }),
};

/// The most characters of one part of a test's output.
const PART: usize = 4_000;

struct Gradescope {
    show_hidden: bool,
}

/// The whole file. Every text is plain text to Gradescope, so that nothing in it is HTML.
#[derive(Serialize)]
struct Results {
    #[serde(skip_serializing_if = "Option::is_none")]
    score: Option<u32>,
    /// In seconds.
    execution_time: u64,
    output: String,
    output_format: &'static str,
    test_output_format: &'static str,
    test_name_format: &'static str,
    visibility: &'static str,
    /// What the grader prints is for instructors.
    stdout_visibility: &'static str,
    extra_data: Value,
    tests: Vec<Test>,
}

#[derive(Serialize)]
struct Test {
    #[serde(skip_serializing_if = "Option::is_none")]
    score: Option<u32>,
    max_score: u32,
    /// Gradescope knows no others than `passed` and `failed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'static str>,
    name: String,
    number: String,
    output: String,
    tags: [String; 1],
    visibility: &'static str,
}

impl Report for Gradescope {
    fn render(&self, gradebook: &Gradebook) -> Result<Vec<u8>, ReportError> {
        let entry = only(gradebook, FORMAT.name)?;
        let grade = &entry.grade;
        let score = (!grade.is_provisional()).then(|| grade.score().earned);
        let tests = grade.marks.iter().enumerate();
        let results = Results {
            score,
            execution_time: entry.duration_ms.div_ceil(1_000),
            output: output(entry),
            output_format: "text",
            test_output_format: "text",
            test_name_format: "text",
            visibility: "visible",
            stdout_visibility: "hidden",
            extra_data: json!({
                "assignment": line(&grade.slug, PART),
                "rubric": line(&grade.rubric_digest, PART),
                "commit": entry.submission.commit.as_deref().map(|commit| line(commit, PART)),
            }),
            tests: tests.map(|(place, mark)| self.test(mark, place, score.is_some())).collect(),
        };
        let mut bytes = serde_json::to_vec_pretty(&results)
            .map_err(|error| ReportError { format: FORMAT.name, source: error.into() })?;
        bytes.push(b'\n');
        Ok(bytes)
    }
}

impl Gradescope {
    fn test(&self, mark: &Mark, place: usize, has_score: bool) -> Test {
        let told = told(mark, self.show_hidden);
        Test {
            score: has_score.then(|| mark.earned()),
            max_score: mark.points,
            status: match mark.verdict {
                Verdict::Met => Some("passed"),
                Verdict::Missed(_) | Verdict::Skipped { .. } => Some("failed"),
                Verdict::Unjudged(_) => None,
            },
            name: line(&mark.title, PART),
            number: (place + 1).to_string(),
            output: said(mark, told),
            tags: [line(&mark.id, PART)],
            visibility: "visible",
        }
    }
}

fn said(mark: &Mark, told: Option<&Feedback>) -> String {
    match (told, &mark.verdict) {
        (Some(told), Verdict::Missed(_) | Verdict::Unjudged(_)) => detail(told, PART),
        (Some(told), _) => line(&told.message, PART),
        (None, Verdict::Met) => String::new(),
        (None, verdict) => untold(verdict).to_owned(),
    }
}

fn output(entry: &Entry) -> String {
    let open = if entry.grade.is_provisional() {
        "Something could not be judged, by a failure that is not yours: there is no score yet. "
    } else {
        ""
    };
    format!("{open}{}", line(&next_step(&entry.grade.marks), PART))
}
