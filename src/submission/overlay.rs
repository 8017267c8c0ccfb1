//! Changes that a rubric lays over a build context: files written, archives packed, paths taken out.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use flate2::{Compression, GzBuilder};
use walkdir::WalkDir;

use super::SubmissionError;
use super::context::mode_of;

/// Changes laid over a context. What is written lies there as if it had been handed in: rules of a
/// `.dockerignore` hold for it, too.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overlay {
    /// What is written, by path.
    pub files: BTreeMap<String, Written>,
    /// Paths taken out; a folder goes with all that is in it.
    pub remove: Vec<String>,
    /// The Dockerfile's path, where it has another name than the usual.
    pub dockerfile: Option<String>,
}

/// A file that is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Its content.
    pub content: Vec<u8>,
    /// Its permission bits, unless a file was there before: then those stay.
    pub mode: u32,
}

impl Overlay {
    /// Writes a text.
    pub fn text(&mut self, path: &str, text: &str) {
        let written = Written { content: text.as_bytes().to_vec(), mode: 0o644 };
        self.files.insert(path.to_owned(), written);
    }

    /// Writes a tar of texts, compressed with gzip: the same bytes for the same texts.
    ///
    /// # Errors
    /// When a path in it cannot be the name of a tar's entry.
    pub fn archive(&mut self, path: &str, texts: &BTreeMap<String, String>) -> io::Result<()> {
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
        let content = tar.into_inner()?.finish()?;
        self.files.insert(path.to_owned(), Written { content, mode: 0o644 });
        Ok(())
    }

    /// Writes a file, or all files of a folder, as the exercise hands them out in `given`.
    ///
    /// # Errors
    /// When there is no such file, or it cannot be read.
    pub fn restore(&mut self, given: &Path, path: &str) -> Result<(), SubmissionError> {
        for entry in WalkDir::new(given.join(path)).sort_by_file_name() {
            let unreadable = |path: &Path, source: io::Error| SubmissionError::Read {
                path: path.to_owned(),
                source,
            };
            let entry = entry.map_err(|error| unreadable(&given.join(path), error.into()))?;
            if !entry.file_type().is_file() {
                continue;
            }
            let content =
                std::fs::read(entry.path()).map_err(|error| unreadable(entry.path(), error))?;
            let data = entry.metadata().map_err(|error| unreadable(entry.path(), error.into()))?;
            // What else an owner's umask took away is no part of what is handed out.
            let mode = if mode_of(&data) & 0o100 == 0 { 0o644 } else { 0o755 };
            let name = entry.path().strip_prefix(given).unwrap_or(entry.path());
            let name = name.to_string_lossy().into_owned();
            self.files.insert(name, Written { content, mode });
        }
        Ok(())
    }

    /// Whether what lies at a path has to go for a file that is written below it.
    pub(super) fn displaces(&self, path: &str) -> bool {
        self.files
            .keys()
            .any(|file| file.strip_prefix(path).is_some_and(|rest| rest.starts_with('/')))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    fn texts(texts: &[(&str, &str)]) -> BTreeMap<String, String> {
        texts.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    }

    #[test]
    fn an_archive_is_what_tar_and_gzip_make_of_the_texts() {
        let mut overlay = Overlay::default();
        overlay.archive("a.tar.gz", &texts(&[("d/one", "1\n"), ("two", "2\n")])).unwrap();
        let packed = overlay.files["a.tar.gz"].content.clone();
        let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(packed.as_slice()));
        let entries = archive.entries().unwrap().map(|entry| {
            let mut entry = entry.unwrap();
            let mut text = String::new();
            entry.read_to_string(&mut text).unwrap();
            (entry.path().unwrap().display().to_string(), text)
        });
        let entries: BTreeMap<String, String> = entries.collect();
        assert_eq!(entries, texts(&[("d/one", "1\n"), ("two", "2\n")]));
        let mut again = Overlay::default();
        again.archive("a.tar.gz", &texts(&[("d/one", "1\n"), ("two", "2\n")])).unwrap();
        assert_eq!(again, overlay);
    }

    #[test]
    fn a_path_that_no_tar_can_hold_is_an_error() {
        assert!(Overlay::default().archive("a.tar.gz", &texts(&[("../out", "")])).is_err());
    }

    #[test]
    fn what_is_handed_out_is_restored_with_all_that_is_below_it() {
        use std::os::unix::fs::PermissionsExt;
        let given = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(given.path().join("wheels/more")).unwrap();
        for name in ["app.py", "wheels/a.whl", "wheels/more/b.whl"] {
            std::fs::write(given.path().join(name), name).unwrap();
        }
        let app = given.path().join("app.py");
        std::fs::set_permissions(app, std::fs::Permissions::from_mode(0o750)).unwrap();
        let mut overlay = Overlay::default();
        overlay.restore(given.path(), "wheels").unwrap();
        overlay.restore(given.path(), "app.py").unwrap();
        let names: Vec<&str> = overlay.files.keys().map(String::as_str).collect();
        assert_eq!(names, ["app.py", "wheels/a.whl", "wheels/more/b.whl"]);
        let (app, wheel) = (&overlay.files["app.py"], &overlay.files["wheels/a.whl"]);
        assert_eq!(
            (app.mode, wheel.mode, wheel.content.as_slice()),
            (0o755, 0o644, &b"wheels/a.whl"[..])
        );
        assert!(overlay.restore(given.path(), "none").is_err());
        assert!(overlay.displaces("wheels") && overlay.displaces("wheels/more"));
        assert!(!overlay.displaces("wheel") && !overlay.displaces("app.py"));
    }
}
