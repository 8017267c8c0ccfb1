//! A folder of submissions: clones as GitHub Classroom's and Classroom 50's tools lay them out, or
//! folders and archives by name.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use url::Url;

use crate::document::nearest;
use crate::judge::Student;
use crate::submission::{GitSource, Revision, Source};

use super::file::Paper;
use super::line::{Given, Line};
use super::{MOST, name, place};

/// Folders that belong to nobody and are looked up for a name that may be meant.
const SUGGESTED: usize = 20;

/// A folder of submissions.
#[derive(Debug)]
pub(super) struct Folder {
    /// Where it is, and what is wrong with it.
    pub paper: Paper,
    /// What its clones' names begin with, where that is known.
    prefix: Option<String>,
    entries: Vec<Entry>,
}

/// A submission in a folder of them.
#[derive(Debug)]
struct Entry {
    /// The name of the folder or archive.
    file: String,
    /// Without an archive's ending.
    stem: String,
    source: Result<Source, String>,
}

impl Folder {
    /// Lists the submissions of a folder, sorted by name. Hidden and other files are none.
    pub(super) fn list(
        path: &Path,
        assignment: Option<&str>,
        revision: &Revision,
        notes: &mut Vec<String>,
    ) -> Folder {
        let paper = Paper::new(path, String::new());
        let mut folder = Folder { paper, prefix: None, entries: Vec::new() };
        let mut files = match files(path) {
            Ok(files) => files,
            Err(error) => {
                folder.note(format!("failed to read this folder: {error}"));
                return folder;
            }
        };
        if files.len() > MOST {
            folder.note(format!("a folder of submissions has {MOST} of them at most"));
            files.clear();
        }
        files.sort();
        let mut without_history = 0;
        for file in files {
            let path = path.join(&file);
            let Ok(file) = file.into_string() else {
                folder.note(format!("the name of {} is not UTF-8: rename it", path.display()));
                continue;
            };
            if let Some((stem, source)) = folder.submission(&file, &path) {
                let source = source.map(|source| chosen(source, revision, &mut without_history));
                folder.entries.push(Entry { stem, source, file });
            }
        }
        folder.prefix = folder.find_prefix(assignment);
        if without_history > 0 {
            notes.push(format!(
                "{without_history} of the submissions in {} are no clones: no commit can be \
                 chosen, and they are graded as they are",
                folder.paper.path.display()
            ));
        }
        folder
    }

    fn note(&mut self, message: String) {
        self.paper.review.note(&(0..0), message);
    }

    fn submission(&mut self, file: &str, path: &Path) -> Option<(String, Result<Source, String>)> {
        if file.starts_with('.') {
            return None;
        }
        let found = Source::Path(path.to_owned());
        match std::fs::symlink_metadata(path) {
            Ok(data) if data.is_dir() => Some((file.to_owned(), Ok(found))),
            Ok(data) if data.is_symlink() => {
                let help = "put the folder itself there";
                let message = format!("`{file}` is a link, and links are not followed: {help}");
                self.note(message);
                None
            }
            Ok(data) if data.is_file() => {
                if let Some(stem) = place::archive_stem(file) {
                    return Some((stem.to_owned(), Ok(found)));
                }
                let stem = place::other_archive_stem(file)?;
                let because = format!("`{file}` is an archive of a kind that is not read");
                Some((stem.to_owned(), Err(because)))
            }
            Ok(_) => None,
            Err(error) => {
                self.note(format!("failed to read `{file}`: {error}"));
                None
            }
        }
    }

    /// What the names of clones begin with: as the tools call the folder around them, or the
    /// assignment, where all begin so.
    fn find_prefix(&self, assignment: Option<&str>) -> Option<String> {
        let path = std::fs::canonicalize(&self.paper.path).ok()?;
        let name = path.file_name()?.to_str()?;
        let github = name.strip_suffix("-submissions");
        let classroom50 = name.split_once("_submissions_").map(|(before, _)| before);
        let has = |prefix: &str| {
            let entries = self.entries.iter();
            entries.filter(|entry| rest(&entry.stem, prefix).is_some()).count()
        };
        let by_tool = github.or(classroom50).map(|name| format!("{name}-"));
        let by_tool = by_tool.filter(|prefix| has(prefix) > 0);
        let all = self.entries.len();
        by_tool.or_else(|| {
            let prefix = assignment.map(|slug| format!("{slug}-"));
            prefix.filter(|prefix| all > 0 && has(prefix) == all)
        })
    }

    /// A student for each of them, by its name.
    pub(super) fn lines(&mut self) -> Vec<Line> {
        let mut seen: HashMap<String, String> = HashMap::new();
        let mut lines = Vec::new();
        let mut problems = Vec::new();
        for entry in &self.entries {
            let prefix = self.prefix.as_deref();
            let clone = prefix.and_then(|prefix| rest(&entry.stem, prefix));
            let id = clone.unwrap_or(&entry.stem);
            if let Some(flaw) = name::id_flaw(id) {
                problems.push(format!("`{}`: {flaw}", entry.file));
            }
            // Names of accounts have no case.
            let key = if clone.is_some() { id.to_lowercase() } else { id.to_owned() };
            if let Some(other) = seen.insert(key, entry.file.clone()) {
                problems.push(format!("`{other}` and `{}` are both of `{id}`", entry.file));
            }
            let username = clone.filter(|name| name::is_username(name));
            lines.push(Line {
                student: Student {
                    id: id.to_owned(),
                    username: username.map(str::to_owned),
                    ..Student::default()
                },
                given: Given::Found(entry.source.clone()),
                ..Line::default()
            });
        }
        problems.into_iter().for_each(|problem| self.note(problem));
        lines
    }

