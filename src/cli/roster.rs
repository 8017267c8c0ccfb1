//! `grade roster`: who is in a class and where their submissions are, before anything is fetched.

use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;
use textwrap::core::display_width;

use super::{Exit, diagnose, out};
use crate::judge::{Decision, line};
use crate::roster::{self, Format, Member, Roster, RosterOptions};
use crate::submission::{Revision, Source};
use crate::unit::parse_time;

/// The widest column of ids or names.
const WIDEST: usize = 32;

#[derive(Args, Debug)]
pub(super) struct Arguments {
    #[command(flatten)]
    class: Class,
    /// The assignment, for addresses that name it
    #[arg(long, short, value_name = "SLUG")]
    assignment: Option<String>,
}

/// A class, and where its submissions are.
#[derive(Args, Debug)]
pub(super) struct Class {
    /// The roster, or a folder of submissions
    #[arg(value_name = "ROSTER")]
    roster: PathBuf,
    /// Where submissions are: such as https://github.com/org/{assignment}-{username}, or a folder of clones or archives
    #[arg(long, value_name = "PATTERN")]
    source: Option<String>,
    /// The instructor's decisions
    #[arg(long, value_name = "FILE")]
    decisions: Option<PathBuf>,
    /// When submissions are due, such as 2026-10-01T23:59:00+02:00 [default: as the roster says]
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    due: Option<Timestamp>,
    /// The last commit at or before this time is the submission [default: the newest]
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    at: Option<Timestamp>,
    /// What the roster is: github-roster, github-grades, classroom50, csv, toml, folder [default: what it looks like]
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,
}

impl Class {
    /// Reads the roster; what is wrong with it is shown.
    pub(super) fn read(&self, assignment: Option<String>) -> Result<Roster, Exit> {
        let options = RosterOptions {
            assignment,
            source: self.source.clone(),
            decisions: self.decisions.clone(),
            due: self.due,
            revision: self.at.map_or(Revision::Head, Revision::Before),
            format: self.format,
        };
        roster::read(&self.roster, &options).map_err(|all| {
            all.iter().for_each(diagnose::problems);
            Exit::Usage
        })
    }
}

pub(super) fn run(arguments: &Arguments) -> Exit {
    match arguments.class.read(arguments.assignment.clone()) {
        Ok(roster) => {
            show(&roster);
            Exit::Graded
        }
        Err(exit) => exit,
    }
}

fn show(roster: &Roster) {
    let due = roster.due.map(|due| format!("due {due}"));
    let head = [roster.title.clone(), roster.assignment.clone(), due];
    let head = head.iter().flatten().map(|part| line(part, 200)).collect::<Vec<_>>().join(" · ");
    if !head.is_empty() {
        out(format_args!("{head}"));
    }
    let columns: Vec<[String; 2]> = roster.members.iter().map(cells).collect();
    let width = |index: usize| {
        let cells = columns.iter().map(|cells| display_width(&cells[index]));
        cells.max().unwrap_or(0)
    };
    let widths = [width(0), width(1)];
    for (member, cells) in roster.members.iter().zip(&columns) {
        let [id, name] = [0, 1].map(|index| {
            let gap = widths[index] - display_width(&cells[index]);
            format!("{}{}", cells[index], " ".repeat(gap))
        });
        let columns = [id, name, place(member)];
        let columns: Vec<&str> =
            columns.iter().map(String::as_str).filter(|cell| !cell.is_empty()).collect();
        out(format_args!("{}", columns.join("  ")));
    }
    out(format_args!("{}", summary(roster)));
    for note in &roster.notes {
        out(format_args!("note: {}", line(note, 400)));
    }
}

fn cells(member: &Member) -> [String; 2] {
    let name = member.student.name.as_deref().or(member.student.username.as_deref());
    [line(&member.student.id, WIDEST), line(name.unwrap_or_default(), WIDEST)]
}

/// Where a student's submission is, and what was decided.
fn place(member: &Member) -> String {
    let place = match &member.source {
        Ok(Source::Path(path)) => path.display().to_string(),
        Ok(Source::Git(git)) => match &git.at {
            Revision::Head => git.url.clone(),
            Revision::Named(name) => format!("{} at {name}", git.url),
            Revision::Before(time) => format!("{} at {time}", git.url),
        },
        Err(because) => format!("– {because}"),
    };
    let group = member.student.group.iter().map(|group| format!("group {group}"));
    let decision = member.decision.iter().map(decided);
    let parts: Vec<String> = std::iter::once(place).chain(group).chain(decision).collect();
    line(&parts.join(" · "), 400)
}

fn decided(decision: &Decision) -> String {
    let counts = decision.counts.map(|points| format!("counts {points}"));
    let excused = decision.excused.then(|| "late is excused".to_owned());
    let due = decision.due.map(|due| format!("due {due}"));
    let what: Vec<String> = [counts, excused, due].into_iter().flatten().collect();
    format!("{}: {}", what.join(", "), decision.reason)
}

fn summary(roster: &Roster) -> String {
    let counted =
        |count: usize, noun: &str| format!("{count} {noun}{}", if count == 1 { "" } else { "s" });
    let without = roster.members.iter().filter(|member| member.source.is_err()).count();
    let mut summary = format!(
        "{}, {}",
        counted(roster.members.len(), "student"),
        counted(roster.works().len(), "submission")
    );
    if without > 0 {
        summary.push_str(&format!(", {without} without one"));
    }
    summary
}
