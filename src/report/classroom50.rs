//! Classroom 50's `result.json`, as its runner collects it (`classroom50/result/v1`).
//!
//! What is known of the classroom comes from the runner's environment, read by the command line. A
//! provisional result is refused: without a file, the grade of before stays.

use serde::Serialize;

use super::words::detail;
use super::{Format, Report, ReportError, View, only, told};
use crate::judge::{Entry, Gradebook, Mark, Verdict, line};

/// How this format is registered.
pub(super) const FORMAT: Format = Format {
    name: "classroom50",
    file: "classroom50.json",
    doc: "The result for Classroom 50, as its result.json",
    on_request: true,
    alone: true,
    report: |view| Box::new(Classroom50 { view: *view }),
};

/// The most characters of a text.
const TEXT: usize = 4_000;

/// What Classroom 50's runner says of a submission.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Classroom {
    classroom: String,
    assignment: String,
    assignment_type: String,
    owner: String,
    /// The tag, `submit/…`.
    submission: String,
    /// Addresses, as the next two.
    commit: String,
    release: String,
    review: String,
}

impl Classroom {
    /// Reads it from the runner's environment.
    ///
    /// # Errors
    /// Every variable that is missing or makes no sense, a sentence each.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Classroom, Vec<String>> {
        let mut wrong = Vec::new();
        let mut get = |name: &str, is_right: fn(&str) -> bool, must: &str| {
            let value = variable(name).filter(|value| !value.trim().is_empty());
            match value {
                Some(value) if is_right(&value) => value,
                Some(_) => {
                    wrong.push(format!("{name} {must}"));
                    String::new()
                }
                None => {
                    wrong.push(format!("{name} is not set"));
                    String::new()
                }
            }
        };
        let any = |_: &str| true;
        let classroom = Classroom {
            classroom: get("CLASSROOM", any, ""),
            assignment: get("ASSIGNMENT", any, ""),
            assignment_type: get(
                "ASSIGNMENT_TYPE",
                |value| ["individual", "group"].contains(&value),
                "is neither individual nor group",
            ),
            owner: get("OWNER", any, ""),
            submission: get(
                "SUBMISSION_TAG",
                |value| value.starts_with("submit/"),
                "does not start with submit/",
            ),
            commit: get("COMMIT_URL", any, ""),
            release: get("RELEASE_URL", any, ""),
            review: get("REVIEW_URL", any, ""),
        };
        if wrong.is_empty() { Ok(classroom) } else { Err(wrong) }
    }
}

struct Classroom50 {
    view: View,
}

/// The whole file: nothing else may stand at its top.
#[derive(Serialize)]
struct ResultV1<'a> {
    schema: &'static str,
    #[serde(flatten)]
    classroom: &'a Classroom,
    /// The commit's time, the same whenever it is graded.
    datetime: String,
    /// Whole numbers, as 4.0 is refused.
    score: u32,
    #[serde(rename = "max-score")]
    max_score: u32,
    tests: Vec<Test>,
}

#[derive(Serialize)]
struct Test {
    #[serde(rename = "test-name")]
    name: String,
    passed: bool,
    score: u32,
    #[serde(rename = "max-score")]
    max_score: u32,
    message: String,
}

impl Report for Classroom50 {
    fn render(&self, gradebook: &Gradebook) -> Result<Vec<u8>, ReportError> {
        let entry = only(gradebook, FORMAT.name)?;
        let classroom = self.view.classroom.ok_or_else(|| wrong("the classroom is not known"))?;
        if entry.grade.is_provisional() {
            return Err(wrong("something could not be judged; the grade of before stays"));
        }
        let score = entry.grade.score();
        let result = ResultV1 {
            schema: "classroom50/result/v1",
            classroom,
            datetime: datetime(entry)?,
            score: score.earned,
            max_score: score.possible,
            tests: entry.grade.marks.iter().map(|mark| self.test(mark)).collect(),
        };
        let mut bytes = serde_json::to_vec_pretty(&result).map_err(wrong)?;
        bytes.push(b'\n');
        Ok(bytes)
    }
}

impl Classroom50 {
    fn test(&self, mark: &Mark) -> Test {
        let told = told(mark, self.view.show_hidden);
        Test {
            name: line(&mark.title, TEXT),
            passed: mark.verdict == Verdict::Met,
            score: mark.earned(),
            max_score: mark.points,
            message: match (told, &mark.verdict) {
                (Some(told), Verdict::Missed(_)) => detail(told, TEXT),
                (Some(told), _) => line(&told.message, TEXT),
                (None, _) => String::new(),
            },
        }
    }
}

/// When the submission was committed, in whole seconds of UTC.
fn datetime(entry: &Entry) -> Result<String, ReportError> {
    let time = entry.submission.committed_at.as_deref();
    let time = time.and_then(|time| time.parse::<jiff::Timestamp>().ok());
    let time = time.ok_or_else(|| wrong("the submission has no commit"))?;
    Ok(time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}

fn wrong(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> ReportError {
    ReportError { format: FORMAT.name, source: source.into() }
}
