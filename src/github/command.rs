//! Workflow commands: lines on standard output that a runner obeys.
//!
//! Source: <https://docs.github.com/actions/reference/workflow-commands-for-github-actions>.

use rand::RngExt;

use crate::judge::{Entry, Grade, Mark, Verdict, line};

/// A runner shows no more annotations of one step.
const MOST: usize = 10;
/// The most characters of an annotation's message.
const LONGEST: usize = 1_000;

/// What is between its two lines a runner takes for text, whatever it looks like. Nobody who does
/// not know the token can end it.
#[derive(Debug, Clone)]
pub struct Fence {
    token: String,
}

impl Fence {
    /// A fence with a token of its own.
    #[expect(clippy::new_without_default, reason = "no two are the same")]
    pub fn new() -> Fence {
        let token: [u64; 2] = rand::rng().random();
        Fence { token: format!("grade-{:016x}{:016x}", token[0], token[1]) }
    }

    /// The line before the text.
    pub fn begin(&self) -> String {
        format!("::stop-commands::{}\n", self.token)
    }

    /// The line after the text; a line of the text that was not ended is ended first.
    pub fn end(&self) -> String {
        format!("\n::{}::\n", self.token)
    }
}

/// An error at each place in the student's files that cost a mark; `folder` is the submission, seen
/// from the repository. Hidden probes have none.
pub fn annotations(grade: &Grade, folder: &str) -> String {
    let missed = |mark: &&Mark| matches!(mark.verdict, Verdict::Missed(_)) && !mark.hidden;
    let commands = grade.marks.iter().filter(missed).take(MOST).map(|mark| {
        let told = &mark.feedback;
        let mut properties = Vec::new();
        if let Some(place) = &told.place {
            let file = match folder {
                "" => place.file.clone(),
                folder => format!("{folder}/{}", place.file),
            };
            properties.push(("file", file));
            properties.push(("line", place.line.to_string()));
        }
        properties.push(("title", line(&mark.title, LONGEST)));
        let hint = told.hint.as_ref().map(|hint| format!("\nHint: {}", line(hint, LONGEST)));
        let message = format!("{}{}", line(&told.message, LONGEST), hint.unwrap_or_default());
        command("error", &properties, &message)
    });
    commands.collect()
}

/// The two notices by which GitHub Classroom learns of the points; none of a provisional grade.
pub fn notices(grade: &Grade) -> String {
    if grade.is_provisional() {
        return String::new();
    }
    let score = grade.score();
    let points = format!("Points {}/{}", score.earned, score.possible);
    let report = format!("{{\"totalPoints\":{},\"maxPoints\":{}}}", score.earned, score.possible);
    let notice =
        |title: &str, message: &str| command("notice", &[("title", title.into())], message);
    notice("Autograding complete", &points) + &notice("Autograding report", &report)
}

/// Says that a fault of ours left a grade open, and why; nothing for one that is whole.
pub fn unpublished(entry: &Entry) -> String {
    let reason = entry.grade.marks.iter().find_map(|mark| match &mark.verdict {
        Verdict::Unjudged(reason) => Some(reason),
        _ => None,
    });
    let Some(reason) = reason else { return String::new() };
    let message = format!(
        "This is a failure of the grading, not of the submission. No points are published; have \
         the job run again. {}",
        line(reason, LONGEST)
    );
    command("error", &[("title", "Not graded".into())], &message)
}

/// One line that a runner obeys, in which every text is nothing but text.
fn command(name: &str, properties: &[(&str, String)], message: &str) -> String {
    let data = |text: &str| text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    let property = |(key, text): &(&str, String)| {
        format!("{key}={}", data(text).replace(':', "%3A").replace(',', "%2C"))
    };
    let properties: Vec<String> = properties.iter().map(property).collect();
    let space = if properties.is_empty() { "" } else { " " };
    format!("::{name}{space}{}::{}\n", properties.join(","), data(message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::{Feedback, Place};

    fn mark(verdict: Verdict, message: &str) -> Mark {
        Mark {
            id: "p".into(),
            title: "A: b, c".into(),
            points: 4,
            hidden: false,
            verdict,
            excused: false,
            feedback: Feedback {
                message: message.into(),
                place: Some(Place { file: "Docker%file,a:b".into(), line: 7 }),
                hint: Some("try".into()),
                ..Feedback::default()
            },
            took_ms: None,
            observation: None,
        }
    }

    fn grade(marks: Vec<Mark>) -> Grade {
        Grade {
            slug: "s".into(),
            title: "t".into(),
            course: "c".into(),
            rubric_digest: "d".into(),
            marks,
        }
    }

    #[test]
    fn an_annotation_is_one_line_whatever_is_in_it() {
        let hostile = "100%\n::error::forged\u{1b}[31m\r::set-output name=score::9";
        let marks = vec![mark(Verdict::Missed(Vec::new()), hostile)];
        assert_eq!(
            annotations(&grade(marks), "hand in"),
            "::error file=hand in/Docker%25file%2Ca%3Ab,line=7,title=A%3A b%2C c::\
             100%25 ::error::forged ::set-output name=score::9%0AHint: try\n"
        );
    }

    #[test]
    fn what_is_hidden_or_met_has_no_annotation_and_there_are_ten_at_most() {
        let hidden = Mark { hidden: true, ..mark(Verdict::Missed(Vec::new()), "secret") };
        assert_eq!(annotations(&grade(vec![hidden, mark(Verdict::Met, "fine")]), ""), "");
        let many = vec![mark(Verdict::Missed(Vec::new()), "m"); 30];
        assert_eq!(annotations(&grade(many), "").lines().count(), 10);
    }

    #[test]
    fn points_travel_in_two_notices_and_only_when_they_are_final() {
        let half = vec![mark(Verdict::Met, ""), mark(Verdict::Missed(Vec::new()), "m")];
        assert_eq!(
            notices(&grade(half.clone())),
            "::notice title=Autograding complete::Points 4/8\n\
             ::notice title=Autograding report::{\"totalPoints\":4,\"maxPoints\":8}\n"
        );
        let open = [half, vec![mark(Verdict::Unjudged("no engine".into()), "")]].concat();
        assert_eq!(notices(&grade(open)), "");
    }

    #[test]
    fn a_fence_has_a_token_of_its_own() {
        let (one, other) = (Fence::new(), Fence::new());
        assert_ne!(one.begin(), other.begin());
        let token = one.begin().trim().replace("::stop-commands::", "");
        assert_eq!(one.end(), format!("\n::{token}::\n"));
    }
}
