//! The outward types of `grade/gradebook/v1`: a class, and what came of each of its students.

use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use super::result::{ResultV1, RubricStamp, State, text};
use crate::judge::{self, Came, Entry, Row, plain};
use crate::report::class::{Class, Column};

/// The name of the class format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub enum GradebookFormat {
    /// The only version there is.
    #[serde(rename = "grade/gradebook/v1")]
    V1,
}

/// The results of a class. Every key is always there, null where it does not apply; keys may be
/// added within v1, never changed.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct GradebookV1 {
    /// What this is.
    pub format: GradebookFormat,
    /// The class; null for results that nobody has a roster for.
    pub class: Option<ClassV1>,
    /// One for each student, in the roster's order.
    pub entries: Vec<EntryV1>,
}

/// What the class was graded for, and by what.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ClassV1 {
    /// What the class is called.
    pub title: Option<String>,
    /// The exercise's course.
    pub course: String,
    /// The exercise.
    pub assignment: String,
    /// The exercise's title.
    pub exercise: String,
    /// The current rubric; results by another one say so.
    pub rubric: RubricStamp,
    /// The points that can be had.
    pub possible: u32,
    /// The probes of the current rubric, in its order.
    pub probes: Vec<ColumnV1>,
    /// When submissions were due, RFC 3339 in UTC.
    pub due: Option<String>,
    /// What being late costs.
    pub late: Option<LatePolicyV1>,
    /// When this was written, RFC 3339 in UTC.
    pub generated_at: String,
}

/// A probe of the current rubric.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ColumnV1 {
    /// Unique in the exercise.
    pub id: String,
    /// What a student reads as the thing checked.
    pub title: String,
    /// Points it is worth.
    pub possible: u32,
    /// Whether its details are kept from students.
    pub hidden: bool,
}

/// What being late costs, in percent of the points that were earned.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct LatePolicyV1 {
    /// Up to so many seconds nothing is lost.
    pub grace_seconds: u64,
    /// Percent lost for each day that has begun after the due time.
    pub per_day: u32,
    /// The most percent that is lost.
    pub cap: u32,
}

/// A student of a class, and what came of their submission.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct EntryV1 {
    /// The student's id, or what the submission is called where there is no roster; unique here.
    pub name: String,
    /// The student, as the roster has them; null where there is no roster.
    pub student: Option<StudentV1>,
    /// What came of it.
    pub status: EntryStatus,
    /// Why there is no result, in a sentence.
    pub because: Option<String>,
    /// The points that count; null while nothing counts.
    pub counts: Option<PointsV1>,
    /// What being late came to.
    pub late: Option<LateV1>,
    /// It was due at some time, and nobody knows when it was handed in: it is not held late.
    pub undated: bool,
    /// What the instructor has decided.
    pub decision: Option<DecisionV1>,
    /// Whether the current rubric made the result; null without a result or a class.
    pub rubric_is_current: Option<bool>,
    /// The result; null when nothing was handed in or could be had.
    pub result: Option<ResultV1>,
}

/// What came of a student's submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum EntryStatus {
    /// Every probe was judged.
    Graded,
    /// Something stayed unjudged by a fault of the grader's side.
    Provisional,
    /// Nothing was handed in, or nothing that could be read as a submission.
    Missing,
    /// It could not be had, perhaps by a fault of the grader's side: it is still to be graded.
    Unreached,
}

/// A student, as the roster has them.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct StudentV1 {
    /// The roster's identifier, unique in the class.
    pub id: String,
    /// The name that people use.
    pub name: Option<String>,
    /// The account on GitHub.
    pub username: Option<String>,
    /// Its number there.
    pub github_id: Option<String>,
    /// The address.
    pub email: Option<String>,
    /// The part of the class.
    pub section: Option<String>,
    /// Those who hand in together.
    pub group: Option<String>,
}

/// What being late came to.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct LateV1 {
    /// How many seconds after the due time it was handed in.
    pub seconds: u64,
    /// The points that costs.
    pub lost: PointsV1,
}

