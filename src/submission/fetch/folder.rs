//! A new folder that hostile files are written into: no path leads out of it, and there is no link
//! in it before everything else is there.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::inside::{Inside, LONGEST, show};
use super::{FetchError, FetchLimits, Missing, News, disk};
use crate::unit::show_bytes;

const PIECE: usize = 64 * 1024;

/// The folder, under way.
pub(in crate::submission) struct Folder<'a> {
    root: PathBuf,
    /// What is being written, as a noun for messages: "the archive".
    what: &'a str,
    limits: &'a FetchLimits,
    news: &'a dyn Fn(News),
    made: HashSet<Inside>,
    links: Vec<(Inside, OsString)>,
    entries: u64,
    bytes: u64,
    buffer: Vec<u8>,
}

impl<'a> Folder<'a> {
    /// Makes the folder, which must not be there.
    pub(in crate::submission) fn make(
        root: PathBuf,
        what: &'a str,
        limits: &'a FetchLimits,
        news: &'a dyn Fn(News),
    ) -> Result<Folder<'a>, FetchError> {
        make_folder(&root).map_err(|error| disk("make a folder", &error))?;
        let (made, links) = (HashSet::new(), Vec::new());
        let buffer = vec![0; PIECE];
        Ok(Folder { root, what, limits, news, made, links, entries: 0, bytes: 0, buffer })
    }

    /// Makes a folder, and those above it. It may be there.
    pub(in crate::submission) fn folder(&mut self, path: &Inside) -> Result<(), FetchError> {
        if self.made.contains(path) {
            return Ok(());
        }
        if path.names().count() > self.limits.depth {
            let text =
                format!("folders more than {} deep: {}", self.limits.depth, show(path.bytes()));
            return Err(self.too_large(&text));
        }
        if let Some(above) = path.above() {
            self.folder(&above)?;
        }
        self.count()?;
        make_folder(&self.root.join(path.as_path())).map_err(|error| self.failed(path, &error))?;
        self.made.insert(path.clone());
        Ok(())
    }

    /// Writes a file that is not there yet, of so many bytes. What `content` fails with is the
    /// caller's to word.
    pub(in crate::submission) fn file(
        &mut self,
        path: &Inside,
        is_executable: bool,
        size: u64,
        mut content: impl Read,
    ) -> Result<Written, FetchError> {
        if let Some(above) = path.above() {
            self.folder(&above)?;
        }
        self.count()?;
        self.room_for(path, size)?;
        let mut file = new_file(&self.root.join(path.as_path()), is_executable)
            .map_err(|error| self.failed(path, &error))?;
        let mut start = Vec::new();
        let mut written = 0;
        loop {
            let count = match content.read(&mut self.buffer) {
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Ok(Written::Broken(error)),
            };
            if count == 0 {
                break;
            }
            written += count as u64;
            self.bytes += count as u64;
            if written > size {
                return Ok(Written::OtherSize);
            }
            let piece = &self.buffer[..count];
            if start.len() < HEAD {
                start.extend(piece.iter().take(HEAD - start.len()));
            }
            file.write_all(piece).map_err(|error| self.failed(path, &error))?;
            (self.news)(News { bytes: self.bytes });
        }
        if written == size { Ok(Written::Whole { start }) } else { Ok(Written::OtherSize) }
    }

    /// A second name of a file that was written before.
    pub(in crate::submission) fn same_file(
        &mut self,
        path: &Inside,
        first: &Inside,
    ) -> Result<(), FetchError> {
        if let Some(above) = path.above() {
            self.folder(&above)?;
        }
        self.count()?;
        let whole = self.root.join(first.as_path());
        let data = std::fs::symlink_metadata(&whole).ok().filter(std::fs::Metadata::is_file);
        let Some(data) = data else {
            let text = format!("a second name of {}, which is not in it", show(first.bytes()));
            return Err(self.hostile(&text));
        };
        self.room_for(path, data.len())?;
        self.bytes += data.len();
        std::fs::hard_link(&whole, self.root.join(path.as_path()))
            .map_err(|error| self.failed(path, &error))
    }

    /// Notes a link, which is made when everything else is there.
    pub(in crate::submission) fn link(
        &mut self,
        path: Inside,
        target: &[u8],
    ) -> Result<(), FetchError> {
        self.count()?;
        if target.is_empty() || target.len() > LONGEST || target.contains(&0) {
            return Err(self.hostile(&format!("a link that leads nowhere, {}", show(path.bytes()))));
        }
        self.links.push((path, OsStr::from_bytes(target).to_owned()));
        Ok(())
    }

    /// Makes the links. They are as they were handed in, wherever they lead: nobody follows them
    /// but a container that they are copied into.
    ///
    /// # Errors
    /// [`Missing::Empty`] when nothing is there, among others.
    pub(in crate::submission) fn finish(mut self) -> Result<(), FetchError> {
        if self.entries == 0 {
            let text = format!("{} holds no files", self.what);
            return Err(FetchError::missing(Missing::Empty, text));
        }
        for (path, target) in std::mem::take(&mut self.links) {
            // A folder that is new now cannot be one that a link stands for: that name is taken.
            if let Some(above) = path.above() {
                self.folder(&above)?;
            }
            let place = self.root.join(path.as_path());
            std::os::unix::fs::symlink(target, place)
                .map_err(|error| self.failed(&path, &error))?;
        }
        Ok(())
    }

    /// The refusal of something that no tool makes.
    pub(in crate::submission) fn hostile(&self, held: &str) -> FetchError {
        FetchError::missing(Missing::Hostile, format!("{} holds {held}", self.what))
    }

    fn too_large(&self, held: &str) -> FetchError {
        FetchError::missing(Missing::TooLarge, format!("{} holds {held}", self.what))
    }

    fn twice(&self, path: &Inside) -> FetchError {
        self.hostile(&format!("{} twice", show(path.bytes())))
    }

    fn count(&mut self) -> Result<(), FetchError> {
        self.entries += 1;
        if self.entries > self.limits.entries {
            return Err(self.too_large(&format!("more than {} files", self.limits.entries)));
        }
        (self.news)(News { bytes: self.bytes });
        Ok(())
    }

    fn room_for(&self, path: &Inside, size: u64) -> Result<(), FetchError> {
        if size > self.limits.file {
            let most = show_bytes(self.limits.file);
            return Err(
                self.too_large(&format!("{}, which is larger than {most}", show(path.bytes())))
            );
        }
        if self.bytes.saturating_add(size) > self.limits.bytes {
            return Err(self.too_large(&format!("more than {}", show_bytes(self.limits.bytes))));
        }
        Ok(())
    }

    fn failed(&self, path: &Inside, error: &io::Error) -> FetchError {
        match error.kind() {
            // One of the two is a folder, or they are the same name to this file system.
            io::ErrorKind::AlreadyExists
            | io::ErrorKind::NotADirectory
            | io::ErrorKind::IsADirectory => self.twice(path),
            _ => disk(&format!("write {}", show(path.bytes())), error),
        }
    }
}

