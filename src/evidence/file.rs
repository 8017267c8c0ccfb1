//! Evidence on disk: JSON, written whole or not at all.

use std::path::{Path, PathBuf};

use super::{Evidence, FORMAT};

/// Evidence could not be stored or read back.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceError {
    /// The file system said no.
    #[error("failed to use {path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Not evidence, or of another version.
    #[error("{path} is not evidence of the format {FORMAT}: {message}")]
    Format {
        /// The file.
        path: PathBuf,
        /// Why.
        message: String,
    },
}

/// Writes evidence beside its final place and renames it.
///
/// # Errors
/// When the file system says no; what stood there before is then untouched.
pub fn write(path: &Path, evidence: &Evidence) -> Result<(), EvidenceError> {
    let file = |source| EvidenceError::File { path: path.to_owned(), source };
    let mut bytes =
        serde_json::to_vec_pretty(evidence).map_err(|error| file(std::io::Error::other(error)))?;
    bytes.push(b'\n');
    crate::file::write_whole(path, &bytes).map_err(file)
}

/// Reads evidence back.
///
/// # Errors
/// When there is no such file, or it is not evidence of this format.
pub fn read(path: &Path) -> Result<Evidence, EvidenceError> {
    let bytes = std::fs::read(path)
        .map_err(|source| EvidenceError::File { path: path.to_owned(), source })?;
    let format = |message: String| EvidenceError::Format { path: path.to_owned(), message };
    let evidence: Evidence =
        serde_json::from_slice(&bytes).map_err(|error| format(error.to_string()))?;
    if evidence.format != FORMAT {
        return Err(format(format!("it says {}", evidence.format)));
    }
    Ok(evidence)
}
