//! From a file or a folder to a class, with all that is wrong on the way.

use std::collections::HashMap;
use std::path::Path;

use jiff::Timestamp;

use crate::document::{Problems, Span};
use crate::judge::Decision;
use crate::submission::{Revision, Source};

use super::class::{self, Class};
use super::decisions;
use super::file::Paper;
use super::folder::Folder;
use super::line::Line;
use super::place::{self, Flaw};
use super::resolve::{self, Everywhere};
use super::template::Template;
use super::{Format, Member, Roster, RosterOptions, sheet};

/// What a source that was given beside the roster is called in messages.
const GIVEN: &str = "source";

/// Reads a class from its roster: a table, the project's own TOML, or a folder of submissions. No
/// repository is asked: whether one exists is found out when it is fetched.
///
/// # Errors
/// All problems at once: one [`Problems`] for each file that has any, among them the table that a
/// TOML names, the decisions, and the source that was given. A file or folder that cannot be read
/// is a problem like any other, with an empty text.
pub fn read(path: &Path, options: &RosterOptions) -> Result<Roster, Vec<Problems>> {
    let mut draft = Draft::open(path, options);
    draft.check_assignment(options);
    let mut everywhere = draft.everywhere(path, options);
    let mut sources = resolve::sources(
        &draft.lines,
        &mut everywhere,
        &options.revision,
        &mut draft.students,
        &mut draft.notes,
    );
    if draft.lines.is_empty() && draft.is_clean() {
        draft.students.review.note(&(0..0), "there are no students in it");
    }
    let mut decided = draft.decisions(options);
    extend(&mut sources, &draft.lines, &decided);
    let assignment = draft.assignment(options);
    let Draft { class, lines, mut notes, students, others } = draft;
    let mut papers = vec![students];
    papers.extend(others);
    if let Everywhere::Folder(folder) = everywhere {
        papers.push(folder.paper);
    }
    let problems: Vec<Problems> = papers.into_iter().filter_map(Paper::finish).collect();
    if !problems.is_empty() {
        return Err(problems);
    }
    let due = options.due.or(class.due);
    if class.late.is_some() && due.is_none() {
        notes.push(
            "being late costs something, and no time is given that submissions are due".into(),
        );
    }
    let members = lines.into_iter().zip(sources).map(|(line, source)| {
        let decision = decided.remove(&line.student.id);
        let due = decision.as_ref().and_then(|decision| decision.due).or(due);
        Member { student: line.student, source, due, decision }
    });
    let members = members.collect();
    Ok(Roster { title: class.title, assignment, due, late: class.late, members, notes })
}

/// What has been read so far.
struct Draft {
    class: Class,
    lines: Vec<Line>,
    notes: Vec<String>,
    /// The file or folder that has the students.
    students: Paper,
    /// The class's file, where the students are in another, and what else was read.
    others: Vec<Paper>,
}

impl Draft {
    fn open(path: &Path, options: &RosterOptions) -> Draft {
        let mut draft = match format(path, options) {
            Some(Format::Folder) => Draft::folder(path, options),
            Some(Format::Toml) => Draft::toml(path, options),
            format => Draft::new(Paper::open(path)).with_table(format, options, None),
        };
        if !draft.is_folder() {
            resolve::duplicates(&draft.lines, &mut draft.students);
        }
        draft
    }

    fn new(students: Paper) -> Draft {
        Draft {
            class: Class::default(),
            lines: Vec::new(),
            notes: Vec::new(),
            students,
            others: Vec::new(),
        }
    }

    fn folder(path: &Path, options: &RosterOptions) -> Draft {
        let mut notes = Vec::new();
        let assignment = options.assignment.as_deref();
        let mut folder = Folder::list(path, assignment, &options.revision, &mut notes);
        let lines = folder.lines();
        Draft { lines, notes, ..Draft::new(folder.paper) }
    }

    fn toml(path: &Path, options: &RosterOptions) -> Draft {
        let mut paper = Paper::open(path);
        if !paper.review.is_clean() {
            return Draft::new(paper);
        }
        let mut class = class::read(&paper.text, &mut paper.review);
        let lines = std::mem::take(&mut class.lines);
        let Some(table) = class.table.take() else {
            return Draft { class, lines, ..Draft::new(paper) };
        };
        let table = path.parent().unwrap_or(Path::new("")).join(table);
        let assignment = class.assignment.as_ref().map(|told| told.text.clone());
        let draft = Draft { class, others: vec![paper], ..Draft::new(Paper::open(&table)) };
        draft.with_table(None, options, assignment)
    }

    fn with_table(
        mut self,
        format: Option<Format>,
        options: &RosterOptions,
        assignment: Option<String>,
    ) -> Draft {
        let assignment = options.assignment.clone().or(assignment);
        let Paper { text, review, .. } = &mut self.students;
        if text.is_empty() && !review.is_clean() {
            return self;
        }
        let sheet = sheet::read(text, format, assignment.as_deref(), review);
        Draft { lines: sheet.lines, notes: sheet.notes, ..self }
    }

