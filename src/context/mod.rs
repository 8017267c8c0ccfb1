//! What a build is sent: a folder with files laid over it, read from the disk only as the builder asks.

mod filter;
mod links;
mod pattern;
mod tree;
mod written;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use bytesize::ByteSize;

pub use filter::Filter;
pub use pattern::{BadPattern, Matcher};
pub use tree::{Entry, EntryKind};
pub use written::{Content, Written};

/// What of a context may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContextLimits {
    /// Bytes of all files.
    pub bytes: u64,
    /// Files and folders.
    pub entries: u64,
}

/// A build context: of a folder, if there is one, all but what is removed, and the files laid over it.
#[derive(Clone, Debug)]
pub struct Context {
    /// The folder. Links in it are never followed.
    pub root: Option<PathBuf>,
    /// The Dockerfile's path in it.
    pub dockerfile: String,
    /// Files by path, in place of what lies there.
    pub files: BTreeMap<String, Written>,
    /// Paths that are not there; a folder goes with all that is in it.
    pub removed: Vec<String>,
    /// What may be sent of it.
    pub limits: ContextLimits,
    /// When the files were laid over it.
    laid: SystemTime,
}

impl Default for Context {
    fn default() -> Self {
        Self::of_files(BTreeMap::new())
    }
}

/// Why a context, or a part of it, was not sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ContextError {
    /// There is no Dockerfile: the submission's doing.
    #[error("there is no Dockerfile in the submission's folder")]
    NoDockerfile,
    /// The Dockerfile is no text that a builder reads: the submission's doing.
    #[error("{path} is not text in UTF-8, which is what every builder reads: it is {encoding}")]
    Encoding {
        /// The Dockerfile.
        path: String,
        /// What it is in.
        encoding: String,
    },
    /// Larger than the limits: the submission's doing.
    #[error("the build context is larger than {limit}")]
    TooLarge {
        /// Which limit, as a reader sees it.
        limit: String,
    },
    /// Its rules would take too long to follow: the submission's doing.
    #[error("{path} is too long: more than {most} rules", most = Filter::RULES)]
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
    #[error("failed to read {path}: {reason}")]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

impl ContextError {
    /// Whether it is our fault, not the submission's.
    pub fn is_ours(&self) -> bool {
        matches!(self, Self::Read { .. })
    }

    /// What went wrong on our side.
    pub fn read(path: &Path, error: &io::Error) -> Self {
        Self::Read { path: path.to_owned(), reason: error.to_string() }
    }
}

impl ContextLimits {
    /// No limits.
    pub const NONE: Self = Self { bytes: u64::MAX, entries: u64::MAX };

    /// Whether that many bytes in that many files and folders may be sent.
    ///
    /// # Errors
    /// The limit that is exceeded.
    pub fn allow(&self, bytes: u64, entries: u64) -> Result<(), ContextError> {
        let limit = if bytes > self.bytes {
            ByteSize::b(self.bytes).display().si().to_string()
        } else if entries > self.entries {
            format!("{} files", self.entries)
        } else {
            return Ok(());
        };
        Err(ContextError::TooLarge { limit })
    }
}

impl Context {
    /// The context of a folder, without limits.
    pub fn of_folder(root: PathBuf, dockerfile: String) -> Self {
        Self { root: Some(root), dockerfile, ..Self::default() }
    }

    /// A context of nothing but these files, without limits.
    pub fn of_files(files: BTreeMap<String, Written>) -> Self {
        Self {
            root: None,
            dockerfile: "Dockerfile".to_owned(),
            files,
            removed: Vec::new(),
            limits: ContextLimits::NONE,
            laid: SystemTime::now(),
        }
    }

    /// The file that says what is left out, as the builder chooses it; `None` where there is none.
    pub fn rules(&self) -> Option<String> {
        let own = format!("{}.dockerignore", self.dockerfile);
        [own, ".dockerignore".to_owned()].into_iter().find(|path| self.has_file(path))
    }

    fn has_file(&self, path: &str) -> bool {
        if self.files.contains_key(path) {
            return true;
        }
        let on_disk = self.root.as_ref().map(|root| root.join(path));
        !self.removed.iter().any(|gone| gone == path)
            && on_disk.is_some_and(|path| path.symlink_metadata().is_ok_and(|data| !data.is_dir()))
    }
}
