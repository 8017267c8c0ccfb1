//! Where a submission is to be had from.

use std::path::PathBuf;

/// Where a submission is to be had from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A folder of this machine, or an archive (zip, tar, tar.gz).
    Path(PathBuf),
    /// A git repository.
    Git(GitSource),
}

/// A git repository, and which of its commits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GitSource {
    /// Its address: https, ssh, or file.
    pub url: String,
    /// Which commit.
    pub at: Revision,
}

/// Which commit of a repository is the submission.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Revision {
    /// The newest of the repository's own branch.
    #[default]
    Head,
    /// A branch, a tag or a commit.
    Named(String),
    /// The newest of the repository's own branch whose committer's time is not after this one.
    Before(jiff::Timestamp),
}