    fn is_folder(&self) -> bool {
        self.students.path.is_dir()
    }

    fn is_clean(&self) -> bool {
        self.students.review.is_clean() && self.others.iter().all(|paper| paper.review.is_clean())
    }

    fn assignment(&self, options: &RosterOptions) -> Option<String> {
        let own = || self.class.assignment.as_ref().map(|told| told.text.clone());
        options.assignment.clone().or_else(own)
    }

    /// The file that has what holds for all.
    fn class_paper(&mut self) -> &mut Paper {
        self.others.first_mut().unwrap_or(&mut self.students)
    }

    /// A roster for another assignment has other due times.
    fn check_assignment(&mut self, options: &RosterOptions) {
        let Some(told) = self.class.assignment.clone() else { return };
        if let Some(wanted) = &options.assignment
            && *wanted != told.text
        {
            let message = format!("this roster is not for `{wanted}`");
            self.class_paper().review.note(&told.span, message);
        }
    }

    /// Where the submissions of all are: as was given, or else as the roster says.
    fn everywhere(&mut self, path: &Path, options: &RosterOptions) -> Everywhere {
        let assignment = self.assignment(options);
        let mut notes = Vec::new();
        let mut find = |text: &str, span: &Span, base: &Path, paper: &mut Paper| {
            if place::is_address(text) || text.contains('{') {
                let template = Template::read(text, span, assignment.as_deref(), paper);
                return template.map(|template| Everywhere::Pattern(template, base.to_owned()));
            }
            let folder = base.join(text);
            if folder.is_dir() {
                let assignment = assignment.as_deref();
                let folder = Folder::list(&folder, assignment, &options.revision, &mut notes);
                return Some(Everywhere::Folder(Box::new(folder)));
            }
            let message = format!("there is no folder {}", folder.display());
            paper.flaw(span, Flaw { message, help: place::missing_scheme(text) });
            None
        };
        let found = if let Some(text) = &options.source {
            let mut paper = Paper::new(Path::new(GIVEN), text.clone());
            let span = 0..text.len();
            let found = if self.is_folder() {
                paper.review.note(&span, "the roster is a folder of submissions itself");
                None
            } else {
                find(text, &span, Path::new(""), &mut paper)
            };
            // The class's own file stays the first, where there is one.
            self.others.push(paper);
            found
        } else if let Some(told) = self.class.source.clone() {
            let base = path.parent().unwrap_or(Path::new(""));
            find(&told.text, &told.span, base, self.class_paper())
        } else {
            Some(Everywhere::Unsaid)
        };
        self.notes.extend(notes);
        found.unwrap_or(Everywhere::Unclear)
    }

    /// The instructor's decisions, by id.
    fn decisions(&mut self, options: &RosterOptions) -> HashMap<String, Decision> {
        let Some(path) = &options.decisions else { return HashMap::new() };
        let mut paper = Paper::open(path);
        let assignment = self.assignment(options);
        let all = decisions::read(&mut paper, assignment.as_deref());
        // Of a roster with mistakes nobody can tell who is not on it.
        if self.is_clean() {
            let ids = self.lines.iter().map(|line| line.student.id.as_str());
            decisions::strangers(&all, ids, &mut paper.review);
        }
        self.others.push(paper);
        all.into_iter().map(|one| (one.id.text, one.decision)).collect()
    }
}

/// What a roster is, by what there is; `None` is some table.
fn format(path: &Path, options: &RosterOptions) -> Option<Format> {
    let is_toml = || path.extension().is_some_and(|end| end.eq_ignore_ascii_case("toml"));
    options
        .format
        .or_else(|| path.is_dir().then_some(Format::Folder))
        .or_else(|| is_toml().then_some(Format::Toml))
}

/// Gives who has more time the commits made in it; those who hand in together share it.
fn extend(
    sources: &mut [Result<Source, String>],
    lines: &[Line],
    decided: &HashMap<String, Decision>,
) {
    let key = |line: &Line| match &line.student.group {
        Some(group) => (true, group.clone()),
        None => (false, line.student.id.clone()),
    };
    let mut until: HashMap<(bool, String), Timestamp> = HashMap::new();
    for line in lines {
        if let Some(due) = decided.get(&line.student.id).and_then(|decision| decision.due) {
            let latest = until.entry(key(line)).or_insert(due);
            *latest = due.max(*latest);
        }
    }
    for (source, line) in sources.iter_mut().zip(lines) {
        if let Ok(Source::Git(git)) = source
            && let Revision::Before(time) = &mut git.at
            && let Some(due) = until.get(&key(line))
        {
            *time = due.max(time).to_owned();
        }
    }
}
