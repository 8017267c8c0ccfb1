//! What is kept of each student until the last is known: a line of the grid.

use crate::judge::{self, Came, Mark, Points, Row, Score, Verdict};
use crate::report::class::Class;

/// The most characters of a name in the grid.
const NAME: usize = 60;

/// A student's line in the grid.
pub(super) struct Line {
    /// Where the student's section is on the page.
    pub(super) anchor: String,
    /// The roster's id.
    pub(super) id: String,
    /// The name that people use, where it is not the id.
    pub(super) name: Option<String>,
    /// What else the student can be found by.
    pub(super) words: String,
    /// What came of the submission.
    pub(super) state: State,
    /// The points, where there is a grade.
    pub(super) score: Option<Score>,
    /// Points lost for being late; `None` when in time.
    pub(super) lost: Option<Points>,
    /// Whether the instructor has decided something.
    pub(super) decided: bool,
    /// The points that count.
    pub(super) counts: Option<Points>,
    /// Whether another rubric than the current one made the grade.
    pub(super) old: bool,
    /// One for each probe of the current rubric.
    pub(super) cells: Box<[Cell]>,
}

/// What came of a submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Graded,
    Provisional,
    Missing,
    Unreached,
}

/// What came of a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cell {
    Met,
    Missed,
    Skipped,
    Open,
    /// There is no mark: nothing was graded, or by another rubric.
    Nothing,
}

impl Line {
    /// The line of the `number`th row.
    pub(super) fn new(class: &Class, row: &Row, number: usize) -> Line {
        let student = &row.student;
        let standing = row.standing();
        let marks: &[Mark] = match &row.outcome {
            Came::Graded { entry, .. } => &entry.grade.marks,
            Came::Missing { .. } | Came::Unreached { .. } => &[],
        };
        let cells = class.probes.iter().map(|probe| {
            marks.iter().find(|mark| mark.id == probe.id).map_or(Cell::Nothing, Cell::of)
        });
        let words = [&student.username, &student.email, &student.section, &student.group];
        let words = words.into_iter().flatten().map(|word| short(word)).collect::<Vec<_>>();
        Line {
            anchor: anchor(number),
            id: short(&student.id),
            name: student.name.as_deref().map(short).filter(|name| *name != student.id),
            words: words.join(" "),
            state: State::of(row),
            score: match &row.outcome {
                Came::Graded { entry, .. } => Some(entry.grade.score()),
                Came::Missing { .. } | Came::Unreached { .. } => None,
            },
            lost: standing.late.map(|late| late.lost),
            decided: standing.decision.is_some(),
            counts: standing.counts,
            old: is_old(class, row),
            cells: cells.collect(),
        }
    }

    /// What the student is called.
    pub(super) fn called(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.id)
    }

    /// The points that count, as they are shown.
    pub(super) fn counting(&self) -> String {
        self.counts.map_or_else(|| "–".to_owned(), |points| points.to_string())
    }

    /// What is told about lateness.
    pub(super) fn lateness(&self) -> String {
        self.lost.map_or_else(String::new, |lost| format!("−{lost}"))
    }

    /// What the page's filter knows the student by.
    pub(super) fn kinds(&self) -> String {
        let lost = self.cells.iter().any(|cell| matches!(cell, Cell::Missed | Cell::Skipped));
        let kinds = [
            ("lost", lost),
            ("open", matches!(self.state, State::Provisional | State::Unreached)),
            ("missing", self.state == State::Missing),
            ("aside", self.lost.is_some() || self.decided),
        ];
        let kinds: Vec<&str> =
            kinds.into_iter().filter(|(_, holds)| *holds).map(|(kind, _)| kind).collect();
        kinds.join(" ")
    }
}

impl State {
    pub(super) fn of(row: &Row) -> State {
        match &row.outcome {
            Came::Graded { entry, .. } if entry.grade.is_provisional() => State::Provisional,
            Came::Graded { .. } => State::Graded,
            Came::Missing { .. } => State::Missing,
            Came::Unreached { .. } => State::Unreached,
        }
    }

    /// In words.
    pub(super) fn words(self) -> &'static str {
        match self {
            State::Graded => "graded",
            State::Provisional => "provisional",
            State::Missing => "missing",
            State::Unreached => "not reached",
        }
    }
}

impl Cell {
    pub(super) fn of(mark: &Mark) -> Cell {
        match mark.verdict {
            Verdict::Met => Cell::Met,
            Verdict::Missed(_) => Cell::Missed,
            Verdict::Skipped { .. } => Cell::Skipped,
            Verdict::Unjudged(_) => Cell::Open,
        }
    }

    pub(super) fn sign(self) -> &'static str {
        match self {
            Cell::Met => "✔",
            Cell::Missed => "✘",
            Cell::Skipped => "–",
            Cell::Open => "?",
            Cell::Nothing => "",
        }
    }

    /// In words, for those who do not see the sign.
    pub(super) fn words(self) -> &'static str {
        match self {
            Cell::Met => "met",
            Cell::Missed => "missed",
            Cell::Skipped => "not asked",
            Cell::Open => "not judged",
            Cell::Nothing => "nothing",
        }
    }

    /// The name of its style.
    pub(super) fn style(self) -> &'static str {
        match self {
            Cell::Met => "met",
            Cell::Missed => "missed",
            Cell::Skipped => "skipped",
            Cell::Open => "open",
            Cell::Nothing => "nothing",
        }
    }

    /// Its place in an order by what needs attention.
    pub(super) fn rank(self) -> u8 {
        self as u8
    }
}

/// Whether another rubric than the current one made the grade.
pub(super) fn is_old(class: &Class, row: &Row) -> bool {
    match &row.outcome {
        Came::Graded { entry, .. } => entry.grade.rubric_digest != class.rubric_digest,
        Came::Missing { .. } | Came::Unreached { .. } => false,
    }
}

/// Where the section of the `number`th student is. No text of anybody's is in it.
pub(super) fn anchor(number: usize) -> String {
    format!("student-{number}")
}

fn short(text: &str) -> String {
    judge::line(text, NAME)
}
