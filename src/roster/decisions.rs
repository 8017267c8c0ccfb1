//! The instructor's decisions for single students: what counts, what is excused, who has more time,
//! and why.

use std::collections::HashMap;

use jiff::Timestamp;

use crate::document::{self, Fields, Item, Node, Review, nearest};
use crate::judge::{Decision, Points};

use super::class::{format, time, told};
use super::file::Paper;
use super::line::Told;
use super::{DECISIONS, name};

/// Ids that are not on the roster and are looked up for one that may be meant.
const SUGGESTED: usize = 20;

/// A decision, for whom, and where that stands.
#[derive(Debug)]
pub(super) struct Decided {
    pub id: Told,
    pub decision: Decision,
}

/// Reads a file of decisions. One for another assignment is a mistake.
pub(super) fn read(paper: &mut Paper, assignment: Option<&str>) -> Vec<Decided> {
    let review = &mut paper.review;
    if !review.is_clean() {
        return Vec::new();
    }
    let root = document::read(&paper.text, review);
    if !review.is_clean() {
        return Vec::new();
    }
    let mut fields = Fields::of(&root, review);
    format(&mut fields, DECISIONS, review);
    if let Some(told) = fields.get("assignment").and_then(|node| told(node, review))
        && let Some(assignment) = assignment
        && told.text != assignment
    {
        review.note(&told.span, format!("these decisions are not for `{assignment}`"));
    }
    let mut all = Vec::new();
    match fields.get("decision").map(|node| (&node.item, &node.span)) {
        Some((Item::List(nodes), _)) => {
            all = nodes.iter().filter_map(|node| decided(node, review)).collect();
        }
        Some((_, span)) => {
            review.advise(span, "expected a list of decisions", "write each under [[decision]]");
        }
        None => {}
    }
    fields.finish(review);
    twice(&all, paper);
    all
}

fn decided(node: &Node, review: &mut Review) -> Option<Decided> {
    let mut fields = Fields::of(node, review);
    let id = fields.require("id", review).and_then(|node| told(node, review));
    let counts = fields.get("counts").map(|node| points(node, review));
    let excused = fields.get("excused").and_then(|node| node.bool(review));
    let due: Option<Option<Timestamp>> = fields.get("due").map(|node| time(node, review));
    let reason = fields.require("reason", review).and_then(|node| told(node, review));
    let is_something = counts.is_some() || excused == Some(true) || due.is_some();
    if !is_something {
        let help = "write counts = 9.5, excused = true or due = 2026-10-08T23:59:00+02:00";
        review.advise(&node.span, "nothing is decided here", help);
    }
    fields.finish(review);
    let reason = reason?;
    let why = name::tidy(&reason.text);
    if why.is_empty() {
        review.note(&reason.span, "the gradebook shows this reason, and it is empty");
    }
    let decision = Decision {
        counts: counts.flatten(),
        excused: excused.unwrap_or(false),
        due: due.flatten(),
        reason: why,
    };
    Some(Decided { id: id?, decision })
}

fn points(node: &Node, review: &mut Review) -> Option<Points> {
    let text = match &node.item {
        Item::Int(number) => number.to_string(),
        Item::Fraction(text) => text.clone(),
        _ => {
            review.note(&node.span, format!("expected points, found {}", node.what()));
            return None;
        }
    };
    text.parse().map_err(|message: String| review.note(&node.span, message)).ok()
}

fn twice(all: &[Decided], paper: &mut Paper) {
    let mut seen = HashMap::new();
    for Decided { id, .. } in all {
        if let Some(first) = seen.insert(id.text.as_str(), &id.span) {
            let message =
                format!("`{}` has a decision on line {}, too", id.text, paper.line(first));
            paper.review.note(&id.span, message);
        }
    }
}

/// Notes decisions for students who are not on the roster.
pub(super) fn strangers<'a>(
    all: &[Decided],
    ids: impl Iterator<Item = &'a str> + Clone,
    review: &mut Review,
) {
    let known: std::collections::HashSet<&str> = ids.clone().collect();
    let strangers = all.iter().filter(|one| !known.contains(one.id.text.as_str()));
    for (count, Decided { id, .. }) in strangers.enumerate() {
        let near = (count < SUGGESTED).then(|| nearest(&id.text, ids.clone())).flatten();
        let message = format!("`{}` is not on the roster", id.text);
        match near {
            Some(near) => review.advise(&id.span, message, format!("did you mean `{near}`?")),
            None => review.note(&id.span, message),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn decisions(text: &str) -> (Vec<Decided>, String) {
        let text = format!("format = \"grade/decisions/v1\"\n{text}");
        let mut paper = Paper::new(Path::new("d.toml"), text);
        let all = read(&mut paper, Some("healthcheck"));
        strangers(&all, ["ada", "bob"].into_iter(), &mut paper.review);
        (all, paper.finish().map(|all| all.to_string()).unwrap_or_default())
    }

    #[test]
    fn decisions_are_read() {
        let (all, problems) = decisions(
            "assignment = \"healthcheck\"\n\
             [[decision]]\nid = \"ada\"\ncounts = 9.5\nreason = \"\"\"oral\n exam\"\"\"\n\
             [[decision]]\nid = \"bob\"\nexcused = true\ndue = 2026-10-08T23:59:00+02:00\n\
             reason = \"ill\"\n",
        );
        assert_eq!(problems, "");
        let ada = Decision {
            counts: Some(Points(950)),
            reason: "oral exam".into(),
            ..Decision::default()
        };
        assert_eq!((all[0].id.text.as_str(), &all[0].decision), ("ada", &ada));
        let bob = &all[1].decision;
        assert_eq!((bob.excused, bob.counts), (true, None));
        assert_eq!(bob.due.map(|due| due.as_second()), Some(1_791_496_740));
    }

    #[test]
    fn all_mistakes_are_told_at_once() {
        let (_, problems) = decisions(
            "assignment = \"onbuild\"\n\
             [[decision]]\nid = \"adda\"\ncounts = 9.555\nreason = \"x\"\n\
             [[decision]]\nid = \"bob\"\nreason = \" \"\n\
             [[decision]]\nid = \"bob\"\ncount = 3\nexcused = 1\n\
             [[decision]]\nid = \"zoe\"\ncounts = -1\nreason = \"x\"\n",
        );
        for line in [
            "d.toml:2:14: these decisions are not for `healthcheck`",
            "d.toml:4:6: `adda` is not on the roster (did you mean `ada`?)",
            "d.toml:5:10: points are whole or have one or two places",
            "d.toml:7:1: nothing is decided here",
            "d.toml:9:10: the gradebook shows this reason, and it is empty",
            "d.toml:10:1: `reason` is missing",
            "d.toml:12:1: unknown key `count` (did you mean `counts`?)",
            "d.toml:13:11: expected true or false, found a number",
            "d.toml:15:6: `zoe` is not on the roster",
            "d.toml:16:10: points are whole or have one or two places",
        ] {
            assert!(problems.contains(line), "{line}\n{problems}");
        }
    }

    #[test]
    fn one_student_has_one_decision() {
        let one = "[[decision]]\nid = \"ada\"\ncounts = 1\nreason = \"x\"\n";
        let (_, problems) = decisions(&format!("{one}{one}"));
        assert_eq!(problems, "d.toml:7:6: `ada` has a decision on line 3, too");
    }
}
