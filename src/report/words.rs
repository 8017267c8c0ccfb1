//! Words that reports share.

use std::time::Duration;

use crate::judge::{Decision, Feedback, Late, Mark, Standing, Verdict, line, plain};

/// A verdict at a glance; never the only thing that tells it.
pub(super) fn sign(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Met => "✔",
        Verdict::Missed(_) => "✘",
        Verdict::Skipped { .. } => "–",
        Verdict::Unjudged(_) => "?",
    }
}

/// So many of a thing.
pub(super) fn counted(number: u64, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// What to mend first: the first missed probe, as others may wait for it.
pub(super) fn next_step(marks: &[Mark]) -> String {
    let first = |wanted: fn(&Verdict) -> bool| marks.iter().find(|mark| wanted(&mark.verdict));
    if let Some(mark) = first(|verdict| matches!(verdict, Verdict::Missed(_))) {
        return format!("Next: mend “{}”, then have it graded again.", mark.title);
    }
    if first(|verdict| matches!(verdict, Verdict::Unjudged(_))).is_some() {
        return "Next: have it graded again; so far there is nothing for you to mend.".into();
    }
    match first(|verdict| matches!(verdict, Verdict::Skipped { .. })) {
        Some(mark) => format!("Next: see why “{}” could not be asked.", mark.title),
        None => "Nothing is left to mend.".into(),
    }
}

/// Whether a mark only waits for another one that is to be mended first, and is told there.
pub(super) fn waits(mark: &Mark, marks: &[Mark]) -> bool {
    let cause = |by: &str| {
        let is_blocked = |one: &Mark| matches!(one.verdict, Verdict::Skipped { by: Some(_) });
        marks.iter().any(|one| one.id == by && !is_blocked(one))
    };
    matches!(&mark.verdict, Verdict::Skipped { by: Some(by) } if cause(by))
}

/// What is told once at a mark of all that wait for it; nothing when none does.
pub(super) fn waiting(mark: &Mark, marks: &[Mark]) -> Option<String> {
    if matches!(mark.verdict, Verdict::Skipped { by: Some(_) }) {
        return None;
    }
    let waits =
        |one: &&Mark| matches!(&one.verdict, Verdict::Skipped { by: Some(by) } if *by == mark.id);
    let count = marks.iter().filter(waits).count() as u64;
    let points = marks.iter().filter(waits).map(|one| u64::from(one.points)).sum();
    let verb = if count == 1 { "waits" } else { "wait" };
    let worth = match points {
        0 => String::new(),
        points => format!(", worth {}", counted(points, "point")),
    };
    (count > 0).then(|| format!("{} {verb} for this{worth}.", counted(count, "further check")))
}

/// A piece of a rubric's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    /// Whether it stands between backticks.
    pub(super) code: bool,
    /// The piece, without them.
    pub(super) text: String,
}

/// A rubric's text in pieces: what stands between backticks is code. A text whose backticks do not
/// come in pairs is one piece as it is.
pub(super) fn pieces(text: &str) -> Vec<Piece> {
    let parts: Vec<&str> = text.split('`').collect();
    let code = |index: usize| index % 2 == 1;
    let paired = parts.len() % 2 == 1
        && parts.iter().enumerate().all(|(index, part)| !code(index) || !part.trim().is_empty());
    if !paired {
        return vec![Piece { code: false, text: text.to_owned() }];
    }
    let pieces = parts
        .into_iter()
        .enumerate()
        .map(|(index, part)| Piece { code: code(index), text: part.to_owned() });
    pieces.filter(|piece| !piece.text.is_empty()).collect()
}

/// Whether the mark is the first of those that stay open for the same reason: one cause leaves many
/// probes open, and is told once.
pub(super) fn is_told_here(mark: &Mark, marks: &[Mark]) -> bool {
    !mark.is_unjudged() || marks.iter().find(|one| one.verdict == mark.verdict) == Some(mark)
}

/// All that is said about a mark, part by part, as it is: not yet clean.
pub(super) fn details(told: &Feedback) -> Vec<String> {
    let place = told.place.as_ref().map(|place| format!("{}:{}", place.file, place.line));
    let message = Some(told.message.clone()).filter(|message| !message.is_empty());
    let labelled =
        |label: &str, text: &Option<String>| text.as_ref().map(|text| format!("{label}: {text}"));
    let parts = [
        message,
        labelled("expected", &told.expected),
        labelled("found", &told.found),
        labelled("where", &place),
        labelled("hint", &told.hint),
        labelled("lesson", &told.lesson),
        told.log.as_ref().map(|log| format!("\n{log}")),
    ];
    parts.into_iter().flatten().collect()
}

/// The same as clean text of at most so many characters a part, the log's beginning cut off.
pub(super) fn detail(told: &Feedback, most: usize) -> String {
    let Feedback { log, .. } = told;
    let parts = details(&Feedback { log: None, ..told.clone() });
    let mut parts: Vec<String> = parts.iter().map(|part| line(part, most)).collect();
    parts.extend(log.as_ref().map(|log| format!("\n{}", tail(&plain(log), most))));
    parts.join("\n")
}

