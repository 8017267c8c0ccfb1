//! The build context: one tar, as the docker CLI would send it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use super::ignore::NoPattern;
use super::overlay::{Content, Overlay, Written};
use super::{IgnoreRules, SubmissionError};

/// What a context may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContextLimits {
    /// Bytes of all files.
    pub bytes: u64,
    /// Files and folders.
    pub entries: u64,
}

/// A packed context.
#[derive(Clone, Debug)]
pub struct Context {
    /// The tar.
    pub tar: Vec<u8>,
    /// The Dockerfile's path in it.
    pub dockerfile: String,
    /// Bytes of all files.
    pub bytes: u64,
    /// Files in it.
    pub files: u64,
}

/// No context could be packed.
#[derive(Debug, thiserror::Error)]
pub enum ContextError {
    /// There is no Dockerfile: the submission's doing.
    #[error("there is no Dockerfile in the submission's folder")]
    NoDockerfile,
    /// Larger than the limits: the submission's doing.
    #[error("the build context is larger than {limit}")]
    TooLarge {
        /// Which limit, as a reader sees it.
        limit: String,
    },
    /// Its rules would take too long to follow: the submission's doing.
    #[error("{path} is too long: more than {RULES} rules or {RULES_SIZE} bytes")]
    TooManyRules {
        /// The file of the rules.
        path: String,
    },
    /// Its rules have a line that no builder takes: the submission's doing.
    #[error("{path} has a line that is no pattern: {line}")]
    NoPattern {
        /// The file of the rules.
        path: String,
        /// The line.
        line: String,
    },
    /// It could not be read: ours.
    #[error(transparent)]
    Read(#[from] SubmissionError),
}

/// The most rules that are followed: each is tried on each path.
const RULES: usize = 1_000;
/// The most bytes of rules that are read.
const RULES_SIZE: u64 = 64 * 1024;

/// Packs the folder `root`.
pub(super) fn pack(
    root: &Path,
    dockerfile: Option<&str>,
    overlay: &Overlay,
    limits: &ContextLimits,
) -> Result<Context, ContextError> {
    let dockerfile = dockerfile.ok_or(ContextError::NoDockerfile)?;
    let rules = rules(root, dockerfile, overlay)?;
    // The builder needs the Dockerfile even when a rule keeps it from COPY.
    let is_ignored = |path: &str| rules.ignores(path) && path != dockerfile;
    let mut packer = Packer::new(limits);
    let read =
        |path: &Path, source: io::Error| SubmissionError::Read { path: path.to_owned(), source };
    let mut walk = WalkDir::new(root).min_depth(1).sort_by_file_name().into_iter();
    let mut visited = 0_u64;
    while let Some(entry) = walk.next() {
        let entry = entry.map_err(|error| {
            let path = error.path().unwrap_or(root).to_owned();
            SubmissionError::Read { path, source: error.into() }
        })?;
        // Ignored files cost time, too: a context has a bound on what is looked at.
        visited += 1;
        if visited > limits.entries.saturating_mul(20) {
            return Err(ContextError::TooLarge { limit: format!("{} files", limits.entries) });
        }
        let path = entry.path();
        let name = path.strip_prefix(root).unwrap_or(path);
        let shown = name.to_string_lossy();
        let is_folder = entry.file_type().is_dir();
        let removed = overlay.remove.iter().any(|gone| name.starts_with(gone));
        if removed || is_ignored(&shown) {
            if is_folder && (removed || !rules.has_exceptions()) {
                walk.skip_current_dir();
            }
            continue;
        }
        if !overlay.replaces(name, is_folder) {
            packer
                .add(path, name)
                .map_err(|error| error.into_context(|source| read(path, source)))?;
        }
    }
    for (name, file) in overlay.files.iter().filter(|(name, _)| !is_ignored(name)) {
        let before =
            std::fs::symlink_metadata(root.join(name)).ok().filter(std::fs::Metadata::is_file);
        let mode = file.mode.or(before.map(|data| mode_of(&data)));
        packer
            .write(name, &file.content, mode.unwrap_or(0o644))
            .map_err(|error| error.into_context(|source| read(Path::new(name), source)))?;
    }
    packer.finish(dockerfile.to_owned())
}

/// A context of a few texts, the Dockerfile among them: for builds that start from a submission's
/// image.
pub fn small_context(files: BTreeMap<String, Written>, dockerfile: String) -> Context {
    let mut packer = Packer::new(&ContextLimits { bytes: u64::MAX, entries: u64::MAX });
    let dockerfile = ("Dockerfile".to_owned(), dockerfile.into());
    for (name, file) in std::iter::once(dockerfile).chain(files) {
        // Without limits there is nothing to fail by.
        let _ = packer.write(&name, &file.content, file.mode.unwrap_or(0o644));
    }
    let (bytes, files) = (packer.bytes, packer.files);
    // Writing to memory does not fail.
    let tar = packer.tar.into_inner().unwrap_or_default();
    Context { tar, dockerfile: "Dockerfile".into(), bytes, files }
}

/// `<Dockerfile>.dockerignore` comes before `.dockerignore`, as in the docker CLI.
fn rules(root: &Path, dockerfile: &str, overlay: &Overlay) -> Result<IgnoreRules, ContextError> {
    for path in [format!("{dockerfile}.dockerignore"), ".dockerignore".to_owned()] {
        let parse = |text: &str| {
            let parsed = IgnoreRules::parse(text);
            parsed.map_err(|NoPattern(line)| ContextError::NoPattern { path: path.clone(), line })
        };
        if let Some(text) = overlay.text(&path) {
            return parse(&text);
        }
        if overlay.remove.contains(&path) {
            continue;
        }
        if let Some(file) = super::files::read(root, &path)? {
            let text = String::from_utf8_lossy(&file.content);
            if file.size > RULES_SIZE || text.lines().count() > RULES {
                return Err(ContextError::TooManyRules { path });
            }
            return parse(&text);
        }
    }
    Ok(IgnoreRules::default())
}

struct Packer {
    tar: tar::Builder<Vec<u8>>,
    limits: ContextLimits,
    bytes: u64,
    files: u64,
    entries: u64,
}

/// Why an entry could not be packed.
enum Refusal {
    Limit(String),
    Io(io::Error),
}

impl Refusal {
    fn into_context(self, read: impl Fn(io::Error) -> SubmissionError) -> ContextError {
        match self {
            Refusal::Limit(limit) => ContextError::TooLarge { limit },
            Refusal::Io(error) => ContextError::Read(read(error)),
        }
    }
}

impl Packer {
    fn new(limits: &ContextLimits) -> Packer {
        Packer {
            tar: tar::Builder::new(Vec::new()),
            limits: *limits,
            bytes: 0,
            files: 0,
            entries: 0,
        }
    }

