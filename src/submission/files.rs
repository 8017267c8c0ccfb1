//! One file of a submission, read without following a link out of it.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path};

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

pub(super) fn read(root: &Path, path: &str) -> Result<Option<HandedIn>, SubmissionError> {
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
        if parts.peek().is_some() {
            // A folder that is a link may lead out of the submission.
            if !data.is_dir() {
                return Ok(None);
            }
            continue;
        }
        let kind = match data.file_type() {
            kind if kind.is_file() => FileKind::File,
            kind if kind.is_dir() => FileKind::Directory,
            kind if kind.is_symlink() => FileKind::Symlink,
            _ => FileKind::Other,
        };
        let mut content = Vec::new();
        if kind == FileKind::File {
            let file = File::open(&full).and_then(|file| file.take(READ).read_to_end(&mut content));
            file.map_err(|source| SubmissionError::Read { path: full, source })?;
        }
        let mode = data.permissions().mode() & 0o7777;
        return Ok(Some(HandedIn { kind, mode, size: data.len(), content }));
    }
    Ok(None)
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
    }
}
