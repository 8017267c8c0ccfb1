//! The feedback page in Markdown, for the student, wherever Markdown is shown.

mod markdown;

use super::class::Class;
use super::words::{asides, is_told_here, next_step, sign, waiting, waits};
use super::{Format, Report, ReportError, View, names, told, untold};
use crate::judge::{Came, Entry, Gradebook, Mark, Row, Standing, Verdict};
use markdown::{code, fence, formatted, prose};

/// How this format is registered.
pub(super) const FORMAT: Format = Format {
    name: "feedback",
    file: "feedback.md",
    doc: "The result as a page in Markdown, for the student",
    on_request: false,
    alone: false,
    report: |view| Box::new(Page { show_hidden: view.show_hidden, folds: false }),
};

struct Page {
    show_hidden: bool,
    /// Whether logs are folded, by the only HTML there is.
    folds: bool,
}

/// The page as GitHub shows it beside a job, with the logs folded.
///
/// # Errors
/// As [`Report::render`].
pub fn summary(gradebook: &Gradebook, view: &View) -> Result<Vec<u8>, ReportError> {
    Page { show_hidden: view.show_hidden, folds: true }.render(gradebook)
}

impl Report for Page {
    fn render(&self, gradebook: &Gradebook) -> Result<Vec<u8>, ReportError> {
        let several = gradebook.entries.len() != 1;
        let pages = gradebook.entries.iter().zip(names(gradebook)).map(|(entry, name)| {
            let name =
                if several { format!("Submission {}\n\n", code(&name)) } else { String::new() };
            format!("{}{name}{}", head(entry), self.body(entry, None))
        });
        Ok(pages.collect::<Vec<_>>().join("\n").into_bytes())
    }

    fn student(&self, class: &Class, row: &Row) -> Result<Option<Vec<u8>>, ReportError> {
        let title = format!("# {}\n\n", prose(&class.exercise));
        let standing = row.standing();
        let page = match &row.outcome {
            Came::Graded { entry, .. } => {
                let old = entry.grade.rubric_digest != class.rubric_digest;
                let note = "> Graded by an older version of the rubric.\n\n";
                let note = if old { note } else { "" };
                format!("{}{note}{}", head(entry), self.body(entry, Some(standing)))
            }
            Came::Missing { because, .. } => format!(
                "{title}**No submission was graded.** {}\n{}",
                prose(because),
                beside(standing, None)
            ),
            Came::Unreached { because, .. } => format!(
                "{title}**Your submission could not be had; nothing follows from that for you.** {}\n{}",
                prose(because),
                beside(standing, None)
            ),
        };
        Ok(Some(page.into_bytes()))
    }
}

fn head(entry: &Entry) -> String {
    format!("# {}\n\n", prose(&entry.grade.title))
}

impl Page {
    fn body(&self, entry: &Entry, standing: Option<&Standing>) -> String {
        let grade = &entry.grade;
        let marks = &grade.marks;
        let score = grade.score();
        let mut page = match score.possible {
            0 if grade.is_provisional() => "**No score: nothing could be judged.**\n".to_owned(),
            possible => format!("**{} of {possible} points**\n", score.earned),
        };
        if grade.is_provisional() {
            page.push_str(
                "\nSome checks could not be judged, by a failure that is not yours. No score is final until they are.\n",
            );
        }
        if let Some(standing) = standing {
            page.push_str(&beside(standing, Some(score.earned)));
        }
        page.push_str(&format!("\n{}\n", formatted(&next_step(marks))));
        page.push_str("\n| | Check | Points | |\n|---|---|---|---|\n");
        // What waits for another one is told there.
        for mark in marks.iter().filter(|mark| !waits(mark, marks)) {
            page.push_str(&self.line(mark, marks));
        }
        for mark in marks {
            page.push_str(&self.section(mark, marks));
        }
        page
    }

    /// A line of the table.
    fn line(&self, mark: &Mark, marks: &[Mark]) -> String {
        let points = match (mark.points, mark.is_unjudged()) {
            (0, _) => String::new(),
            (points, true) => format!("? / {points}"),
            (points, false) => format!("{} / {points}", mark.earned()),
        };
        let note = match (told(mark, self.show_hidden), &mark.verdict) {
            (None, Verdict::Met) => String::new(),
            (None, verdict) => untold(verdict).to_owned(),
            (Some(told), Verdict::Skipped { .. }) => prose(&told.message),
            (Some(told), Verdict::Met) => formatted(&told.message),
            (Some(_), Verdict::Missed(_)) => String::new(),
            (Some(_), Verdict::Unjudged(_)) => "not judged".to_owned(),
        };
        let note: Vec<String> = [note, waiting(mark, marks).unwrap_or_default()]
            .into_iter()
            .filter(|one| !one.is_empty())
            .collect();
        let note = note.join(" ");
        format!("| {} | {} | {points} | {note} |\n", sign(&mark.verdict), formatted(&mark.title))
    }

    /// What there is to say about a mark that is missed or open.
    fn section(&self, mark: &Mark, marks: &[Mark]) -> String {
        let Some(told) = told(mark, self.show_hidden) else { return String::new() };
        let missed = matches!(mark.verdict, Verdict::Missed(_));
        let owed = mark.is_unjudged() && is_told_here(mark, marks);
        if !missed && !owed {
            return String::new();
        }
        let mut page = format!("\n## {} {}\n\n", sign(&mark.verdict), formatted(&mark.title));
        let message = if missed { formatted(&told.message) } else { prose(&told.message) };
        page.push_str(&format!("{message}\n"));
        let place = told.place.as_ref().map(|place| format!("{}:{}", place.file, place.line));
        let fields = [
            ("Expected", told.expected.as_deref().map(code)),
            ("Found", told.found.as_deref().map(code)),
            ("Where", place.as_deref().map(code)),
            ("Hint", told.hint.as_deref().filter(|_| missed).map(formatted)),
            ("Lesson", told.lesson.as_deref().filter(|_| missed).map(formatted)),
        ];
        let fields: Vec<String> = fields
            .into_iter()
            .filter_map(|(label, text)| Some(format!("- **{label}:** {}\n", text?)))
            .collect();
        if !fields.is_empty() {
            page.push_str(&format!("\n{}", fields.concat()));
        }
        if let Some(log) = told.log.as_deref().and_then(fence) {
            page.push_str(&match self.folds {
                true => format!(
                    "\n<details>\n<summary>The end of the log</summary>\n\n{log}\n</details>\n"
                ),
                false => format!("\nThe end of the log:\n\n{log}"),
            });
        }
        page
    }
}

/// What counts, where that is not simply what was earned.
fn beside(standing: &Standing, earned: Option<u32>) -> String {
    let asides: Vec<String> = asides(standing).iter().map(|aside| prose(aside)).collect();
    let same = earned.map(crate::judge::Points::whole) == standing.counts;
    let counts = match standing.counts {
        Some(points) if !same => format!("**{points} points count.**"),
        _ => String::new(),
    };
    let all: Vec<String> =
        asides.into_iter().chain([counts]).filter(|text| !text.is_empty()).collect();
    if all.is_empty() { String::new() } else { format!("\n{}\n", all.join(" ")) }
}