/// What an instructor has decided for one submission.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct DecisionV1 {
    /// The points that count, whatever was earned; null leaves them as they are.
    pub counts: Option<PointsV1>,
    /// Nothing is lost for being late.
    pub excused: bool,
    /// When it is due instead of the class's time, RFC 3339 in UTC.
    pub due: Option<String>,
    /// Why.
    pub reason: String,
}

/// Points: whole, or with two places.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema)]
#[schemars(transparent)]
pub struct PointsV1(#[schemars(with = "f64")] pub judge::Points);

impl Serialize for PointsV1 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match (self.0.0 / 100, self.0.0 % 100) {
            (whole, 0) => serializer.serialize_u64(whole),
            _ => serializer.serialize_f64(self.0.as_f64()),
        }
    }
}

impl ClassV1 {
    pub(in crate::report) fn of(class: &Class) -> ClassV1 {
        ClassV1 {
            title: text(class.title.as_deref()),
            course: plain(&class.course),
            assignment: plain(&class.slug),
            exercise: plain(&class.exercise),
            rubric: RubricStamp { slug: plain(&class.slug), digest: plain(&class.rubric_digest) },
            possible: class.possible(),
            probes: class.probes.iter().map(ColumnV1::of).collect(),
            due: class.due.map(|due| due.to_string()),
            late: class.late.map(|late| LatePolicyV1 {
                grace_seconds: late.grace.as_secs(),
                per_day: late.per_day,
                cap: late.cap,
            }),
            generated_at: class.generated_at.to_string(),
        }
    }
}

impl ColumnV1 {
    fn of(column: &Column) -> ColumnV1 {
        ColumnV1 {
            id: plain(&column.id),
            title: plain(&column.title),
            possible: column.points,
            hidden: column.hidden,
        }
    }
}

impl EntryV1 {
    /// A student of a class.
    pub(in crate::report) fn of(class: &Class, row: &Row, show_hidden: bool) -> EntryV1 {
        let standing = row.standing();
        let bare = EntryV1 {
            name: plain(&row.student.id),
            student: Some(StudentV1::of(&row.student)),
            status: EntryStatus::Missing,
            because: None,
            counts: standing.counts.map(PointsV1),
            late: standing
                .late
                .map(|late| LateV1 { seconds: late.by.as_secs(), lost: PointsV1(late.lost) }),
            undated: standing.undated,
            decision: standing.decision.as_ref().map(|decision| DecisionV1 {
                counts: decision.counts.map(PointsV1),
                excused: decision.excused,
                due: decision.due.map(|due| due.to_string()),
                reason: plain(&decision.reason),
            }),
            rubric_is_current: None,
            result: None,
        };
        match &row.outcome {
            Came::Graded { entry, .. } => EntryV1 {
                rubric_is_current: Some(entry.grade.rubric_digest == class.rubric_digest),
                ..bare.with(ResultV1::of(entry, show_hidden))
            },
            Came::Missing { because, .. } => EntryV1 { because: text(Some(because)), ..bare },
            Came::Unreached { because, .. } => {
                EntryV1 { status: EntryStatus::Unreached, because: text(Some(because)), ..bare }
            }
        }
    }

    /// A submission that nobody has a roster for.
    pub(super) fn alone(name: String, entry: &Entry, show_hidden: bool) -> EntryV1 {
        let bare = EntryV1 {
            name,
            student: None,
            status: EntryStatus::Graded,
            because: None,
            counts: None,
            late: None,
            undated: false,
            decision: None,
            rubric_is_current: None,
            result: None,
        };
        bare.with(ResultV1::of(entry, show_hidden))
    }

    fn with(self, result: ResultV1) -> EntryV1 {
        let status = match result.status {
            State::Graded => EntryStatus::Graded,
            State::Provisional => EntryStatus::Provisional,
        };
        EntryV1 { status, result: Some(result), ..self }
    }
}

impl StudentV1 {
    fn of(student: &judge::Student) -> StudentV1 {
        StudentV1 {
            id: plain(&student.id),
            name: text(student.name.as_deref()),
            username: text(student.username.as_deref()),
            github_id: text(student.github_id.as_deref()),
            email: text(student.email.as_deref()),
            section: text(student.section.as_deref()),
            group: text(student.group.as_deref()),
        }
    }
}
