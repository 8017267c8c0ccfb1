//! A submission: the files a student hands in, read as hostile input. Links are never followed.

mod address;
mod dockerfile;
mod encoding;
mod fetch;
mod files;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod git;
mod provenance;
mod source;
mod unpack;
mod whole;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;

use crate::context::{ContextError, ContextLimits};

pub use address::AddressError;
pub use dockerfile::{Dockerfile, Summary};
pub use encoding::Encoding;
pub use fetch::{
    FetchError, FetchLimits, Fetched, Fetcher, KeptFolder, Missing, Unreached, kept_folders, serve,
};
pub use files::{FileKind, HandedIn, Opened};
pub use provenance::Provenance;
pub use source::{GitSource, Revision, Source, SourceError};

/// A folder that was handed in.
#[derive(Clone, Debug)]
pub struct Submission {
    root: PathBuf,
    provenance: Provenance,
    dockerfile: Option<Dockerfile>,
    inner_name: Option<String>,
    /// The folder around one that was fetched, which is removed with the last clone.
    _kept: Option<Arc<TempDir>>,
}

/// A submission could not be read; nothing about its worth follows from that.
#[derive(Debug, thiserror::Error)]
pub enum SubmissionError {
    /// Nothing there, or no permission.
    #[error("failed to read the submission {path}: {source}")]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file, a device or something else that is no folder.
    #[error("the submission {path} is not a folder")]
    NotAFolder {
        /// What was named.
        path: PathBuf,
    },
}

impl Submission {
    /// Opens a folder.
    ///
    /// # Errors
    /// When it is no folder or cannot be read.
    pub fn open(path: &Path) -> Result<Submission, SubmissionError> {
        let read = |source| SubmissionError::Read { path: path.to_owned(), source };
        if !std::fs::metadata(path).map_err(read)?.is_dir() {
            return Err(SubmissionError::NotAFolder { path: path.to_owned() });
        }
        let root = std::fs::canonicalize(path).map_err(read)?;
        let provenance = provenance::of(path, &root)?;
        let dockerfile = dockerfile::find(&root);
        Ok(Submission { root, provenance, dockerfile, inner_name: None, _kept: None })
    }

    /// Opens what was fetched into the folder `path` of `kept`.
    fn arrived(
        kept: TempDir,
        path: &Path,
        source: String,
        arrival: fetch::Arrival,
    ) -> Result<Submission, SubmissionError> {
        let read = |source| SubmissionError::Read { path: path.to_owned(), source };
        let root = std::fs::canonicalize(path).map_err(read)?;
        let fetch::Arrival { commit, committed_at, inner_name, .. } = arrival;
        let provenance = provenance::fetched(source, &root, commit, committed_at)?;
        let dockerfile = dockerfile::find(&root);
        let kept = Some(Arc::new(kept));
        Ok(Submission { root, provenance, dockerfile, inner_name, _kept: kept })
    }

    /// What the one folder was called in which all of an archive lay.
    pub fn inner_name(&self) -> Option<&str> {
        self.inner_name.as_deref()
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where it comes from.
    pub fn provenance(&self) -> &Provenance {
        &self.provenance
    }

    /// Its Dockerfile, found as the docker CLI finds it.
    pub fn dockerfile(&self) -> Option<&Dockerfile> {
        self.dockerfile.as_ref()
    }

    /// A Dockerfile of it that is called otherwise.
    pub fn dockerfile_at(&self, path: &str) -> Option<Dockerfile> {
        dockerfile::read(&self.root, path)
    }

    /// A file of it.
    ///
    /// # Errors
    /// When the file system fails; a missing file is `None`.
    pub fn file(&self, path: &str) -> Result<Option<HandedIn>, SubmissionError> {
        files::read(&self.root, path)
    }

    /// A file of it, for reading piece by piece.
    ///
    /// # Errors
    /// As for [`Submission::file`].
    pub fn open_file(&self, path: &str) -> Result<Option<Opened>, SubmissionError> {
        files::open(&self.root, path)
    }

    /// Everything but Git's own folder as a tar, below a folder of that name, owned by that user.
    ///
    /// # Errors
    /// When it is larger than the limits, which is the submission's doing, or cannot be read.
    pub fn whole(
        &self,
        name: &str,
        user: u64,
        limits: &ContextLimits,
    ) -> Result<Vec<u8>, ContextError> {
        whole::pack(&self.root, name, user, limits)
    }
}
