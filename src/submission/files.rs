//! One file of a submission, read without following a link out of it.

use std::fs::{File, Metadata};
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};

use super::SubmissionError;

/// The most bytes read of one file.
const READ: u64 = 16 * 1024 * 1024;

/// A file as it was handed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandedIn {
    /// What it is.
    pub kind: FileKind,
    /// Permission bits.
    pub mode: u32,
    /// Bytes.
    pub size: u64,
    /// The content of a regular file, at most 16 MiB of it.
    pub content: Vec<u8>,
}

/// What a path is, links not followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// A regular file.
    File,
    /// A folder.
    Directory,
    /// A symbolic link.
    Symlink,
    /// A device, a socket or a pipe.
    Other,
}

/// A file that may be too large for memory.
#[derive(Debug)]
pub struct Opened {
    /// What it is.
    pub kind: FileKind,
    /// Bytes.
    pub size: u64,
    /// A regular file, open for reading.
    pub file: Option<File>,
}

pub(super) fn read(root: &Path, path: &str) -> Result<Option<HandedIn>, SubmissionError> {
    let Some((full, data)) = find(root, path)? else { return Ok(None) };
    let kind = kind_of(&data);
    let mut content = Vec::new();
    if kind == FileKind::File {
        let file = File::open(&full).and_then(|file| file.take(READ).read_to_end(&mut content));
        file.map_err(|source| SubmissionError::Read { path: full, source })?;
    }
    let mode = data.permissions().mode() & 0o7777;
    Ok(Some(HandedIn { kind, mode, size: data.len(), content }))
}

pub(super) fn open(root: &Path, path: &str) -> Result<Option<Opened>, SubmissionError> {
    let Some((full, data)) = find(root, path)? else { return Ok(None) };
    let kind = kind_of(&data);
    let file = (kind == FileKind::File).then(|| File::open(&full)).transpose();
    let file = file.map_err(|source| SubmissionError::Read { path: full, source })?;
    Ok(Some(Opened { kind, size: data.len(), file }))
}

/// The place of a file, when no link leads there.
fn find(root: &Path, path: &str) -> Result<Option<(PathBuf, Metadata)>, SubmissionError> {
    let mut full = root.to_owned();
    let mut parts = Path::new(path).components().peekable();
    while let Some(part) = parts.next() {
        let Component::Normal(name) = part else { return Ok(None) };
        full.push(name);
        let data = match std::fs::symlink_metadata(&full) {
            Ok(data) => data,
            Err(error) if is_absent(&error) => return Ok(None),
            Err(source) => return Err(SubmissionError::Read { path: full, source }),
        };
        if parts.peek().is_none() {
            return Ok(Some((full, data)));
        }
        // A folder that is a link may lead out of the submission.
        if !data.is_dir() {
            return Ok(None);
        }
    }
    Ok(None)
}

fn kind_of(data: &Metadata) -> FileKind {
    match data.file_type() {
        kind if kind.is_file() => FileKind::File,
        kind if kind.is_dir() => FileKind::Directory,
        kind if kind.is_symlink() => FileKind::Symlink,
        _ => FileKind::Other,
    }
}

fn is_absent(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_seen_and_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/etc", folder.path().join("out")).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", folder.path().join("app.py")).unwrap();
        assert_eq!(read(folder.path(), "out/passwd").unwrap(), None);
        assert_eq!(read(folder.path(), "../x").unwrap(), None);
        let link = read(folder.path(), "app.py").unwrap().unwrap();
        assert_eq!((link.kind, link.content.len()), (FileKind::Symlink, 0));
        assert!(open(folder.path(), "out/passwd").unwrap().is_none());
        let link = open(folder.path(), "app.py").unwrap().unwrap();
        assert!(link.kind == FileKind::Symlink && link.file.is_none());
    }
}
