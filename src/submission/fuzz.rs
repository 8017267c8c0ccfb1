//! The door for fuzzing (`ci/fuzz`): submissions are fetched in this process, where a panic is
//! seen. No other build has it but that of tests, which keeps it compiling.

use std::path::Path;

use super::{FetchError, FetchLimits, GitSource, git, unpack};

/// Unpacks an archive into the new folder `place`.
///
/// # Errors
/// As fetching it would fail.
pub fn archive(archive: &Path, place: &Path, limits: &FetchLimits) -> Result<(), FetchError> {
    unpack::unpack(archive, place, limits, &|_| {}).map(drop)
}

/// Brings a repository's commit into the new folder `place`.
///
/// # Errors
/// As fetching it would fail.
pub fn repository(
    source: &GitSource,
    place: &Path,
    limits: &FetchLimits,
) -> Result<(), FetchError> {
    git::fetch(source, place, limits, &|_| {}).map(drop)
}
