//! What is laid over a submission before it is packed.

use std::collections::BTreeMap;
use std::path::Path;

/// Changes laid over a folder before its rules are followed: files written, paths taken out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overlay {
    /// Files by path.
    pub files: BTreeMap<String, Written>,
    /// Paths; a folder goes with all that is in it.
    pub remove: Vec<String>,
}

/// A file of an overlay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// What is in it.
    pub content: Content,
    /// Permission bits; without, those of the file that was there before, else 0644.
    pub mode: Option<u32>,
}

/// What is in a file of an overlay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// This text.
    Text(String),
    /// That many zeros.
    Zeros(u64),
}

impl From<String> for Written {
    fn from(text: String) -> Written {
        Written { content: Content::Text(text), mode: None }
    }
}

impl Overlay {
    /// Whether what lies at a path gives way to a file of the overlay: one of that path, one in place
    /// of a folder above it, one in a folder whose place it takes.
    pub(super) fn replaces(&self, path: &Path, is_folder: bool) -> bool {
        let mut files = self.files.keys().map(Path::new);
        files.any(|file| path.starts_with(file) || (!is_folder && file.starts_with(path)))
    }

    /// The text of a file of the overlay.
    pub(super) fn text(&self, path: &str) -> Option<&str> {
        match &self.files.get(path)?.content {
            Content::Text(text) => Some(text),
            Content::Zeros(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::submission::{Context, ContextError, ContextLimits, Submission};

    const LIMITS: ContextLimits = ContextLimits { bytes: 1_000, entries: 20 };

    fn names(context: &Context) -> Vec<String> {
        let mut archive = tar::Archive::new(context.tar.as_slice());
        let entries = archive.entries().unwrap();
        entries.map(|entry| entry.unwrap().path().unwrap().display().to_string()).collect()
    }

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        }
        folder
    }

    #[test]
    fn an_overlay_changes_what_the_builder_sees() {
        let folder = folder(&[("Dockerfile", "FROM scratch"), ("a", "1"), ("d/x", "1")]);
        let submission = Submission::open(folder.path()).unwrap();
        let overlay = Overlay {
            files: BTreeMap::from([("a".to_owned(), "changed".to_owned().into())]),
            remove: vec!["d".to_owned()],
        };
        let context = submission.context(&overlay, &LIMITS).unwrap();
        assert_eq!(names(&context), ["Dockerfile", "a"]);
    }

    #[test]
    fn rules_hold_for_what_is_written_too() {
        let folder = folder(&[("Dockerfile", "FROM scratch"), (".dockerignore", "*.env\nbuild\n")]);
        let submission = Submission::open(folder.path()).unwrap();
        let zeros = |size| Written { content: Content::Zeros(size), mode: Some(0o755) };
        let mut overlay = Overlay {
            files: BTreeMap::from([
                ("x.env".to_owned(), "1".to_owned().into()),
                ("build/large".to_owned(), zeros(1 << 40)),
                ("Dockerfile".to_owned(), "FROM busybox".to_owned().into()),
                ("small".to_owned(), zeros(3)),
            ]),
            remove: Vec::new(),
        };
        let context = submission.context(&overlay, &LIMITS).unwrap();
        assert_eq!(names(&context), [".dockerignore", "Dockerfile", "small"]);
        assert_eq!(context.bytes, 12 + 12 + 3);
        let mut archive = tar::Archive::new(context.tar.as_slice());
        let small = archive.entries().unwrap().last().unwrap().unwrap();
        assert_eq!(small.header().mode().unwrap(), 0o755);
        overlay.files.insert(".dockerignore".to_owned(), "*\n".to_owned().into());
        assert_eq!(names(&submission.context(&overlay, &LIMITS).unwrap()), ["Dockerfile"]);
        overlay.files.insert(".dockerignore".to_owned(), "\n".to_owned().into());
        let refused = submission.context(&overlay, &LIMITS);
        assert!(matches!(refused, Err(ContextError::TooLarge { .. })));
    }

    #[test]
    fn what_is_in_the_way_of_a_written_file_gives_way() {
        let folder =
            folder(&[("Dockerfile", "FROM scratch"), ("a", "1"), ("d/e/x", "1"), ("d/y", "1")]);
        std::os::unix::fs::symlink("/etc", folder.path().join("link")).unwrap();
        let submission = Submission::open(folder.path()).unwrap();
        let files = ["a/b", "d/e", "link/c"].map(|name| (name.to_owned(), String::new().into()));
        let overlay = Overlay { files: files.into(), remove: Vec::new() };
        let context = submission.context(&overlay, &LIMITS).unwrap();
        assert_eq!(names(&context), ["Dockerfile", "d", "d/y", "a/b", "d/e", "link/c"]);
    }
}
