//! A file system's tar, sifted as it comes for paths and contents. A sandbox does it inside, so that what is wanted and what was
//! found can be told.

mod archives;

use std::cell::Cell;
use std::collections::BTreeSet;
use std::io::{self, Read};

use memchr::memmem::Finder;
use regex::Regex;
use serde::{Deserialize, Serialize};

/// The most paths that are kept.
const PATHS: usize = 5_000;
const PIECE: usize = 64 * 1024;

/// What is looked for: paths like this, or files that hold one of these.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// A regular expression for absolute paths.
    pub path: Option<String>,
    /// None is empty: that one would be in every file.
    pub contents: Vec<Vec<u8>>,
    /// Whether archives are looked into, as if each were a folder.
    #[serde(default)]
    pub archives: bool,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// How much there is.
    pub count: u64,
    /// Where, sorted; of too many the first.
    pub paths: Vec<String>,
    /// Whether there was more in archives than can be looked at.
    #[serde(default)]
    pub cut: bool,
}

/// [`Wanted`], ready to be looked for.
pub struct Sieve {
    path: Option<Regex>,
    contents: Vec<Finder<'static>>,
    longest: usize,
    archives: bool,
}

/// What was found so far.
#[derive(Default)]
struct Finds {
    count: u64,
    paths: BTreeSet<String>,
    cut: bool,
}

impl Finds {
    fn add(&mut self, path: String) {
        self.count += 1;
        self.paths.insert(path);
        if self.paths.len() > PATHS {
            self.paths.pop_last();
        }
    }
}

impl Sieve {
    /// A sieve for these.
    ///
    /// # Errors
    /// When the path is no regular expression.
    pub fn new(wanted: &Wanted) -> Result<Sieve, regex::Error> {
        let path = wanted.path.as_deref().map(Regex::new).transpose()?;
        let contents = &wanted.contents;
        let longest = contents.iter().map(Vec::len).max().unwrap_or_default();
        let contents = contents.iter().map(|content| Finder::new(content).into_owned()).collect();
        Ok(Sieve { path, contents, longest, archives: wanted.archives })
    }

