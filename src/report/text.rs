//! The report on a terminal, for the student who has to go on from it.

mod page;

use crate::judge::{Entry, Feedback, Gradebook, Mark, Verdict};

use super::words::{counted, is_told_here, next_step, sign, waiting, waits};
use super::{Format, Report, ReportError, names, told, untold};
use page::{BOLD, DIM, GOOD, OPEN, PLAIN, Page, WRONG};

/// How this format is registered.
pub(super) const FORMAT: Format = Format {
    name: "text",
    file: "report.txt",
    doc: "The result for reading on a terminal",
    on_request: false,
    alone: false,
    report: |view| {
        Box::new(Text { color: view.color, width: view.width, show_hidden: view.show_hidden })
    },
};

/// A gradebook for reading. Nothing is said by colour alone.
#[derive(Clone, Copy, Debug)]
pub struct Text {
    /// Whether the terminal shows styles.
    pub color: bool,
    /// The terminal's columns; words of a submission that are longer stay whole.
    pub width: usize,
    /// Whether hidden probes are shown in full: for teachers only.
    pub show_hidden: bool,
}

impl Default for Text {
    fn default() -> Text {
        Text { color: false, width: 80, show_hidden: false }
    }
}

impl Report for Text {
    fn render(&self, gradebook: &Gradebook) -> Result<Vec<u8>, ReportError> {
        let mut page = Page::new(self.color, self.width);
        let names = names(gradebook);
        for (entry, name) in gradebook.entries.iter().zip(&names) {
            self.entry(entry, name, &mut page);
        }
        if names.len() != 1 {
            overview(gradebook, &names, &mut page);
        }
        Ok(page.finish().into_bytes())
    }
}

impl Text {
    fn entry(&self, entry: &Entry, name: &str, page: &mut Page) {
        let grade = &entry.grade;
        page.put("", BOLD, &format!("{} ({})", grade.title, grade.slug));
        page.put("", DIM, &submission(entry, name));
        page.gap();
        let digits = grade.marks.iter().map(|mark| mark.points.to_string().len()).max();
        // What waits for another one is told there.
        for mark in grade.marks.iter().filter(|mark| !waits(mark, &grade.marks)) {
            self.mark(mark, &grade.marks, digits.unwrap_or(1), page);
        }
        page.gap();
        closing(entry, page);
        page.gap();
    }

    /// One line for the mark; what there is to say about it stands under its title.
    fn mark(&self, mark: &Mark, all: &[Mark], digits: usize, page: &mut Page) {
        let (style, earned) = match mark.verdict {
            Verdict::Met => (GOOD, mark.points.to_string()),
            Verdict::Missed(_) => (WRONG, "0".to_owned()),
            Verdict::Skipped { .. } => (DIM, "0".to_owned()),
            Verdict::Unjudged(_) => (OPEN, "?".to_owned()),
        };
        let sign = sign(&mark.verdict);
        let head = match mark.points {
            0 => format!("{sign} {:width$}  ", "", width = 2 * digits + 1),
            points => format!("{sign} {earned:>digits$}/{points:<digits$}  "),
        };
        let lost = matches!(mark.verdict, Verdict::Missed(_) | Verdict::Unjudged(_));
        let title = if lost { BOLD } else { PLAIN };
        page.item(&head, style, title, &mark.title);
        page.indent(head.chars().count());
        match told(mark, self.show_hidden) {
            Some(told) => details(mark, told, all, page),
            None if mark.verdict == Verdict::Met => {}
            None => page.put("", DIM, untold(&mark.verdict)),
        }
        if let Some(waiting) = waiting(mark, all) {
            page.put("", DIM, &waiting);
            page.gap();
        }
        page.indent(0);
    }
}

fn details(mark: &Mark, told: &Feedback, all: &[Mark], page: &mut Page) {
    let verdict = &mark.verdict;
    match verdict {
        Verdict::Met => page.put("", DIM, &told.message),
        Verdict::Missed(_) => {
            page.put("", PLAIN, &told.message);
            // Where the rubric has no words of its own, the sentence says both already.
            let unsaid = |side: &String| !told.message.contains(side);
            page.field("expected", told.expected.as_ref().filter(|side| unsaid(side)));
            page.field("found", told.found.as_ref().filter(|side| unsaid(side)));
            let place = told.place.as_ref().map(|place| format!("{}:{}", place.file, place.line));
            page.field("where", place.as_ref());
            page.field("hint", told.hint.as_ref());
            page.field("lesson", told.lesson.as_ref());
            page.quote(told.log.as_deref().unwrap_or_default());
            if waiting(mark, all).is_none() {
                page.gap();
            }
        }
        Verdict::Skipped { .. } => page.put("", DIM, &told.message),
        Verdict::Unjudged(_) if !is_told_here(mark, all) => {
            page.put("", DIM, "not judged, for the same reason");
        }
        Verdict::Unjudged(_) => {
            page.put("", PLAIN, &told.message);
            page.field("to do", told.hint.as_ref());
            page.gap();
        }
    }
}

fn submission(entry: &Entry, name: &str) -> String {
    let commit = entry.submission.commit.as_deref().map(|commit| {
        let short: String = commit.chars().take(10).collect();
        let changed = entry.submission.dirty == Some(true);
        format!(", commit {short}{}", if changed { " with changes on top" } else { "" })
    });
    format!("submission {name}{}", commit.unwrap_or_default())
}

fn closing(entry: &Entry, page: &mut Page) {
    let grade = &entry.grade;
    let score = grade.score();
    let full = score.earned == score.possible;
    let style = if full && !grade.is_provisional() { GOOD } else { BOLD };
    let said = match score.possible {
        0 if grade.is_provisional() => "No score: nothing could be judged.".to_owned(),
        possible => format!("Score {} / {possible}", score.earned),
    };
    page.put("", style, &said);
    let open: Vec<&Mark> = grade.marks.iter().filter(|mark| mark.is_unjudged()).collect();
    if !open.is_empty() {
        let points = open.iter().map(|mark| u64::from(mark.points)).sum();
        let checks = counted(open.len() as u64, "check");
        let until = if open.len() == 1 { "it is" } else { "they are" };
        let words = format!(
            "Provisional: {checks} worth {} could not be judged; no score is final until {until}.",
            counted(points, "point"),
        );
        page.put("", OPEN, &words);
    }
    page.put("", PLAIN, &next_step(&grade.marks));
}

/// One line for each submission, the scores one below the other.
fn overview(gradebook: &Gradebook, names: &[String], page: &mut Page) {
    page.put("", BOLD, &counted(names.len() as u64, "submission"));
    let scores = gradebook.entries.iter().map(|entry| {
        let score = entry.grade.score();
        format!("{} / {}", score.earned, score.possible)
    });
    let scores: Vec<String> = scores.collect();
    let width = scores.iter().map(String::len).max().unwrap_or_default();
    for ((entry, name), score) in gradebook.entries.iter().zip(names).zip(&scores) {
        let open = if entry.grade.is_provisional() { ", provisional" } else { "" };
        page.item(&format!("{score:>width$}  "), PLAIN, PLAIN, &format!("{name}{open}"));
    }
}
