//! A class: its students, where each one's submission is to be had from, and when it is due. Read
//! from what GitHub Classroom and Classroom 50 export, from the project's own CSV and TOML, or from
//! a folder of submissions; what is wrong with it is told all at once.

mod class;
mod decisions;
mod file;
mod folder;
mod line;
mod name;
mod place;
mod read;
mod resolve;
mod schema;
mod sheet;
mod table;
mod template;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::str::FromStr;

use jiff::Timestamp;

use crate::judge::{Decision, LatePolicy, Student};
use crate::submission::{Revision, Source};

pub use name::folder_name;
pub use read::read;
pub use schema::{decisions_schema, schema};

/// What the project's own TOML says it is.
pub const FORMAT: &str = "grade/roster/v1";
/// What a file of decisions says it is.
pub const DECISIONS: &str = "grade/decisions/v1";
/// The most students of a roster, the most lines of its file, and the most entries of a folder.
pub const MOST: usize = 100_000;

/// A class, as its roster describes it. Texts are what people wrote: whoever prints them cleans
/// them, and a CSV that a spreadsheet may open must not let one that begins with `=`, `+`, `-` or
/// `@` run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roster {
    /// What the class is called.
    pub title: Option<String>,
    /// The exercise it is for: as it was asked for, or else as the roster says.
    pub assignment: Option<String>,
    /// When submissions are due.
    pub due: Option<Timestamp>,
    /// What being late costs.
    pub late: Option<LatePolicy>,
    /// The students, in the roster's order. Ids are unique, and usernames whatever their case.
    pub members: Vec<Member>,
    /// What an instructor should know and need not mend, in sentences: folders that belong to
    /// nobody, columns that are not used, submissions whose commit cannot be chosen.
    pub notes: Vec<String>,
}

/// A student, and where their submission is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Who.
    pub student: Student,
    /// Where it is to be had from, or why there is none, in a sentence. Only students of the same
    /// group have the same one.
    pub source: Result<Source, String>,
    /// When it is due, for this student.
    pub due: Option<Timestamp>,
    /// What the instructor has decided.
    pub decision: Option<Decision>,
}

/// What is graded once, whoever handed it in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Work {
    /// Its folder's name, safe and unique whatever the case; it does not depend on the rest of the
    /// roster. It belongs into a folder of its own kind: an id may be any file's name.
    pub folder: String,
    /// Where it is to be had from.
    pub source: Source,
    /// Whose it is: places in [`Roster::members`], in order.
    pub members: Vec<usize>,
}

/// How a roster is to be read.
#[derive(Clone, Debug, Default)]
pub struct RosterOptions {
    /// The exercise: `{assignment}` in addresses, and which lines of a grades file are meant.
    pub assignment: Option<String>,
    /// Where submissions are: an address or a path with fields such as `{username}`, or a folder of
    /// clones or archives. It comes before what the roster says for all; a student's own source
    /// comes before it.
    pub source: Option<String>,
    /// The instructor's decisions.
    pub decisions: Option<PathBuf>,
    /// When submissions are due, whatever the roster says.
    pub due: Option<Timestamp>,
    /// Which commit of a repository is graded. Of [`Revision::Before`] a student whose own due time
    /// is later has until then.
    pub revision: Revision,
    /// What the roster is, where that cannot be seen.
    pub format: Option<Format>,
}

/// What a roster can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `classroom_roster.csv` of GitHub Classroom.
    GithubRoster,
    /// The grades file of GitHub Classroom.
    GithubGrades,
    /// `roster.csv` of Classroom 50.
    Classroom50,
    /// The project's own CSV.
    Csv,
    /// The project's own TOML.
    Toml,
    /// A folder of submissions.
    Folder,
}

impl Format {
    /// Every format with its name.
    pub const ALL: [(&'static str, Format); 6] = [
        ("github-roster", Format::GithubRoster),
        ("github-grades", Format::GithubGrades),
        ("classroom50", Format::Classroom50),
        ("csv", Format::Csv),
        ("toml", Format::Toml),
        ("folder", Format::Folder),
    ];
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Format, String> {
        let named = Format::ALL.iter().find(|(name, _)| *name == text);
        named.map(|(_, format)| *format).ok_or_else(|| {
            let names: Vec<&str> = Format::ALL.iter().map(|(name, _)| *name).collect();
            format!("known: {}", names.join(", "))
        })
    }
}

impl Roster {
    /// What there is to grade, sorted by folder: one for each student or group that has a source.
    pub fn works(&self) -> Vec<Work> {
        let mut works: BTreeMap<String, Work> = BTreeMap::new();
        for (index, member) in self.members.iter().enumerate() {
            let Ok(source) = &member.source else { continue };
            let folder = member.folder();
            let work = works.entry(folder.clone()).or_insert_with(|| Work {
                folder,
                source: source.clone(),
                members: Vec::new(),
            });
            work.members.push(index);
        }
        works.into_values().collect()
    }
}

impl Member {
    /// The folder of what they handed in, alone or with their group.
    pub fn folder(&self) -> String {
        match &self.student.group {
            Some(group) => name::group_folder(group),
            None => folder_name(&self.student.id),
        }
    }
}

#[cfg(test)]
mod tests;
