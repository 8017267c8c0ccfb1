//! A student's section: what was asked, what came of it, and what was said about it.

use askama::Template;

use super::line::{Cell, State, anchor, is_old};
use crate::judge::{self, Came, Entry, Mark, Row, Verdict, plain};
use crate::report::class::Class;
use crate::report::words::{Piece, asides, pieces, waiting, waits, when};
use crate::report::{told, untold};

/// The most characters of a line.
const LINE: usize = 300;
/// The most characters of what is said.
const SAID: usize = 2_000;

/// A student's section.
#[derive(Template)]
#[template(path = "student.html")]
pub(super) struct Student {
    anchor: String,
    called: String,
    state: State,
    score: Option<String>,
    old: bool,
    /// What counts, where that is not simply what was earned.
    counts: Option<String>,
    is_late: bool,
    is_decided: bool,
    because: Option<String>,
    asides: Vec<String>,
    /// What is known of the student and the submission: a label and a text.
    facts: Vec<(&'static str, String)>,
    marks: Vec<Shown>,
}

/// A mark as it is shown.
struct Shown {
    cell: Cell,
    title: Vec<Piece>,
    points: String,
    hidden: bool,
    /// The first sentence.
    said: Vec<Piece>,
    /// What is told beside it: a label and a text.
    more: Vec<(&'static str, Vec<Piece>)>,
    /// How many others wait for it.
    waiting: Option<String>,
    log: Option<String>,
}

impl Student {
    /// The section of the `number`th row.
    pub(super) fn new(class: &Class, row: &Row, number: usize, show_hidden: bool) -> Student {
        let student = &row.student;
        let standing = row.standing();
        let (entry, because) = match &row.outcome {
            Came::Graded { entry, .. } => (Some(&**entry), None),
            Came::Missing { because, .. } | Came::Unreached { because, .. } => {
                (None, Some(judge::line(because, SAID)))
            }
        };
        let earned = entry.map(|entry| judge::Points::whole(entry.grade.score().earned));
        let counts = standing.counts.filter(|counts| earned != Some(*counts));
        Student {
            anchor: anchor(number),
            called: text(student.name.as_deref().unwrap_or(&student.id)),
            state: State::of(row),
            score: entry.map(score),
            old: is_old(class, row),
            counts: counts.map(|counts| counts.to_string()),
            is_late: standing.late.is_some(),
            is_decided: standing.decision.is_some(),
            because,
            asides: asides(standing).iter().map(|aside| judge::line(aside, SAID)).collect(),
            facts: facts(row, entry),
            marks: entry.map_or_else(Vec::new, |entry| {
                let marks = &entry.grade.marks;
                // What waits for another one is told there.
                let told = marks.iter().filter(|mark| !waits(mark, marks));
                told.map(|mark| Shown::new(mark, marks, show_hidden)).collect()
            }),
        }
    }
}

impl Shown {
    fn new(mark: &Mark, marks: &[Mark], show_hidden: bool) -> Shown {
        let shown = Shown {
            cell: Cell::of(mark),
            title: pieces(&text(&mark.title)),
            points: match (mark.points, mark.is_unjudged()) {
                (0, _) => String::new(),
                (points, true) => format!("? / {points}"),
                (points, false) => format!("{} / {points}", mark.earned()),
            },
            hidden: mark.hidden,
            said: Vec::new(),
            more: Vec::new(),
            waiting: waiting(mark, marks),
            log: None,
        };
        let Some(told) = told(mark, show_hidden) else {
            let said = (mark.verdict != Verdict::Met).then(|| plainly(untold(&mark.verdict)));
            return Shown { said: said.unwrap_or_default(), ..shown };
        };
        let said = judge::line(&told.message, SAID);
        let said = match &mark.verdict {
            Verdict::Met | Verdict::Missed(_) => pieces(&said),
            // These hold what others said.
            Verdict::Skipped { .. } | Verdict::Unjudged(_) => plainly(&said),
        };
        let place = told.place.as_ref().map(|place| format!("{}:{}", place.file, place.line));
        let lesson = told.lesson.as_ref().filter(|_| matches!(mark.verdict, Verdict::Missed(_)));
        let more = [
            ("Expected", told.expected.as_ref(), true),
            ("Found", told.found.as_ref(), true),
            ("Where", place.as_ref(), true),
            ("Hint", told.hint.as_ref(), false),
            ("Lesson", lesson, false),
        ];
        let more = more.into_iter().filter_map(|(label, text, code)| {
            let text = judge::line(text?, SAID);
            Some((label, if code { vec![Piece { code, text }] } else { pieces(&text) }))
        });
        Shown {
            said,
            more: more.collect(),
            log: told.log.as_deref().map(plain).filter(|log| !log.trim().is_empty()),
            ..shown
        }
    }

    /// Whether there is more to say than that it is met.
    fn is_bare(&self) -> bool {
        self.said.is_empty() && self.waiting.is_none() && self.more.is_empty() && self.log.is_none()
    }
}

/// A text in which nothing is code.
fn plainly(text: &str) -> Vec<Piece> {
    let piece = Piece { code: false, text: text.to_owned() };
    if text.is_empty() { Vec::new() } else { vec![piece] }
}

fn score(entry: &Entry) -> String {
    let score = entry.grade.score();
    format!("{} / {}", score.earned, score.possible)
}

fn facts(row: &Row, entry: Option<&Entry>) -> Vec<(&'static str, String)> {
    let student = &row.student;
    let name = student.name.as_ref().map(|_| &student.id);
    let commit = entry.and_then(|entry| entry.submission.commit.as_ref());
    let graded = entry.and_then(|entry| entry.started_at.parse().ok()).map(when);
    let rubric = entry.map(|entry| &entry.grade.rubric_digest);
    let facts = [
        ("Id", name),
        ("GitHub", student.username.as_ref()),
        ("Mail", student.email.as_ref()),
        ("Section", student.section.as_ref()),
        ("Group", student.group.as_ref()),
        ("Submission", entry.map(|entry| &entry.submission.source)),
        ("Commit", commit),
        ("Graded", graded.as_ref()),
        ("Rubric", rubric),
    ];
    let facts = facts.into_iter().filter_map(|(label, fact)| Some((label, text(fact?))));
    facts.filter(|(_, fact)| !fact.is_empty()).collect()
}

fn text(text: &str) -> String {
    judge::line(text, LINE)
}
