//! Who hands in together, and where each one's submission is: the line's own word first, then the
//! pattern or folder for all, then what a tool made.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::document::Span;
use crate::judge::Student;
use crate::submission::{Revision, Source};

use super::file::Paper;
use super::folder::Folder;
use super::line::{Given, Line, Told};
use super::place;
use super::template::Template;

/// Where the submissions of all are to be had from.
#[derive(Debug)]
pub(super) enum Everywhere {
    /// Nothing is said.
    Unsaid,
    /// What is said is wrong, which was noted.
    Unclear,
    /// By a pattern; paths are below this folder.
    Pattern(Template, PathBuf),
    /// In a folder.
    Folder(Box<Folder>),
}

/// Those who hand in together, or one alone: places in the list of lines.
type Unit = Vec<usize>;

/// Notes students, usernames and groups that are there twice.
pub(super) fn duplicates(lines: &[Line], paper: &mut Paper) {
    let mut ids = HashMap::new();
    let mut usernames = HashMap::new();
    let mut groups: HashMap<String, (&str, &Span)> = HashMap::new();
    for line in lines {
        let Student { id, username, group, .. } = &line.student;
        if let Some(first) = ids.insert(id, &line.id) {
            let message = format!("`{id}` is on line {}, too", paper.line(first));
            paper.review.note(&line.id, message);
            continue;
        }
        if let Some(username) = username
            && let Some(first) = usernames.insert(username.to_lowercase(), &line.username)
        {
            let message = format!("`{username}` is on line {}, too", paper.line(first));
            paper.review.note(&line.username, message);
        }
        if let Some(group) = group {
            let (first, at) = groups.entry(group.to_lowercase()).or_insert((group, &line.group));
            if first != group {
                let message = format!("this group is called `{first}` on line {}", paper.line(at));
                paper.review.advise(&line.group, message, "write it the same way everywhere");
            }
        }
    }
}

/// Finds where the submission of each line is, or why there is none.
pub(super) fn sources(
    lines: &[Line],
    everywhere: &mut Everywhere,
    revision: &Revision,
    paper: &mut Paper,
    notes: &mut Vec<String>,
) -> Vec<Result<Source, String>> {
    let base = paper.path.parent().unwrap_or(Path::new("")).to_owned();
    let units = units(lines);
    let mut found: Vec<Result<Source, String>> = match everywhere {
        Everywhere::Folder(folder) => {
            let students = |unit: &Unit| {
                unit.iter().filter_map(|at| lines.get(*at)).map(|line| &line.student).collect()
            };
            let students: Vec<Vec<&Student>> = units.iter().map(students).collect();
            folder.sources(&students, notes)
        }
        Everywhere::Pattern(template, base) => {
            let fill = |unit: &Unit| filled(unit, lines, template, base, revision);
            units.iter().map(fill).collect()
        }
        Everywhere::Unsaid | Everywhere::Unclear => units
            .iter()
            .map(|_| Err("the roster does not say where their submission is".into()))
            .collect(),
    };
    let is_said = !matches!(everywhere, Everywhere::Unsaid);
    let mut split = None;
    for (unit, found) in units.iter().zip(&mut found) {
        let members = || unit.iter().filter_map(|at| lines.get(*at));
        let own: Vec<&Told> = members().filter_map(|line| own(&line.given)).collect();
        let tool: Vec<&Told> = members().filter_map(|line| tool(&line.given)).collect();
        let there = members().find_map(|line| match &line.given {
            Given::Found(source) => Some(source.clone()),
            _ => None,
        });
        if let Some(there) = there {
            *found = there;
        } else if !own.is_empty() {
            *found = one_of(&own, &base, revision, paper);
        } else if !is_said && !tool.is_empty() {
            *found = one_of(&tool, &base, revision, paper);
        } else if let Everywhere::Pattern(template, _) = everywhere
            && unit.len() > 1
            && template.is_of_one()
        {
            split = split.or(members().next());
        }
    }
    if let Some(line) = split {
        let message = "a group hands in together, and the pattern has a source for each student";
        let help = "write `{group}`, or give one of the group a source of its own";
        paper.review.advise(&line.group, message, help);
    }
    let says_nothing = |line: &Line| matches!(line.given, Given::Nothing);
    if !is_said && !lines.is_empty() && lines.iter().all(says_nothing) {
        let help = "name a folder of submissions, or an address such as \
                    https://github.com/org/{assignment}-{username}";
        paper.review.advise(&(0..0), "nothing says where the submissions are", help);
    }
    shared(&units, &found, lines, paper);
    let mut sources = vec![Err(String::new()); lines.len()];
    for (unit, found) in units.iter().zip(&found) {
        for at in unit {
            if let Some(source) = sources.get_mut(*at) {
                source.clone_from(found);
            }
        }
    }
    sources
}

