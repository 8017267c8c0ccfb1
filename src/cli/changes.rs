//! What a regrade changes, as a table or as JSON.

use std::path::Path;

use serde::Serialize;

use super::{Exit, out, said};
use crate::batch::{Moved, Outcome, Regraded};
use crate::file::write_whole;
use crate::judge::Score;
use crate::plan;
use crate::rubric::Rubric;

/// The name of the format.
const FORMAT: &str = "grade/regrade/v1";

/// What changes, of so many submissions.
#[derive(Debug)]
pub(super) struct Changes {
    written: bool,
    all: usize,
    by_another_rubric: usize,
    changed: Vec<Regraded>,
    /// Who has something unjudged now, and why, changed or not.
    unjudged: Vec<(String, String)>,
    notes: Vec<String>,
    failed: Vec<String>,
}

impl Changes {
    pub(super) fn new(written: bool) -> Changes {
        Changes {
            written,
            all: 0,
            by_another_rubric: 0,
            changed: Vec::new(),
            unjudged: Vec::new(),
            notes: Vec::new(),
            failed: Vec::new(),
        }
    }

    /// Takes one submission.
    pub(super) fn add(&mut self, one: Regraded) {
        self.all += 1;
        self.by_another_rubric += usize::from(one.by_another_rubric);
        if let Some(reason) = &one.unjudged {
            self.unjudged.push((one.name.clone(), reason.clone()));
        }
        if one.is_changed() {
            self.changed.push(one);
        }
    }

    /// Takes what could not be written.
    pub(super) fn fail(&mut self, message: String) {
        self.failed.push(message);
    }

    /// Limits are no part of a question: evidence that was taken under others does not tell what
    /// would have come of these.
    pub(super) fn note_limits(&mut self, copy: &Path, rubric: &Rubric) {
        let Ok(text) = std::fs::read_to_string(copy) else { return };
        let before = plan::read_to_judge(copy, text);
        if before.is_ok_and(|before| before.limits != rubric.limits) {
            self.notes.push(
                "the rubric's [limits] are others than those that submissions were observed \
                 under: whoever ran into one has to be graded again"
                    .into(),
            );
        }
    }

    /// Tells it, and how that ends.
    pub(super) fn tell(&self, json: Option<&Path>) -> Exit {
        match json {
            Some(path) => match self.json(path) {
                Ok(()) => {}
                Err(message) => {
                    anstream::eprintln!("{message}");
                    return Exit::Unjudged;
                }
            },
            None => self.table(),
        }
        for note in &self.notes {
            anstream::eprintln!("note: {note}");
        }
        for message in &self.failed {
            anstream::eprintln!("{message}");
        }
        if self.unjudged.is_empty() && self.failed.is_empty() {
            Exit::Graded
        } else {
            Exit::Unjudged
        }
    }

    fn table(&self) {
        let lines: Vec<[String; 4]> = self.changed.iter().map(cells).collect();
        let head = ["", "before", "after", "by"].map(str::to_owned);
        let widths = [0, 1, 2].map(|column| {
            let all = lines.iter().chain([&head]);
            all.map(|line| line[column].chars().count()).max().unwrap_or_default()
        });
        if !lines.is_empty() {
            for [name, before, after, by] in [&head].into_iter().chain(&lines) {
                let [a, b, c] = widths;
                out(format_args!("{name:a$}  {before:>b$}  {after:>c$}  {by}"));
            }
            out(format_args!(""));
        }
        let (changed, all) = (self.changed.len(), self.all);
        out(format_args!("{changed} of {all} submissions change"));
        if self.by_another_rubric > 0 {
            let told = self.by_another_rubric;
            out(format_args!("{told} of {all} were graded by another rubric than this one"));
        }
        for (name, reason) in &self.unjudged {
            out(format_args!("? {}: unjudged: {}", said(name, 60), said(reason, 200)));
        }
        if self.written {
            out(format_args!("The new results are written; the evidence is as it was."));
        } else {
            out(format_args!("Nothing is written: --write does that."));
        }
    }

