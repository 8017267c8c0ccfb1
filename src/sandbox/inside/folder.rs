//! Files of the student's folder, written and read for the grader.
//!
//! The student's commands may change the folder at any moment, and what is done here is done as
//! root. So no step of a path is a link, and none leads out: the kernel sees to that (`openat2`).

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::fs::{
    AtFlags, CWD, Gid, Mode, OFlags, ResolveFlags, Uid, fchown, mkdirat, openat, openat2, unlinkat,
};
use rustix::io::Errno;

use crate::sandbox::protocol::{FileRead, FileWrite};

/// No step of a path is a link or a mount, and none leads out of the folder it starts from.
const WITHIN: ResolveFlags = ResolveFlags::BENEATH
    .union(ResolveFlags::NO_SYMLINKS)
    .union(ResolveFlags::NO_MAGICLINKS)
    .union(ResolveFlags::NO_XDEV);
const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// Writes a file anew, and makes the folders that it is to lie in.
///
/// # Errors
/// For the student: what lies in the way.
pub(super) fn write(root: &Path, wanted: &FileWrite) -> io::Result<()> {
    let (folders, name) = wanted.path.rsplit_once('/').unwrap_or(("", &wanted.path));
    let owner = (Uid::from_raw(wanted.owner), Gid::from_raw(wanted.owner));
    let mut folder = openat(CWD, root, FOLDER, Mode::empty())?;
    for step in folders.split('/').filter(|step| !step.is_empty()) {
        folder = match enter(&folder, step) {
            Err(Errno::NOENT) => {
                mkdirat(&folder, step, Mode::from_raw_mode(0o755))?;
                let made = enter(&folder, step)?;
                fchown(&made, Some(owner.0), Some(owner.1))?;
                made
            }
            entered => entered.map_err(|errno| in_the_way(step, errno))?,
        };
    }
    match unlinkat(&folder, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => {}
        Err(errno) => return Err(in_the_way(name, errno)),
    }
    let new = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut file = File::from(openat2(&folder, name, new, Mode::from_raw_mode(0o644), WITHIN)?);
    fchown(&file, Some(owner.0), Some(owner.1))?;
    file.write_all(wanted.text.as_bytes())
}

/// A regular file, to be read; none when there is none, or it is too large.
///
/// # Errors
/// When it cannot be opened for another reason.
pub(super) fn open(root: &Path, wanted: &FileRead) -> io::Result<Option<File>> {
    let root = openat(CWD, root, FOLDER, Mode::empty())?;
    // A pipe would be waited for.
    let read = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = match openat2(&root, &wanted.path, read, Mode::empty(), WITHIN) {
        Ok(file) => File::from(file),
        Err(Errno::NOENT | Errno::LOOP | Errno::NOTDIR | Errno::XDEV | Errno::NXIO) => {
            return Ok(None);
        }
        Err(errno) => return Err(errno.into()),
    };
    let meta = file.metadata()?;
    Ok(Some(file).filter(|_| meta.is_file() && meta.len() <= wanted.limit))
}

fn enter(folder: &impl AsFd, step: &str) -> Result<OwnedFd, Errno> {
    openat2(folder, step, FOLDER, Mode::empty(), WITHIN)
}

/// The kernel's word on a step of a path, for the student.
fn in_the_way(step: &str, errno: Errno) -> io::Error {
    match errno {
        Errno::LOOP => io::Error::other(format!("{step} is a link: nothing is written through it")),
        Errno::NOTDIR => io::Error::other(format!("{step} is no folder")),
        Errno::ISDIR => io::Error::other(format!("{step} is a folder")),
        Errno::XDEV => io::Error::other(format!("{step} is not on the folder's disk")),
        errno => io::Error::other(format!("{step}: {}", io::Error::from(errno))),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt, symlink};

    use super::*;

    fn writing(root: &Path, path: &str) -> io::Result<()> {
        let owner = root.metadata()?.uid();
        write(root, &FileWrite { path: path.to_owned(), text: "x".to_owned(), owner })
    }

    fn reading(root: &Path, path: &str) -> Option<String> {
        let file = open(root, &FileRead { path: path.to_owned(), limit: 10 }).expect("no error")?;
        Some(io::read_to_string(file).expect("text"))
    }

    #[test]
    fn a_file_is_written_anew_in_folders_that_are_made() {
        let root = tempfile::tempdir().expect("a folder");
        for _ in 0..2 {
            writing(root.path(), "1/work/config/app.conf").expect("written");
        }
        assert_eq!(reading(root.path(), "1/work/config/app.conf").as_deref(), Some("x"));
        assert_eq!(reading(root.path(), "1/work/config"), None);
        assert_eq!(reading(root.path(), "1/work/config/none"), None);
    }

    #[test]
    fn nothing_is_written_or_read_through_a_link() {
        let (root, out) = (tempfile::tempdir().expect("one"), tempfile::tempdir().expect("two"));
        std::fs::write(out.path().join("secret"), "s").expect("written");
        symlink(out.path(), root.path().join("config")).expect("a link");
        let told = writing(root.path(), "config/app.conf").expect_err("refused").to_string();
        assert_eq!(told, "config is a link: nothing is written through it");
        assert!(!out.path().join("app.conf").exists());
        assert_eq!(reading(root.path(), "config/secret"), None);
        assert_eq!(reading(root.path(), "../../etc/hostname"), None);
        assert!(writing(root.path(), "../x").is_err());
    }

    #[test]
    fn a_link_in_the_file_s_place_is_replaced_and_what_it_points_at_stays() {
        let root = tempfile::tempdir().expect("a folder");
        std::fs::write(root.path().join("other"), "o").expect("written");
        symlink("other", root.path().join("link")).expect("a link");
        assert_eq!(reading(root.path(), "link"), None);
        writing(root.path(), "link").expect("written");
        assert_eq!(reading(root.path(), "link").as_deref(), Some("x"));
        assert_eq!(reading(root.path(), "other").as_deref(), Some("o"));
    }

    #[test]
    fn a_pipe_is_no_file_and_is_not_waited_for() {
        let root = tempfile::tempdir().expect("a folder");
        let kind = rustix::fs::FileType::Fifo;
        let path = root.path().join("pipe");
        rustix::fs::mknodat(CWD, &path, kind, Mode::from_raw_mode(0o644), 0).expect("a pipe");
        assert_eq!(reading(root.path(), "pipe"), None);
        writing(root.path(), "pipe").expect("replaced");
        assert_eq!(reading(root.path(), "pipe").as_deref(), Some("x"));
    }

    #[test]
    fn a_large_file_is_not_read_and_a_folder_is_not_replaced() {
        let root = tempfile::tempdir().expect("a folder");
        std::fs::write(root.path().join("large"), "12345678901").expect("written");
        assert_eq!(reading(root.path(), "large"), None);
        std::fs::create_dir(root.path().join("app.conf")).expect("a folder");
        let told = writing(root.path(), "app.conf").expect_err("refused").to_string();
        assert_eq!(told, "app.conf is a folder");
    }
}