/// How many bytes of a file are kept, to tell what it is.
const HEAD: usize = 200;

/// What came of writing a file.
#[derive(Debug)]
pub(in crate::submission) enum Written {
    /// All of it, which begins so.
    Whole { start: Vec<u8> },
    /// More or less than was said.
    OtherSize,
    /// Its content could not be read.
    Broken(io::Error),
}

fn make_folder(path: &Path) -> io::Result<()> {
    std::fs::create_dir(path)?;
    // Whatever the user's umask is: the mode is part of the submission's digest.
    std::fs::set_permissions(path, Permissions::from_mode(0o755))
}

fn new_file(path: &Path, is_executable: bool) -> io::Result<File> {
    let mode = if is_executable { 0o755 } else { 0o644 };
    let file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    file.set_permissions(Permissions::from_mode(mode))?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::super::inside::tests::inside;
    use super::*;

    fn limits() -> FetchLimits {
        FetchLimits { entries: 8, bytes: 100, file: 60, depth: 3, ..FetchLimits::default() }
    }

    /// What came of writing into a new folder, which is then looked at.
    fn written(
        write: impl Fn(&mut Folder<'_>) -> Result<(), FetchError>,
    ) -> Result<(), FetchError> {
        let above = tempfile::tempdir().unwrap();
        std::fs::write(above.path().join("outside"), "as it was").unwrap();
        let limits = limits();
        let mut folder =
            Folder::make(above.path().join("in"), "the archive", &limits, &|_| {}).unwrap();
        let result = write(&mut folder).and_then(|()| folder.finish());
        assert_eq!(std::fs::read(above.path().join("outside")).unwrap(), b"as it was");
        assert_eq!(std::fs::read_dir(above.path()).unwrap().count(), 2);
        result
    }

    #[track_caller]
    fn refused(why: Missing, write: impl Fn(&mut Folder<'_>) -> Result<(), FetchError>) -> String {
        match written(write) {
            Err(FetchError::Missing { why: found, message }) if found == why => message,
            other => panic!("{other:?}"),
        }
    }

    fn file(folder: &mut Folder<'_>, path: &str, content: &str) -> Result<(), FetchError> {
        let size = content.len() as u64;
        let written = folder.file(&inside(path), false, size, content.as_bytes())?;
        assert!(matches!(written, Written::Whole { start } if start == content.as_bytes()));
        Ok(())
    }

    #[test]
    fn nothing_is_written_through_a_link() {
        let through = refused(Missing::Hostile, |folder| {
            folder.link(inside("a"), b"..")?;
            file(folder, "a/outside", "changed")
        });
        assert_eq!(through, "the archive holds `a` twice");
        refused(Missing::Hostile, |folder| {
            folder.link(inside("a"), b"..")?;
            folder.link(inside("a/outside"), b"changed")
        });
        refused(Missing::Hostile, |folder| {
            folder.link(inside("outside"), b"../outside")?;
            folder.link(inside("outside"), b"../outside")
        });
        refused(Missing::Hostile, |folder| {
            folder.link(inside("b"), b"../outside")?;
            file(folder, "b", "changed")
        });
        written(|folder| {
            folder.link(inside("b/c"), b"/etc/passwd")?;
            file(folder, "a/d", "1")
        })
        .unwrap();
    }

    #[test]
    fn a_path_is_one_thing_only() {
        refused(Missing::Hostile, |folder| {
            file(folder, "a", "1")?;
            file(folder, "a", "2")
        });
        refused(Missing::Hostile, |folder| {
            file(folder, "a", "1")?;
            file(folder, "a/b", "2")
        });
        refused(Missing::Hostile, |folder| {
            file(folder, "a/b", "1")?;
            file(folder, "a", "2")
        });
        refused(Missing::Hostile, |folder| folder.same_file(&inside("a"), &inside("b")));
        refused(Missing::Hostile, |folder| {
            file(folder, "b/c", "1")?;
            folder.same_file(&inside("a"), &inside("b"))
        });
        refused(Missing::Hostile, |folder| folder.link(inside("a"), b""));
    }

    #[test]
    fn limits_hold_before_anything_is_written_beyond_them() {
        let large = "x".repeat(61);
        refused(Missing::TooLarge, |folder| file(folder, "a", &large));
        refused(Missing::TooLarge, |folder| {
            file(folder, "a", &large[..60])?;
            file(folder, "b", &large[..41])
        });
        refused(Missing::TooLarge, |folder| {
            file(folder, "a", &large[..60])?;
            folder.same_file(&inside("b"), &inside("a"))
        });
        refused(Missing::TooLarge, |folder| file(folder, "1/2/3/4/file", ""));
        refused(Missing::TooLarge, |folder| {
            (0..9).try_for_each(|index| file(folder, &index.to_string(), ""))
        });
        refused(Missing::TooLarge, |folder| {
            (0..9).try_for_each(|index| folder.link(inside(&index.to_string()), b"x"))
        });
        refused(Missing::Empty, |_| Ok(()));
        written(|folder| file(folder, "1/2/3/file", &large[..60])).unwrap();
    }

    #[test]
    fn more_than_was_said_is_noticed() {
        for content in ["12", "1234"] {
            let said = |folder: &mut Folder<'_>| {
                let written = folder.file(&inside("a"), false, 3, content.as_bytes())?;
                assert!(matches!(written, Written::OtherSize));
                Ok(())
            };
            written(said).unwrap();
        }
    }
}