/// The lines of each group and of each student who has none, in the order of the first.
fn units(lines: &[Line]) -> Vec<Unit> {
    let mut units: Vec<Unit> = Vec::new();
    let mut groups: HashMap<String, usize> = HashMap::new();
    for (at, line) in lines.iter().enumerate() {
        let next = units.len();
        let group = line.student.group.as_ref().map(|group| group.to_lowercase());
        let unit = group.map_or(next, |group| *groups.entry(group).or_insert(next));
        match units.get_mut(unit) {
            Some(unit) => unit.push(at),
            None => units.push(vec![at]),
        }
    }
    units
}

fn own(given: &Given) -> Option<&Told> {
    match given {
        Given::Own(told) => Some(told),
        _ => None,
    }
}

fn tool(given: &Given) -> Option<&Told> {
    match given {
        Given::Tool(told) => Some(told),
        _ => None,
    }
}

fn filled(
    unit: &[usize],
    lines: &[Line],
    template: &Template,
    base: &Path,
    revision: &Revision,
) -> Result<Source, String> {
    let first = unit.first().and_then(|at| lines.get(*at));
    let Some(line) = first else { return Err(String::new()) };
    template.fill(&line.student, base, revision)
}

/// The one source that those who hand in together have.
fn one_of(
    told: &[&Told],
    base: &Path,
    revision: &Revision,
    paper: &mut Paper,
) -> Result<Source, String> {
    let mut first: Option<(Source, &Told)> = None;
    let mut broken = Err("its source is wrong".to_owned());
    for told in told {
        match (place::read(&told.text, base, revision), &first) {
            (Ok(source), None) => first = Some((source, told)),
            (Ok(source), Some((other, at))) => {
                if place::key(&source) != place::key(other) {
                    let line = paper.line(&at.span);
                    let message = format!("this group has another source on line {line}");
                    paper.review.note(&told.span, message);
                }
            }
            (Err(flaw), _) => {
                broken = Err(flaw.message.clone());
                paper.flaw(&told.span, flaw);
            }
        }
    }
    first.map(|(source, _)| source).map_or(broken, Ok)
}

/// Notes submissions that two have who do not hand in together.
fn shared(units: &[Unit], found: &[Result<Source, String>], lines: &[Line], paper: &mut Paper) {
    let mut seen: HashMap<String, &Line> = HashMap::new();
    for (unit, found) in units.iter().zip(found) {
        let first = unit.first().and_then(|at| lines.get(*at));
        let (Some(line), Ok(source)) = (first, found) else { continue };
        if let Some(other) = seen.insert(place::key(source), line) {
            note_shared(line, other, paper);
        }
    }
}

fn note_shared(line: &Line, other: &Line, paper: &mut Paper) {
    let span = match &line.given {
        Given::Own(told) | Given::Tool(told) => &told.span,
        Given::Nothing | Given::Found(_) => &line.id,
    };
    let (id, at) = (&other.student.id, paper.line(&other.id));
    let message = format!("`{id}` on line {at} has the same source");
    paper.review.advise(span, message, "students who hand in together have the same `group`");
}