    fn json(&self, path: &Path) -> Result<(), String> {
        let value = RegradeV1 {
            format: FORMAT,
            submissions: self.all,
            by_another_rubric: self.by_another_rubric,
            written: self.written,
            changed: self.changed.iter().map(ChangeV1::of).collect(),
            unjudged: self.unjudged.iter().map(|(name, why)| UnjudgedV1 { name, why }).collect(),
        };
        let text = serde_json::to_string_pretty(&value)
            .map_err(|error| format!("failed to write JSON: {error}"))?;
        if path == Path::new("-") {
            out(format_args!("{text}"));
            return Ok(());
        }
        write_whole(path, format!("{text}\n").as_bytes())
            .map_err(|error| format!("failed to write {}: {error}", path.display()))
    }
}

fn cells(one: &Regraded) -> [String; 4] {
    let score = |score: Score| format!("{}/{}", score.earned, score.possible);
    let open = if one.unjudged.is_some() { "?" } else { "" };
    let by = one.moved.iter().map(|moved| format!("{} {}", said(&moved.id, 60), step(moved)));
    [
        said(&one.name, 60),
        one.before.map_or("–".into(), score),
        format!("{}{open}", score(one.after)),
        by.collect::<Vec<_>>().join(", "),
    ]
}

/// What became of a probe, in a few characters.
fn step(moved: &Moved) -> String {
    let points = |outcome: Option<(Outcome, u32)>| outcome.map_or(0, |(_, earned)| earned);
    let change = i64::from(points(moved.after)) - i64::from(points(moved.before));
    let change = if change == 0 { String::new() } else { format!(" {change:+}") };
    let word = |outcome| match outcome {
        Outcome::Passed => "passed",
        Outcome::Failed => "failed",
        Outcome::Skipped => "skipped",
        Outcome::Unjudged => "unjudged",
    };
    match (moved.before, moved.after) {
        (Some((before, _)), Some((after, _))) if before == after => change.trim().into(),
        (Some((before, _)), Some((after, _))) => {
            format!("{} → {}{change}", word(before), word(after))
        }
        (None, Some((after, _))) => format!("new: {}{change}", word(after)),
        (Some(_), None) => format!("gone{change}"),
        (None, None) => String::new(),
    }
}

/// What a regrade changes, for programs. Keys may be added within v1, never changed.
#[derive(Debug, Serialize)]
struct RegradeV1<'a> {
    format: &'static str,
    submissions: usize,
    by_another_rubric: usize,
    written: bool,
    changed: Vec<ChangeV1<'a>>,
    unjudged: Vec<UnjudgedV1<'a>>,
}

#[derive(Debug, Serialize)]
struct ChangeV1<'a> {
    name: &'a str,
    before: Option<PointsV1>,
    after: PointsV1,
    provisional: bool,
    probes: Vec<ProbeV1<'a>>,
}

#[derive(Debug, Serialize)]
struct PointsV1 {
    earned: u32,
    possible: u32,
}

#[derive(Debug, Serialize)]
struct ProbeV1<'a> {
    id: &'a str,
    before: Option<CameV1>,
    after: Option<CameV1>,
}

#[derive(Debug, Serialize)]
struct CameV1 {
    status: Outcome,
    earned: u32,
}

#[derive(Debug, Serialize)]
struct UnjudgedV1<'a> {
    name: &'a str,
    why: &'a str,
}

impl ChangeV1<'_> {
    fn of(one: &Regraded) -> ChangeV1<'_> {
        let points = |Score { earned, possible }| PointsV1 { earned, possible };
        let came = |(status, earned)| CameV1 { status, earned };
        let probes = one.moved.iter().map(|moved| ProbeV1 {
            id: &moved.id,
            before: moved.before.map(came),
            after: moved.after.map(came),
        });
        ChangeV1 {
            name: &one.name,
            before: one.before.map(points),
            after: points(one.after),
            provisional: one.unjudged.is_some(),
            probes: probes.collect(),
        }
    }
}