    /// Adds what lies at `path`; sockets, pipes and devices are left out, as nobody can copy them.
    fn add(&mut self, path: &Path, name: &Path) -> Result<(), Refusal> {
        let data = std::fs::symlink_metadata(path).map_err(Refusal::Io)?;
        self.entries += 1;
        if self.entries > self.limits.entries {
            return Err(Refusal::Limit(format!("{} files", self.limits.entries)));
        }
        let mut header = tar::Header::new_gnu();
        header.set_mode(mode_of(&data));
        header.set_mtime(modified(&data));
        header.set_uid(0);
        header.set_gid(0);
        if data.is_dir() {
            header.set_entry_type(tar::EntryType::Directory);
            header.set_size(0);
            self.tar.append_data(&mut header, name, io::empty()).map_err(Refusal::Io)?;
        } else if data.is_symlink() {
            let target: PathBuf = std::fs::read_link(path).map_err(Refusal::Io)?;
            header.set_entry_type(tar::EntryType::Symlink);
            header.set_size(0);
            self.tar.append_link(&mut header, name, target).map_err(Refusal::Io)?;
        } else if data.is_file() {
            self.count(data.len())?;
            header.set_size(data.len());
            // A file that grows or shrinks meanwhile must not break the tar.
            let file = File::open(path).map_err(Refusal::Io)?;
            let content = file.chain(io::repeat(0)).take(data.len());
            self.tar.append_data(&mut header, name, content).map_err(Refusal::Io)?;
        }
        Ok(())
    }

    fn write(&mut self, name: &str, content: &Content, mode: u32) -> Result<(), Refusal> {
        let size = match content {
            Content::Bytes(bytes) => bytes.len() as u64,
            Content::Zeros(size) => *size,
        };
        self.count(size)?;
        let mut header = tar::Header::new_gnu();
        header.set_mode(mode);
        header.set_size(size);
        // Names are a rubric's own, and writing to memory does not fail.
        let _ = match content {
            Content::Bytes(bytes) => self.tar.append_data(&mut header, name, bytes.as_slice()),
            Content::Zeros(size) => {
                self.tar.append_data(&mut header, name, io::repeat(0).take(*size))
            }
        };
        Ok(())
    }

