//! Files that are laid over a context.

use std::collections::BTreeMap;
use std::fs::Metadata;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use flate2::{Compression, GzBuilder};
use walkdir::WalkDir;

use super::ContextError;

/// The time of what is in an archive, in seconds since 1970: the same in all builds, as the archive's bytes must be, and one that every
/// archiver can hold (a zip begins with 1980).
const PACKED: u64 = 1_735_689_600;

/// A file that is laid over a context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// What is in it.
    pub content: Content,
    /// Permission bits; without, those of the file that was there before, else 0644.
    pub mode: Option<u32>,
}

/// What is in a file that is laid over a context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// These bytes.
    Bytes(Vec<u8>),
    /// That many zeros.
    Zeros(u64),
}

impl Content {
    /// In bytes.
    pub fn size(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Zeros(size) => *size,
        }
    }

    pub(super) fn reader(&self) -> Box<dyn Read + Send> {
        match self {
            Self::Bytes(bytes) => Box::new(io::Cursor::new(bytes.clone())),
            Self::Zeros(size) => Box::new(io::repeat(0).take(*size)),
        }
    }
}

impl From<String> for Written {
    fn from(text: String) -> Self {
        Self::from(text.into_bytes())
    }
}

impl From<Vec<u8>> for Written {
    fn from(bytes: Vec<u8>) -> Self {
        Self { content: Content::Bytes(bytes), mode: None }
    }
}

impl Written {
    /// A tar of texts, compressed with gzip: the same bytes for the same texts.
    ///
    /// # Errors
    /// When a path in it cannot be the name of a tar's entry.
    pub fn archive(texts: &BTreeMap<String, String>) -> io::Result<Self> {
        let gzip = GzBuilder::new().write(Vec::new(), Compression::default());
        let mut tar = tar::Builder::new(gzip);
        for (name, text) in texts {
            let mut header = tar::Header::new_gnu();
            header.set_mode(0o644);
            header.set_uid(0);
            header.set_gid(0);
            header.set_mtime(PACKED);
            header.set_size(text.len() as u64);
            tar.append_data(&mut header, name, text.as_bytes())?;
        }
        Ok(Self::from(tar.into_inner()?.finish()?))
    }

    /// A file, or all files of a folder, as they lie in another folder, each under its path there.
    ///
    /// # Errors
    /// When there is no such file, or it cannot be read.
    pub fn copies(root: &Path, path: &str) -> Result<Vec<(String, Self)>, ContextError> {
        let mut copies = Vec::new();
        for entry in WalkDir::new(root.join(path)).sort_by_file_name() {
            let entry =
                entry.map_err(|error| ContextError::read(&root.join(path), &error.into()))?;
            if !entry.file_type().is_file() {
                continue;
            }
            let failed = |error: io::Error| ContextError::read(entry.path(), &error);
            let content = Content::Bytes(std::fs::read(entry.path()).map_err(failed)?);
            let data = entry.metadata().map_err(|error| failed(error.into()))?;
            // What else an owner's umask leaves is no part of what is handed out.
            let mode = (mode_of(&data) & 0o100 != 0).then_some(0o755);
            let name = entry.path().strip_prefix(root).unwrap_or(entry.path());
            copies.push((name.to_string_lossy().into_owned(), Self { content, mode }));
        }
        Ok(copies)
    }
}

pub(super) fn mode_of(data: &Metadata) -> u32 {
    data.permissions().mode() & 0o7777
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(texts: &[(&str, &str)]) -> BTreeMap<String, String> {
        texts.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    }

    #[test]
    fn an_archive_is_what_tar_and_gzip_make_of_the_texts() {
        let inside = texts(&[("d/one", "1\n"), ("two", "2\n")]);
        let packed = Written::archive(&inside).unwrap();
        let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(packed.content.reader()));
        let entries = archive.entries().unwrap().map(|entry| {
            let mut entry = entry.unwrap();
            assert_eq!(entry.header().mtime().unwrap(), PACKED);
            let text = io::read_to_string(&mut entry).unwrap();
            (entry.path().unwrap().display().to_string(), text)
        });
        assert_eq!(entries.collect::<BTreeMap<String, String>>(), inside);
        assert_eq!(Written::archive(&inside).unwrap(), packed);
    }

    #[test]
    fn a_path_that_no_tar_can_hold_is_an_error() {
        assert!(Written::archive(&texts(&[("../out", "")])).is_err());
    }

    #[test]
    fn a_folder_is_copied_with_all_that_is_below_it() {
        let given = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(given.path().join("wheels/more")).unwrap();
        for (name, text) in [("app", "1"), ("wheels/a.whl", "2"), ("wheels/more/b.whl", "3")] {
            std::fs::write(given.path().join(name), text).unwrap();
        }
        let program = std::fs::Permissions::from_mode(0o750);
        std::fs::set_permissions(given.path().join("app"), program).unwrap();
        let copies = Written::copies(given.path(), "wheels").unwrap();
        let names: Vec<&str> = copies.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["wheels/a.whl", "wheels/more/b.whl"]);
        assert_eq!(copies[0].1, "2".to_owned().into());
        let app = Written { mode: Some(0o755), ..Written::from("1".to_owned()) };
        assert_eq!(Written::copies(given.path(), "app").unwrap(), [("app".to_owned(), app)]);
        assert!(Written::copies(given.path(), "none").is_err());
    }
}