/// The end of a text, of at most so many characters.
fn tail(text: &str, most: usize) -> String {
    let cut = text.chars().count().saturating_sub(most);
    if cut == 0 {
        text.to_owned()
    } else {
        format!("…{}", text.chars().skip(cut).collect::<String>())
    }
}

/// What stands beside the earned points, a sentence each: lateness, and what was decided.
pub(super) fn asides(standing: &Standing) -> Vec<String> {
    let decision = standing.decision.as_ref();
    let undated = standing.undated.then(|| UNDATED.to_owned());
    standing.late.iter().map(late).chain(undated).chain(decision.map(decided)).collect()
}

const UNDATED: &str = "When this was handed in is not known; it is not held late.";

fn late(late: &Late) -> String {
    let by = spent(late.by);
    match late.lost.0 {
        0 => format!("Handed in {by} late, which costs nothing."),
        100 => format!("Handed in {by} late, which costs 1 point."),
        _ => format!("Handed in {by} late, which costs {} points.", late.lost),
    }
}

fn decided(decision: &Decision) -> String {
    let points = decision.counts.map(|points| match points.0 {
        100 => "1 point counts".to_owned(),
        _ => format!("{points} points count"),
    });
    let excused = decision.excused.then(|| "being late costs nothing".to_owned());
    let due = decision.due.map(|due| format!("it is due {}", when(due)));
    let mut what: Vec<String> = points.into_iter().chain(excused).chain(due).collect();
    if what.is_empty() {
        what.push("the points stay as they are".to_owned());
    }
    format!("Decided by the instructor: {}. Reason: {}", what.join("; "), decision.reason)
}

/// A time for people, to the minute.
pub(super) fn when(time: jiff::Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// A time in its two largest units.
pub(super) fn spent(time: Duration) -> String {
    let seconds = time.as_secs();
    let (days, hours) = (seconds / 86_400, seconds / 3600 % 24);
    let (minutes, rest) = (seconds / 60 % 60, seconds % 60);
    let days = if days == 0 { String::new() } else { counted(days, "day") };
    let of = |number: u64, unit: &str| match number {
        0 => String::new(),
        number => format!("{number} {unit}"),
    };
    let parts = [days, of(hours, "h"), of(minutes, "min"), of(rest, "s")];
    let first = parts.iter().position(|part| !part.is_empty()).unwrap_or(3);
    let shown: Vec<&str> =
        parts[first..].iter().take(2).map(String::as_str).filter(|part| !part.is_empty()).collect();
    if shown.is_empty() { "less than a second".into() } else { shown.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::Points;

    #[test]
    fn code_stands_between_two_backticks() {
        let shown = |text: &str| -> Vec<(bool, String)> {
            pieces(text).into_iter().map(|piece| (piece.code, piece.text)).collect()
        };
        let piece = |code, text: &str| (code, text.to_owned());
        assert_eq!(
            shown("a `b c` d"),
            [piece(false, "a "), piece(true, "b c"), piece(false, " d")]
        );
        assert_eq!(shown("`a`"), [piece(true, "a")]);
        for plain in ["a", "a ` b", "a `` b", "` `", "a `b` c ` d"] {
            assert_eq!(shown(plain), [piece(false, plain)]);
        }
        assert_eq!(shown(""), [piece(false, "")][..0]);
    }

    #[test]
    fn a_time_has_its_two_largest_units() {
        let words = |seconds| spent(Duration::from_secs(seconds));
        assert_eq!(words(0), "less than a second");
        assert_eq!(words(59), "59 s");
        assert_eq!(words(61), "1 min 1 s");
        assert_eq!(words(3_600), "1 h");
        assert_eq!(words(93_900), "1 day 2 h");
        assert_eq!(words(2 * 86_400 + 59), "2 days");
    }

    #[test]
    fn lateness_and_decisions_are_sentences() {
        let standing = Standing {
            late: Some(Late { by: Duration::from_secs(7200), lost: Points(140) }),
            decision: Some(Decision {
                counts: Some(Points(925)),
                reason: "oral exam".into(),
                ..Decision::default()
            }),
            counts: Some(Points(925)),
            ..Standing::default()
        };
        assert_eq!(
            asides(&standing),
            [
                "Handed in 2 h late, which costs 1.40 points.",
                "Decided by the instructor: 9.25 points count. Reason: oral exam",
            ]
        );
        let postponed = Decision {
            excused: true,
            due: Some("2026-10-08T21:59:00Z".parse().unwrap_or_default()),
            reason: "ill".into(),
            ..Decision::default()
        };
        let standing = Standing { undated: true, decision: Some(postponed), ..Standing::default() };
        assert_eq!(
            asides(&standing),
            [
                "When this was handed in is not known; it is not held late.",
                "Decided by the instructor: being late costs nothing; it is due 2026-10-08 21:59 \
                 UTC. Reason: ill",
            ]
        );
        assert_eq!(asides(&Standing::default()), Vec::<String>::new());
    }
}