    fn count(&mut self, size: u64) -> Result<(), Refusal> {
        self.bytes += size;
        self.files += 1;
        if self.bytes > self.limits.bytes {
            return Err(Refusal::Limit(crate::unit::show_bytes(self.limits.bytes)));
        }
        Ok(())
    }

    fn finish(self, dockerfile: String) -> Result<Context, ContextError> {
        let (bytes, files) = (self.bytes, self.files);
        let tar = self.tar.into_inner().map_err(|source| {
            ContextError::Read(SubmissionError::Read { path: PathBuf::new(), source })
        })?;
        Ok(Context { tar, dockerfile, bytes, files })
    }
}

pub(super) fn mode_of(data: &std::fs::Metadata) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    data.permissions().mode() & 0o7777
}

pub(super) fn modified(data: &std::fs::Metadata) -> u64 {
    use std::os::unix::fs::MetadataExt;
    u64::try_from(data.mtime()).unwrap_or_default()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::submission::Submission;

    pub(in crate::submission) const LIMITS: ContextLimits =
        ContextLimits { bytes: 1_000, entries: 20 };

    /// What a context holds, in its order.
    pub(in crate::submission) fn names(context: &Context) -> Vec<String> {
        let mut archive = tar::Archive::new(context.tar.as_slice());
        let entries = archive.entries().unwrap();
        entries.map(|entry| entry.unwrap().path().unwrap().display().to_string()).collect()
    }

    /// A folder with these files.
    pub(in crate::submission) fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        }
        folder
    }

    #[test]
    fn an_archive_that_is_taken_out_counts_for_nothing() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("Dockerfile"), "FROM busybox\n").unwrap();
        let archive = std::fs::File::create(folder.path().join("myapp.tar.gz")).unwrap();
        archive.set_len(1 << 40).unwrap();
        let submission = Submission::open(folder.path()).unwrap();
        let without = Overlay { remove: vec!["myapp.tar.gz".into()], ..Overlay::default() };
        assert_eq!(submission.context(&without, &LIMITS).unwrap().files, 1);
        let with = submission.context(&Overlay::default(), &LIMITS);
        assert!(matches!(with, Err(ContextError::TooLarge { .. })));
    }

    #[test]
    fn ignored_files_stay_out_and_the_dockerfile_stays_in() {
        let folder = folder(&[
            ("Dockerfile", "FROM scratch"),
            (".dockerignore", "*\n!src\n"),
            ("src/a", "1"),
            ("b", "2"),
        ]);
        let submission = Submission::open(folder.path()).unwrap();
        let context = submission.context(&Overlay::default(), &LIMITS).unwrap();
        assert_eq!(names(&context), ["Dockerfile", "src", "src/a"]);
    }

    #[test]
    fn too_much_is_told_apart_from_unreadable() {
        let folder = folder(&[("Dockerfile", "FROM scratch")]);
        File::create(folder.path().join("sparse")).unwrap().set_len(1 << 40).unwrap();
        let submission = Submission::open(folder.path()).unwrap();
        let refused = submission.context(&Overlay::default(), &LIMITS);
        assert!(matches!(refused, Err(ContextError::TooLarge { .. })));
    }

    #[test]
    fn rules_without_end_are_the_submissions_doing() {
        for rules in ["a\n".repeat(RULES + 1), "a".repeat(65 * 1024)] {
            let folder = folder(&[("Dockerfile", "FROM scratch"), (".dockerignore", &rules)]);
            let submission = Submission::open(folder.path()).unwrap();
            let refused = submission.context(&Overlay::default(), &LIMITS);
            assert!(matches!(refused, Err(ContextError::TooManyRules { .. })), "{refused:?}");
        }
    }

    #[test]
    fn a_rule_that_no_builder_takes_is_the_submissions_doing() {
        let folder = folder(&[("Dockerfile", "FROM scratch"), (".dockerignore", "*.md\n[\n")]);
        let submission = Submission::open(folder.path()).unwrap();
        let refused = submission.context(&Overlay::default(), &LIMITS).unwrap_err();
        assert_eq!(refused.to_string(), ".dockerignore has a line that is no pattern: [");
    }

    #[test]
    fn a_missing_dockerfile_is_the_submissions_doing() {
        let folder = folder(&[("readme", "")]);
        let submission = Submission::open(folder.path()).unwrap();
        let refused = submission.context(&Overlay::default(), &LIMITS);
        assert!(matches!(refused, Err(ContextError::NoDockerfile)));
    }
}