    /// The submission of each of these, who are known by usernames, groups and ids: that one whose
    /// name ends so. What belongs to nobody is noted.
    pub(super) fn sources(
        &mut self,
        units: &[Vec<&Student>],
        notes: &mut Vec<String>,
    ) -> Vec<Result<Source, String>> {
        let owners = Owners::new(units);
        let mut found: Vec<Option<usize>> = vec![None; units.len()];
        let mut problems = Vec::new();
        let mut strays = 0;
        for (index, entry) in self.entries.iter().enumerate() {
            match self.owner(entry, &owners) {
                Some(unit) => match found.get_mut(unit) {
                    Some(Some(other)) => {
                        let other = self.entries.get(*other).map_or("", |other| &other.file);
                        let id = units.get(unit).and_then(|who| who.first()).map(|one| &one.id);
                        let id = id.map_or("", |id| id.as_str());
                        problems.push(format!("`{other}` and `{}` are both of `{id}`", entry.file));
                    }
                    Some(none) => *none = Some(index),
                    None => {}
                },
                None => {
                    let mut note = format!("`{}` belongs to nobody on the roster", entry.file);
                    let near = (strays < SUGGESTED).then(|| owners.nearest(self.key(entry)));
                    if let Some(near) = near.flatten() {
                        note.push_str(&format!("; the nearest name is `{near}`"));
                    }
                    notes.push(note);
                    strays += 1;
                }
            }
        }
        problems.into_iter().for_each(|problem| self.note(problem));
        let sources = found.iter().zip(units).map(|(found, unit)| {
            let entry = found.and_then(|index| self.entries.get(index));
            entry.map_or_else(|| Err(self.missing(unit)), |entry| entry.source.clone())
        });
        sources.collect()
    }

    fn missing(&self, unit: &[&Student]) -> String {
        let folder = self.paper.path.display();
        if self.prefix.is_some() && unit.iter().all(|student| student.username.is_none()) {
            return format!("the roster has no username for them, and nothing is in {folder}");
        }
        format!("nothing of theirs is in {folder}")
    }

    fn key<'a>(&self, entry: &'a Entry) -> &'a str {
        let prefix = self.prefix.as_deref();
        prefix.and_then(|prefix| rest(&entry.stem, prefix)).unwrap_or(&entry.stem)
    }

    fn owner(&self, entry: &Entry, owners: &Owners<'_>) -> Option<usize> {
        let key = self.key(entry);
        if self.prefix.is_some() {
            return owners.find(key);
        }
        // What stands before the student's name is anybody's guess: the longest name wins.
        let dashes = key.match_indices('-').map(|(at, _)| at + 1);
        std::iter::once(0).chain(dashes).find_map(|at| owners.find(key.get(at..)?))
    }
}

fn files(path: &Path) -> std::io::Result<Vec<std::ffi::OsString>> {
    let entries = std::fs::read_dir(path)?.take(MOST + 1);
    entries.map(|entry| Ok(entry?.file_name())).collect()
}

/// What stands behind a prefix, whatever its case: GitHub's names have none.
fn rest<'a>(stem: &'a str, prefix: &str) -> Option<&'a str> {
    let (before, rest) = stem.split_at_checked(prefix.len())?;
    (before.eq_ignore_ascii_case(prefix) && !rest.is_empty()).then_some(rest)
}

/// A clone of which another commit than the one that is there may be graded.
fn chosen(source: Source, revision: &Revision, without_history: &mut usize) -> Source {
    let Source::Path(path) = &source else { return source };
    if *revision == Revision::Head {
        return source;
    }
    let has_history = std::fs::symlink_metadata(path.join(".git")).is_ok_and(|data| data.is_dir());
    let url =
        std::fs::canonicalize(path).ok().and_then(|path: PathBuf| Url::from_file_path(path).ok());
    match url {
        Some(url) if has_history => {
            Source::Git(GitSource { url: url.into(), at: revision.clone() })
        }
        _ => {
            *without_history += 1;
            source
        }
    }
}

/// Who is meant by a name.
struct Owners<'a> {
    /// By username, group, group as a repository has it, and id, in lower case: the first that fits.
    by: [HashMap<String, Option<usize>>; 4],
    names: Vec<&'a str>,
}

impl<'a> Owners<'a> {
    fn new(units: &[Vec<&'a Student>]) -> Owners<'a> {
        let mut owners = Owners { by: Default::default(), names: Vec::new() };
        for (unit, students) in units.iter().enumerate() {
            for student in students {
                let group = student.group.as_deref();
                let keys = [
                    student.username.as_deref().map(str::to_lowercase),
                    group.map(str::to_lowercase),
                    group.map(name::slug),
                    Some(student.id.to_lowercase()),
                ];
                for (by, key) in owners.by.iter_mut().zip(keys) {
                    if let Some(key) = key {
                        // A name that two have is nobody's.
                        let who = by.entry(key).or_insert(Some(unit));
                        *who = who.filter(|one| *one == unit);
                    }
                }
                let names = [student.username.as_deref(), group, Some(student.id.as_str())];
                owners.names.extend(names.into_iter().flatten());
            }
        }
        owners
    }

    fn find(&self, name: &str) -> Option<usize> {
        let name = name.to_lowercase();
        self.by.iter().find_map(|by| by.get(&name).copied().flatten())
    }

    fn nearest(&self, name: &str) -> Option<&'a str> {
        nearest(name, self.names.iter().copied())
    }
}
