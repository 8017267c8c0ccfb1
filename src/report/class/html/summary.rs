//! What stands above the students: the figures, what needs attention, the grid.

use askama::Template;

use super::chart::Chart;
use super::line::{Cell, Line, State};
use super::{STYLE, policy};
use crate::judge;
use crate::report::class::Class;
use crate::report::words::{Piece, counted, pieces, spent, when};

/// The most characters of a title.
const TITLE: usize = 200;

/// Everything above the students' sections.
#[derive(Template)]
#[template(path = "top.html")]
pub(super) struct Top<'a> {
    policy: String,
    style: &'static str,
    class: Heading,
    show_hidden: bool,
    figures: Vec<Figure>,
    /// How many students the distribution is of.
    counted: usize,
    chart: Chart,
    chart_says: String,
    open: Vec<&'a Line>,
    missing: Vec<&'a Line>,
    old: Vec<&'a Line>,
    columns: Vec<Column>,
    /// The columns, those that most missed first.
    hardest: Vec<Column>,
    lines: &'a [Line],
}

/// The words at the top.
struct Heading {
    exercise: String,
    slug: String,
    course: String,
    title: Option<String>,
    rubric: String,
    due: Option<String>,
    late: Option<String>,
    generated_at: String,
    possible: u32,
}

/// A figure and what it is of.
struct Figure {
    number: String,
    of: &'static str,
}

/// A probe, and what came of it in the class.
#[derive(Clone)]
struct Column {
    id: String,
    title: String,
    points: u32,
    hidden: bool,
    met: usize,
    missed: usize,
    skipped: usize,
    open: usize,
}

impl Column {
    fn pieces(&self) -> Vec<Piece> {
        pieces(&self.title)
    }
}

impl<'a> Top<'a> {
    pub(super) fn new(class: &Class, lines: &'a [Line], show_hidden: bool) -> Top<'a> {
        // Points of another rubric, and of one that is not done, are no points of this one.
        let settled = lines.iter().filter(|line| line.state == State::Graded && !line.old);
        let mut earned: Vec<u32> =
            settled.filter_map(|line| line.score).map(|score| score.earned).collect();
        earned.sort_unstable();
        let columns: Vec<Column> =
            (0..class.probes.len()).map(|place| Column::new(class, lines, place)).collect();
        let mut hardest: Vec<Column> =
            columns.iter().filter(|column| column.missed > 0).cloned().collect();
        hardest.sort_by_key(|column| std::cmp::Reverse((column.missed, column.skipped)));
        let those = |wanted: fn(&Line) -> bool| lines.iter().filter(|line| wanted(line)).collect();
        Top {
            policy: policy(),
            style: STYLE,
            class: Heading::new(class),
            show_hidden,
            figures: figures(lines, &earned),
            counted: earned.len(),
            chart_says: chart_says(&earned, class.possible()),
            chart: Chart::new(&earned, class.possible()),
            open: those(|line| matches!(line.state, State::Provisional | State::Unreached)),
            missing: those(|line| line.state == State::Missing),
            old: those(|line| line.old),
            columns,
            hardest,
            lines,
        }
    }
}

impl Heading {
    fn new(class: &Class) -> Heading {
        let text = |text: &str| judge::line(text, TITLE);
        Heading {
            exercise: text(&class.exercise),
            slug: text(&class.slug),
            course: text(&class.course),
            title: class.title.as_deref().map(text).filter(|title| !title.is_empty()),
            rubric: text(&class.rubric_digest),
            due: class.due.map(when),
            late: class.late.map(|late| {
                let grace = match late.grace.is_zero() {
                    true => String::new(),
                    false => format!(" after {}", spent(late.grace)),
                };
                format!("{} % for each day begun{grace}, at most {} %", late.per_day, late.cap)
            }),
            generated_at: when(class.generated_at),
            possible: class.possible(),
        }
    }
}

impl Column {
    fn new(class: &Class, lines: &[Line], place: usize) -> Column {
        let probe = &class.probes[place];
        let count = |wanted| {
            lines
                .iter()
                .filter(|line| line.cells.get(place).is_some_and(|cell| *cell == wanted))
                .count()
        };
        Column {
            id: judge::line(&probe.id, TITLE),
            title: judge::line(&probe.title, TITLE),
            points: probe.points,
            hidden: probe.hidden,
            met: count(Cell::Met),
            missed: count(Cell::Missed),
            skipped: count(Cell::Skipped),
            open: count(Cell::Open),
        }
    }

    /// Those that were judged, one way or the other.
    fn judged(&self) -> usize {
        self.met + self.missed + self.skipped
    }

    /// The share of those judged that met it, in percent.
    fn met_percent(&self) -> usize {
        self.percent(self.met)
    }

    /// The share of those judged that missed it, in percent.
    fn missed_percent(&self) -> usize {
        self.percent(self.missed)
    }

    fn percent(&self, of: usize) -> usize {
        (of * 200 + self.judged()) / (self.judged() * 2).max(1)
    }
}

fn figures(lines: &[Line], earned: &[u32]) -> Vec<Figure> {
    let count = |state| lines.iter().filter(|line| line.state == state).count().to_string();
    let figure = |number, of| Figure { number, of };
    vec![
        figure(lines.len().to_string(), "in the class"),
        figure(count(State::Graded), "graded"),
        figure(count(State::Provisional), "provisional"),
        figure(count(State::Unreached), "not reached"),
        figure(count(State::Missing), "missing"),
        figure(mean(earned), "points earned, on average"),
        figure(median(earned), "points earned, median"),
    ]
}

/// The average with one place; a dash of nothing. `earned` is sorted.
fn mean(earned: &[u32]) -> String {
    let sum: u64 = earned.iter().map(|points| u64::from(*points)).sum();
    match earned.len() as u64 {
        0 => "–".into(),
        number => tenths((sum * 20 + number) / (number * 2)),
    }
}

/// The middle one, or between the two in the middle.
fn median(earned: &[u32]) -> String {
    let middle = earned.len() / 2;
    match (earned.get(middle), earned.len() % 2) {
        (None, _) => "–".into(),
        (Some(points), 1) => tenths(u64::from(*points) * 10),
        (Some(points), _) => {
            let lower = earned.get(middle - 1).copied().unwrap_or_default();
            tenths((u64::from(*points) + u64::from(lower)) * 5)
        }
    }
}

fn tenths(tenths: u64) -> String {
    match tenths % 10 {
        0 => (tenths / 10).to_string(),
        rest => format!("{}.{rest}", tenths / 10),
    }
}

fn chart_says(earned: &[u32], possible: u32) -> String {
    let students = counted(earned.len() as u64, "student");
    match (earned.first(), earned.last()) {
        (Some(least), Some(most)) => format!(
            "Points earned by {students}: from {least} to {most} of {possible}, median {}.",
            median(earned)
        ),
        _ => "Nobody has a final grade yet.".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn averages_are_rounded_and_of_nothing_there_is_none() {
        assert_eq!((mean(&[]), median(&[])), ("–".into(), "–".into()));
        assert_eq!((mean(&[1, 2]), median(&[1, 2])), ("1.5".into(), "1.5".into()));
        assert_eq!((mean(&[0, 0, 2]), median(&[0, 0, 2])), ("0.7".into(), "0".into()));
        assert_eq!(median(&[1, 2, 4, 10]), "3");
    }
}
