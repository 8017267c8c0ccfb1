//! What is laid over a submission before it is packed.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use flate2::{Compression, GzBuilder};
use walkdir::WalkDir;

use super::SubmissionError;
use super::context::mode_of;

/// Changes laid over a folder before its rules are followed: files written, paths taken out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overlay {
    /// Files by path.
    pub files: BTreeMap<String, Written>,
    /// Paths; a folder goes with all that is in it.
    pub remove: Vec<String>,
    /// The Dockerfile's path, where it has another name than the usual.
    pub dockerfile: Option<String>,
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
    /// These bytes.
    Bytes(Vec<u8>),
    /// That many zeros.
    Zeros(u64),
}

impl From<String> for Written {
    fn from(text: String) -> Written {
        Written { content: Content::Bytes(text.into_bytes()), mode: None }
    }
}

impl Written {
    /// A tar of texts, compressed with gzip: the same bytes for the same texts.
    ///
    /// # Errors
    /// When a path in it cannot be the name of a tar's entry.
    pub fn archive(texts: &BTreeMap<String, String>) -> io::Result<Written> {
        let gzip = GzBuilder::new().write(Vec::new(), Compression::default());
        let mut tar = tar::Builder::new(gzip);
        for (name, text) in texts {
            let mut header = tar::Header::new_gnu();
            header.set_mode(0o644);
            header.set_uid(0);
            header.set_gid(0);
            header.set_mtime(0);
            header.set_size(text.len() as u64);
            tar.append_data(&mut header, name, text.as_bytes())?;
        }
        let content = Content::Bytes(tar.into_inner()?.finish()?);
        Ok(Written { content, mode: None })
    }

    /// A file, or all files of a folder, as they lie in another folder, each under its path there.
    ///
    /// # Errors
    /// When there is no such file, or it cannot be read.
    pub fn copies(root: &Path, path: &str) -> Result<Vec<(String, Written)>, SubmissionError> {
        let unreadable =
            |path: &Path, source| SubmissionError::Read { path: path.to_owned(), source };
        let mut copies = Vec::new();
        for entry in WalkDir::new(root.join(path)).sort_by_file_name() {
            let entry = entry.map_err(|error| unreadable(&root.join(path), error.into()))?;
            if !entry.file_type().is_file() {
                continue;
            }
            let failed = |source| unreadable(entry.path(), source);
            let content = Content::Bytes(std::fs::read(entry.path()).map_err(failed)?);
            let data = entry.metadata().map_err(|error| failed(error.into()))?;
            // What else an owner's umask leaves is no part of what is handed out.
            let mode = (mode_of(&data) & 0o100 != 0).then_some(0o755);
            let name = entry.path().strip_prefix(root).unwrap_or(entry.path());
            copies.push((name.to_string_lossy().into_owned(), Written { content, mode }));
        }
        Ok(copies)
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
    pub(super) fn text(&self, path: &str) -> Option<Cow<'_, str>> {
        match &self.files.get(path)?.content {
            Content::Bytes(bytes) => Some(String::from_utf8_lossy(bytes)),
            Content::Zeros(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::submission::context::tests::{LIMITS, folder, names};
    use crate::submission::{ContextError, Submission};

    #[test]
    fn an_overlay_changes_what_the_builder_sees() {
        let folder = folder(&[("Dockerfile", "FROM scratch"), ("a", "1"), ("d/x", "1")]);
        let submission = Submission::open(folder.path()).unwrap();
        let overlay = Overlay {
            files: BTreeMap::from([("a".to_owned(), "changed".to_owned().into())]),
            remove: vec!["d".to_owned()],
            ..Overlay::default()
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
            ..Overlay::default()
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
        let overlay = Overlay { files: files.into(), ..Overlay::default() };
        let context = submission.context(&overlay, &LIMITS).unwrap();
        assert_eq!(names(&context), ["Dockerfile", "d", "d/y", "a/b", "d/e", "link/c"]);
    }

    #[test]
    fn rules_that_are_taken_out_hold_for_nothing() {
        let folder = folder(&[("Dockerfile", "FROM scratch"), (".dockerignore", "*\n"), ("a", "")]);
        let submission = Submission::open(folder.path()).unwrap();
        assert_eq!(
            names(&submission.context(&Overlay::default(), &LIMITS).unwrap()),
            ["Dockerfile"]
        );
        let overlay = Overlay { remove: vec![".dockerignore".to_owned()], ..Overlay::default() };
        assert_eq!(names(&submission.context(&overlay, &LIMITS).unwrap()), ["Dockerfile", "a"]);
    }

    #[test]
    fn a_dockerfile_of_another_name_has_its_own_rules() {
        let folder = folder(&[
            ("Dockerfile.single", "FROM scratch"),
            ("Dockerfile.single.dockerignore", "[ab]\n"),
            ("a", ""),
            ("b", ""),
        ]);
        let submission = Submission::open(folder.path()).unwrap();
        let named = Overlay { dockerfile: Some("Dockerfile.single".into()), ..Overlay::default() };
        let context = submission.context(&named, &LIMITS).unwrap();
        assert_eq!(context.dockerfile, "Dockerfile.single");
        assert_eq!(names(&context), ["Dockerfile.single", "Dockerfile.single.dockerignore"]);
        let usual = submission.context(&Overlay::default(), &LIMITS);
        assert!(matches!(usual, Err(ContextError::NoDockerfile)));
    }

    fn texts(texts: &[(&str, &str)]) -> BTreeMap<String, String> {
        texts.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    }

    #[test]
    fn an_archive_is_what_tar_and_gzip_make_of_the_texts() {
        let inside = texts(&[("d/one", "1\n"), ("two", "2\n")]);
        let packed = Written::archive(&inside).unwrap();
        let Content::Bytes(bytes) = &packed.content else { panic!("{packed:?}") };
        let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(bytes.as_slice()));
        let entries = archive.entries().unwrap().map(|entry| {
            let mut entry = entry.unwrap();
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
        use std::os::unix::fs::PermissionsExt;
        let given = folder(&[("app", "1"), ("wheels/a.whl", "2"), ("wheels/more/b.whl", "3")]);
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