    /// Sifts the tar of a whole file system.
    ///
    /// # Errors
    /// When the tar cannot be read to its end, or holds nothing at all.
    pub fn sift(&self, tar: impl Read) -> io::Result<Found> {
        let mut finds = Finds::default();
        let (left, room) = (Cell::new(archives::UNFOLDED), Cell::new(archives::ROOM));
        if !self.sift_folder(tar, "/", archives::Depth::new(&left, &room), &mut finds)? {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let Finds { count, paths, cut } = finds;
        Ok(Found { count, paths: paths.into_iter().collect(), cut })
    }

    /// Sifts a tar whose root is a folder, and tells whether there is anything in it.
    fn sift_folder(
        &self,
        tar: impl Read,
        folder: &str,
        depth: archives::Depth<'_>,
        finds: &mut Finds,
    ) -> io::Result<bool> {
        let mut archive = tar::Archive::new(tar);
        let mut any = false;
        for entry in archive.entries()? {
            let mut entry = entry?;
            any = true;
            let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            let path = format!("{folder}{}", path.trim_start_matches("./").trim_matches('/'));
            let is_file = entry.header().entry_type().is_file();
            self.sift_entry(path, is_file.then_some(&mut entry), depth, finds)?;
        }
        Ok(any)
    }

    fn sift_entry<R: Read>(
        &self,
        path: String,
        file: Option<&mut R>,
        depth: archives::Depth<'_>,
        finds: &mut Finds,
    ) -> io::Result<()> {
        if self.path.as_ref().is_some_and(|pattern| pattern.is_match(&path)) {
            finds.add(path);
            return Ok(());
        }
        let Some(file) = file else { return Ok(()) };
        match self.archives {
            true => self.look_into(path, file, depth, finds),
            false => {
                if self.is_in(file)? {
                    finds.add(path);
                }
                Ok(())
            }
        }
    }

    /// Whether one of the contents is in a file, over the edges of its pieces, too.
    fn is_in(&self, file: &mut impl Read) -> io::Result<bool> {
        if self.contents.is_empty() {
            return Ok(false);
        }
        let overlap = self.longest.saturating_sub(1);
        let mut window = vec![0; overlap + PIECE];
        let mut kept = 0;
        loop {
            let count = file.read(&mut window[kept..])?;
            if count == 0 {
                return Ok(false);
            }
            let end = kept + count;
            if self.contents.iter().any(|one| one.find(&window[..end]).is_some()) {
                return Ok(true);
            }
            let start = end.saturating_sub(overlap);
            window.copy_within(start..end, 0);
            kept = end - start;
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// The archive of a folder, whose entries end in `/` when they are folders themselves.
    pub(crate) fn tar(entries: &[(&str, &[u8])]) -> Vec<u8> {
        let mut tar = tar::Builder::new(Vec::new());
        for (name, content) in entries {
            let mut header = tar::Header::new_gnu();
            header.set_mode(0o755);
            header.set_uid(0);
            header.set_gid(0);
            if name.ends_with('/') {
                header.set_entry_type(tar::EntryType::Directory);
            }
            header.set_size(u64::try_from(content.len()).unwrap());
            tar.append_data(&mut header, name, *content).unwrap();
        }
        tar.into_inner().unwrap()
    }

    fn found(path: &str, contents: &[&[u8]], entries: &[(&str, &[u8])]) -> Vec<String> {
        let path = (!path.is_empty()).then(|| path.to_owned());
        let contents = contents.iter().map(|content| content.to_vec()).collect();
        let sieve = Sieve::new(&Wanted { path, contents, archives: false }).unwrap();
        sieve.sift(tar(entries).as_slice()).unwrap().paths
    }

    fn by_path(path: &str) -> Sieve {
        Sieve::new(&Wanted { path: Some(path.to_owned()), ..Wanted::default() }).unwrap()
    }

    #[test]
    fn what_has_such_a_path_is_found_empty_or_not() {
        let entries: [(&str, &[u8]); 4] =
            [("app/", b""), ("app/wheels/", b""), ("app/wheels/a.whl", b""), ("app/b", b"x")];
        assert_eq!(found("/wheels", &[], &entries), ["/app/wheels", "/app/wheels/a.whl"]);
        assert_eq!(found("/wheels/.", &[], &entries), ["/app/wheels/a.whl"]);
        assert_eq!(found("^/wheels", &[], &entries), [""; 0]);
    }

    #[test]
    fn what_holds_a_content_is_found_whatever_it_is_called() {
        let needle = vec![7; 3 * PIECE];
        let within = [vec![1; PIECE + 5], needle.clone(), vec![1; 9]].concat();
        let short = &needle[1..];
        let entries: [(&str, &[u8]); 4] =
            [("a", &needle), ("b", &within), ("c", short), ("d", b"@@world@@ and more")];
        assert_eq!(found("", &[&needle], &entries), ["/a", "/b"]);
        assert_eq!(found("", &[&needle, b"@@world@@"], &entries), ["/a", "/b", "/d"]);
        assert_eq!(found("^/c$", &[b"@@world@@"], &entries), ["/c", "/d"]);
    }

    #[test]
    fn a_content_is_found_wherever_the_pieces_break() {
        for shift in PIECE - 8..PIECE + 8 {
            let content = [vec![b'x'; shift], b"needle".to_vec(), vec![b'x'; PIECE]].concat();
            assert_eq!(found("", &[b"needle"], &[("a", &content)]), ["/a"], "{shift}");
        }
    }

    #[test]
    fn of_too_many_the_first_are_kept_and_all_are_counted() {
        let names: Vec<String> = (0..PATHS + 3).rev().map(|n| format!("f{n:06}")).collect();
        let entries: Vec<(&str, &[u8])> =
            names.iter().map(|name| (name.as_str(), b"".as_slice())).collect();
        let sieve = by_path("^/f");
        let found = sieve.sift(tar(&entries).as_slice()).unwrap();
        assert_eq!((found.count, found.paths.len()), (PATHS as u64 + 3, PATHS));
        assert_eq!(found.paths.first().map(String::as_str), Some("/f000000"));
    }

    #[test]
    fn an_archive_that_breaks_off_is_an_error() {
        assert!(by_path("x").sift(&tar(&[("a", &[1; 2000])])[..1000]).is_err());
        assert!(by_path("x").sift(&b""[..]).is_err());
    }
}
