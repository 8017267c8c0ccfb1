//! What is said about a mark: what was expected, what was found, where, and how to go on.

use crate::evidence::Evidence;
use crate::expect::{Check, check, shown};
use crate::fact::{Facts, Value, look_up};
use crate::nonce::{Values, hide};
use crate::rubric::{Case, Probe};

use super::plain::{end_of_line, line, plain, tail};
use super::{Mark, Verdict};

/// The most characters of a fact inside a sentence.
const INLINE: usize = 160;
/// Facts whose end tells most.
const LOGS: [&str; 6] = ["log", "output", "check_output", "stdout", "stderr", "complaints"];
/// The lines of a log that are shown.
const LOG_LINES: usize = 20;

/// What is said about one mark. All of it is plain text without values of the run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Feedback {
    /// The first sentence.
    pub message: String,
    /// What was expected.
    pub expected: Option<String>,
    /// What was found.
    pub found: Option<String>,
    /// How to go on.
    pub hint: Option<String>,
    /// The lesson it belongs to.
    pub lesson: Option<String>,
    /// Where to look in the submission.
    pub place: Option<Place>,
    /// The end of the log that belongs to it.
    pub log: Option<String>,
}

/// A place in a submission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file, relative to the submission.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
}

pub(super) fn met(probe: &Probe, facts: &Facts, evidence: &Evidence) -> Feedback {
    let message = probe.words.met.as_deref().map(|words| fill(words, facts, &evidence.values));
    Feedback { message: message.unwrap_or_default(), ..base(probe) }
}

pub(super) fn not_applicable(probe: &Probe) -> Feedback {
    Feedback { message: "This does not apply to your submission.".into(), ..base(probe) }
}

pub(super) fn missed(
    probe: &Probe,
    missed: &[(String, Check)],
    facts: &Facts,
    evidence: &Evidence,
) -> Feedback {
    let values = &evidence.values;
    let case = probe.cases.iter().find(|case| fits(case, facts, values));
    let sides = |side: fn(&Check) -> &str| {
        // Each is cleaned by itself: an unfinished sequence in one must not swallow the next.
        let all = missed.iter().map(|(fact, check)| format!("{fact}: {}", plain(side(check))));
        all.collect::<Vec<_>>().join("; ")
    };
    let expected = sides(|check| &check.expected);
    let found = sides(|check| &check.found);
    let message = match (case, &probe.words.missed) {
        (Some(case), _) => fill(&case.missed, facts, values),
        (None, Some(words)) => fill(words, facts, values),
        (None, None) => format!("Expected {expected}, found {found}.").replace('`', "ˋ"),
    };
    let hint = case.and_then(|case| case.hint.as_ref()).or(probe.words.hint.as_ref());
    Feedback {
        message,
        expected: Some(expected),
        found: Some(found),
        hint: hint.map(|words| fill(words, facts, values)),
        place: place(probe, facts, evidence),
        log: log(facts, values),
        ..base(probe)
    }
}

pub(super) fn unreached(probe: &Probe, because: &str, values: &Values) -> Feedback {
    let message = format!("Not asked: {}", plain(&hide(because, values)));
    Feedback { message, ..base(probe) }
}

pub(super) fn blocked(probe: &Probe, verdict: &Verdict, before: &[Mark]) -> Feedback {
    let title = |id: &str| before.iter().find(|mark| mark.id == id).map(|mark| mark.title.as_str());
    let message = match verdict {
        Verdict::Skipped { by: Some(cause) } => {
            format!("Not asked yet: first mend “{}”.", title(cause).unwrap_or(cause))
        }
        Verdict::Unjudged(reason) => {
            format!("Not judged, because a check before it could not be: {reason}")
        }
        _ => String::new(),
    };
    Feedback { message, ..base(probe) }
}

/// What mends evidence that lacks an answer.
pub(super) const GRADE_AGAIN: &str =
    "grade the submission again: old evidence cannot answer a new question";

pub(super) fn unjudged(probe: &Probe, reason: &str, advice: Option<&str>) -> (Verdict, Feedback) {
    let reason = line(reason, 600);
    let feedback = Feedback {
        message: format!("Not judged; this is not your fault: {reason}"),
        hint: advice.map(|advice| line(advice, 600)),
        ..base(probe)
    };
    (Verdict::Unjudged(reason), feedback)
}

fn base(probe: &Probe) -> Feedback {
    Feedback { lesson: probe.words.lesson.clone(), ..Feedback::default() }
}

/// A known mistake is recognised by all of its signs.
fn fits(case: &Case, facts: &Facts, values: &Values) -> bool {
    case.when
        .iter()
        .all(|facet| check(&facet.expect, look_up(facts, &facet.fact).as_ref(), values).met)
}

/// The words with each `{fact}` replaced by what was found.
fn fill(words: &str, facts: &Facts, values: &Values) -> String {
    let mut filled = String::with_capacity(words.len());
    let mut rest = words;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let Some((name, tail)) = after.split_once('}') else {
            filled.push('{');
            rest = after;
            continue;
        };
        let found = bare(name, look_up(facts, name).as_ref(), values);
        // A backtick of the submission's would pair with the rubric's own.
        filled.push_str(&found.replace('`', "ˋ"));
        rest = tail;
    }
    filled.push_str(rest);
    filled
}

fn bare(name: &str, value: Option<&Value>, values: &Values) -> String {
    let text = match value {
        Some(Value::Text(text)) => text.clone(),
        Some(Value::List(items)) => items.join(", "),
        other => shown(other),
    };
    let text = hide(&text, values);
    if LOGS.contains(&name) {
        return end_of_line(&text, INLINE);
    }
    // Else it looks like a blank, or like nothing.
    line(&text.replace('\r', "␍"), INLINE)
}

/// The names that words use as `{fact}`.
pub fn placeholders(words: &str) -> Vec<&str> {
    let pieces = words.split('{').skip(1);
    pieces.filter_map(|piece| piece.split_once('}')).map(|(name, _)| name).collect()
}

fn place(probe: &Probe, facts: &Facts, evidence: &Evidence) -> Option<Place> {
    let map = evidence.dockerfile.as_ref()?;
    let at = |line| Some(Place { file: map.path.clone(), line });
    let told = ["failed_line", "line"].iter().find_map(|name| facts.get(*name));
    if let Some(Value::Int(line)) = told {
        return at(u32::try_from(*line).ok()?);
    }
    let wanted = probe.words.look_at.as_ref()?;
    let found = map.instructions.iter().rev().find(|(_, name)| name == wanted)?;
    at(found.0)
}

fn log(facts: &Facts, values: &Values) -> Option<String> {
    let text =
        ["log", "output", "check_output"].iter().find_map(|name| match facts.get(*name) {
            Some(Value::Text(text)) if !text.trim().is_empty() => Some(text),
            _ => None,
        })?;
    Some(tail(&hide(text, values), LOG_LINES))
}
