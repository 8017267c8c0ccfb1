//! A commit's files, written as they were committed: no filter, no line ending, no attribute of the
//! repository changes them, and nothing of it is run.

use std::path::Path;

use git2::{Commit, ObjectType, Repository, Tree};

use super::damaged;
use crate::submission::fetch::{
    FetchError, FetchLimits, Folder, Inside, Missing, News, Written, disk, show,
};

const KIND: i32 = 0o170_000;
const FILE: i32 = 0o100_000;
const LINK: i32 = 0o120_000;
const FOLDER: i32 = 0o040_000;
const SUBMODULE: i32 = 0o160_000;
/// How a file begins that stands for one on a server of Git LFS.
const POINTER: &[u8] = b"version https://git-lfs.github.com/spec/v1";
/// The most notes; there may be a submodule in every folder.
const NOTES: usize = 10;

/// Writes the files of a commit into the new folder `place`; what was left out is told.
pub(super) fn write(
    repository: &Repository,
    commit: &Commit<'_>,
    place: &Path,
    limits: &FetchLimits,
    news: &dyn Fn(News),
) -> Result<Vec<String>, FetchError> {
    let folder = Folder::make(place.to_owned(), "the commit", limits, news)?;
    let tree = commit.tree().map_err(|error| damaged(&error))?;
    let objects = repository.odb().map_err(|error| damaged(&error))?;
    let mut writer = Writer { repository, objects, folder, notes: Vec::new(), limits };
    writer.tree(&tree, &mut Vec::new())?;
    writer.folder.finish()?;
    Ok(writer.notes)
}

struct Writer<'a> {
    repository: &'a Repository,
    objects: git2::Odb<'a>,
    folder: Folder<'a>,
    notes: Vec<String>,
    limits: &'a FetchLimits,
}

impl<'a> Writer<'a> {
    fn tree(&mut self, tree: &Tree<'_>, above: &mut Vec<Vec<u8>>) -> Result<(), FetchError> {
        for entry in tree {
            let name = entry.name_bytes();
            let path = self.inside(above, name)?;
            match entry.filemode_raw() & KIND {
                FOLDER => {
                    self.folder.folder(&path)?;
                    let tree = self.repository.find_tree(entry.id());
                    above.push(name.to_owned());
                    self.tree(&tree.map_err(|error| damaged(&error))?, above)?;
                    above.pop();
                }
                FILE => self.file(&path, entry.id(), entry.filemode_raw() & 0o100 != 0)?,
                LINK => {
                    let target = self.blob(&path, entry.id())?;
                    self.folder.link(path, target.content())?;
                }
                SUBMODULE => {
                    self.folder.folder(&path)?;
                    self.note(format!("the submodule {} is not fetched", show(path.bytes())));
                }
                _ => {
                    let text = format!("{}, which is neither file nor folder", show(path.bytes()));
                    return Err(self.folder.hostile(&text));
                }
            }
        }
        Ok(())
    }

    /// The path of an entry. Git itself makes none of those that are refused, and checks none out.
    fn inside(&self, above: &[Vec<u8>], name: &[u8]) -> Result<Inside, FetchError> {
        let shown = || show(&[above.join(&b'/'), name.to_owned()].join(&b'/'));
        let hostile = |what: &str| self.folder.hostile(&format!("the path {}, {what}", shown()));
        if matches!(name, b"" | b".") || name.contains(&b'/') {
            return Err(hostile("which is none"));
        }
        if is_git(name) {
            return Err(hostile("which stands for a repository's own folder"));
        }
        let names = above.iter().map(Vec::as_slice).chain([name]);
        Inside::of(names).map_err(hostile)?.ok_or_else(|| hostile("which is none"))
    }

    fn file(
        &mut self,
        path: &Inside,
        id: git2::Oid,
        is_executable: bool,
    ) -> Result<(), FetchError> {
        let blob = self.blob(path, id)?;
        let content = blob.content();
        match self.folder.file(path, is_executable, content.len() as u64, content)? {
            Written::Whole { start } if start.starts_with(POINTER) => {
                let text = "stands for a file of Git LFS, which is not fetched";
                self.note(format!("{} {text}", show(path.bytes())));
                Ok(())
            }
            Written::Whole { .. } => Ok(()),
            // It comes from memory.
            Written::OtherSize => Err(self.folder.hostile("a file of another size")),
            Written::Broken(error) => Err(disk("write a file", &error)),
        }
    }

    /// A file's content, once it is known to be small enough for memory.
    fn blob(&self, path: &Inside, id: git2::Oid) -> Result<git2::Blob<'a>, FetchError> {
        let (size, kind) = self.objects.read_header(id).map_err(|error| damaged(&error))?;
        if kind != ObjectType::Blob {
            let text = format!("{}, which is no file", show(path.bytes()));
            return Err(self.folder.hostile(&text));
        }
        if size as u64 > self.limits.file {
            let most = crate::unit::show_bytes(self.limits.file);
            let text =
                format!("the commit holds {}, which is larger than {most}", show(path.bytes()));
            return Err(FetchError::missing(Missing::TooLarge, text));
        }
        self.repository.find_blob(id).map_err(|error| damaged(&error))
    }

    fn note(&mut self, text: String) {
        if self.notes.len() < NOTES {
            self.notes.push(text);
        }
    }
}

/// Whether a name is that of a repository's own folder on some system: HFS+ ignores characters that
/// are not seen, NTFS case, dots and spaces at the end, streams, and has a short name for it.
fn is_git(name: &[u8]) -> bool {
    let text = String::from_utf8_lossy(name);
    let is_unseen = |c: &char| matches!(c, '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}');
    let seen: String = text.chars().filter(|c| !is_unseen(c)).collect();
    let short = seen.split(':').next().unwrap_or_default().trim_end_matches(['.', ' ']);
    short.eq_ignore_ascii_case(".git") || short.eq_ignore_ascii_case("git~1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repositorys_own_folder_has_many_names() {
        for name in [
            ".git",
            ".GIT",
            ".Git ",
            ".git.",
            ".git. .",
            "git~1",
            "GIT~1",
            ".git::$INDEX_ALLOCATION",
            ".g\u{200c}it",
        ] {
            assert!(is_git(name.as_bytes()), "{name}");
        }
        for name in ["git", ".gitignore", ".github", ".git2", "git~2", "a.git", ".gitattributes"] {
            assert!(!is_git(name.as_bytes()), "{name}");
        }
        assert!(!is_git(b"\xff.git"));
    }
}
