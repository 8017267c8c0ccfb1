//! A context's entries, folder by folder.

use std::collections::BTreeMap;
use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use super::written::mode_of;
use super::{Context, ContextError, Written};

/// Permission bits of a folder that is there for a file laid over the context.
const FOLDER: u32 = 0o755;
const FILE: u32 = 0o644;

/// A file, folder or link of a context.
#[derive(Clone, Debug)]
pub struct Entry {
    /// From the context's top, with `/` between its parts. What of a name is no UTF-8 is replaced.
    pub path: String,
    /// What it is.
    pub kind: EntryKind,
    /// Permission bits, with set-user-id and its like.
    pub mode: u32,
    /// Last change, in nanoseconds since 1970.
    pub modified: i64,
    /// Where it lies on the disk; nowhere where it is laid over the context.
    place: Option<PathBuf>,
}

/// What an entry of a context is. Sockets, pipes and devices are none: nobody can copy them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A folder.
    Folder,
    /// A file of that many bytes.
    File(u64),
    /// A link that leads there.
    Link(String),
}

/// What is laid over the context directly in a folder.
enum Laid<'a> {
    File(&'a Written),
    Folder,
}

impl Context {
    /// Its topmost folder.
    pub(super) fn top(&self) -> Entry {
        Entry {
            path: String::new(),
            kind: EntryKind::Folder,
            mode: FOLDER,
            modified: nanoseconds(self.laid),
            place: self.root.clone(),
        }
    }

    /// What is in a folder of it, in the order of the names' bytes.
    pub(super) fn children(&self, folder: &Entry) -> Result<Vec<Entry>, ContextError> {
        let mut entries = BTreeMap::new();
        let laid = self.laid_in(&folder.path);
        if let Some(place) = &folder.place {
            let failed = |error: &io::Error| ContextError::read(place, error);
            for child in std::fs::read_dir(place).map_err(|error| failed(&error))? {
                let child = child.map_err(|error| failed(&error))?;
                let name = child.file_name().to_string_lossy().into_owned();
                let path = below(&folder.path, &name);
                if self.removed.contains(&path) {
                    continue;
                }
                let data = match child.metadata() {
                    // It went since the folder was listed.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                    data => data.map_err(|error| ContextError::read(&child.path(), &error))?,
                };
                if let Some(entry) = on_disk(path, child.path(), &data)? {
                    entries.insert(name, entry);
                }
            }
        }
        for (name, laid) in laid {
            let before = entries.remove(name);
            entries.insert(name.to_owned(), self.laid_over(&folder.path, name, &laid, before));
        }
        Ok(entries.into_values().collect())
    }

    fn laid_over(&self, folder: &str, name: &str, laid: &Laid<'_>, before: Option<Entry>) -> Entry {
        let entry = |kind, mode| Entry {
            path: below(folder, name),
            kind,
            mode,
            modified: nanoseconds(self.laid),
            place: None,
        };
        match (laid, before) {
            (Laid::Folder, Some(before)) if before.kind == EntryKind::Folder => before,
            (Laid::Folder, _) => entry(EntryKind::Folder, FOLDER),
            (Laid::File(written), before) => {
                let before = before.filter(|before| matches!(before.kind, EntryKind::File(_)));
                let mode = written.mode.or(before.map(|before| before.mode)).unwrap_or(FILE);
                entry(EntryKind::File(written.content.size()), mode)
            }
        }
    }

    fn laid_in(&self, folder: &str) -> BTreeMap<&str, Laid<'_>> {
        let mut laid = BTreeMap::new();
        let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let below = self.files.range(prefix.clone()..);
        for (path, written) in below.take_while(|(path, _)| path.starts_with(&prefix)) {
            let rest = &path[prefix.len()..];
            match rest.split_once('/') {
                Some((name, _)) => laid.insert(name, Laid::Folder),
                None => laid.insert(rest, Laid::File(written)),
            };
        }
        laid
    }

    /// Where the link at a path leads to; `None` where there is no link.
    pub(super) fn link(&self, path: &str) -> Option<String> {
        let parents = path.match_indices('/').map(|(end, _)| &path[..end]);
        let is_gone = |path: &str| self.removed.iter().any(|gone| gone == path);
        if parents.chain([path]).any(is_gone) || self.files.contains_key(path) {
            return None;
        }
        let target = std::fs::read_link(self.root.as_ref()?.join(path)).ok()?;
        Some(target.to_string_lossy().into_owned())
    }

    /// A file's content, at most as long as the entry says.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn open(&self, entry: &Entry) -> Result<Box<dyn Read + Send>, ContextError> {
        let EntryKind::File(size) = entry.kind else { return Ok(Box::new(io::empty())) };
        let Some(place) = &entry.place else {
            let written = self.files.get(&entry.path);
            return Ok(
                written.map_or_else(|| Box::new(io::empty()) as _, |file| file.content.reader())
            );
        };
        let file = File::open(place).map_err(|error| ContextError::read(place, &error))?;
        Ok(Box::new(file.take(size)))
    }
}

fn on_disk(path: String, place: PathBuf, data: &Metadata) -> Result<Option<Entry>, ContextError> {
    let kind = if data.is_dir() {
        EntryKind::Folder
    } else if data.is_symlink() {
        let target =
            std::fs::read_link(&place).map_err(|error| ContextError::read(&place, &error))?;
        EntryKind::Link(target.to_string_lossy().into_owned())
    } else if data.is_file() {
        EntryKind::File(data.len())
    } else {
        return Ok(None);
    };
    let modified = data.modified().map(nanoseconds).unwrap_or_default();
    Ok(Some(Entry { path, kind, mode: mode_of(data), modified, place: Some(place) }))
}

fn below(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

fn nanoseconds(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}
