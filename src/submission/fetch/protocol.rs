//! What is said between `grade` and the process that fetches: one JSON a line.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

use super::{FetchError, FetchLimits};
use crate::submission::{GitSource, Revision, Source};

/// The folder of the submission, in the folder of all that is fetched.
pub(super) const SUBMISSION: &str = "submission";

/// What is to be fetched: the first line of standard input, which then stays open for as long as
/// somebody waits for it. Credentials may be in it, so it is no argument.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Request {
    what: What,
    /// An empty folder for all of it.
    pub(super) folder: PathBuf,
    pub(super) limits: FetchLimits,
}

#[derive(Serialize, Deserialize)]
enum What {
    Archive(PathBuf),
    Git { url: String, at: At },
}

#[derive(Serialize, Deserialize)]
enum At {
    Head,
    Named(String),
    /// In nanoseconds, as RFC 3339 has them.
    Before(String),
}

/// What is told on standard output.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Word {
    /// The other side is alive.
    News(News),
    /// The submission is there. Nothing follows.
    Done(Arrival),
    /// It is not. Nothing follows.
    Failed(FetchError),
}

/// How far it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::submission) struct News {
    /// Bytes that came, or were written.
    pub(in crate::submission) bytes: u64,
}

/// What has come, in the folder [`SUBMISSION`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::submission) struct Arrival {
    /// The commit, in hex.
    pub(in crate::submission) commit: Option<String>,
    /// The committer's time, RFC 3339 in UTC.
    pub(in crate::submission) committed_at: Option<String>,
    /// What the folder is called in which everything else lay.
    pub(in crate::submission) inner_name: Option<String>,
    /// What somebody should know.
    pub(in crate::submission) notes: Vec<String>,
}

impl Request {
    pub(super) fn new(source: &Source, folder: PathBuf, limits: FetchLimits) -> Request {
        let what = match source {
            Source::Path(path) => What::Archive(path.clone()),
            Source::Git(git) => What::Git {
                url: git.url.clone(),
                at: match &git.at {
                    Revision::Head => At::Head,
                    Revision::Named(name) => At::Named(name.clone()),
                    Revision::Before(time) => At::Before(time.to_string()),
                },
            },
        };
        Request { what, folder, limits }
    }

    /// The source; none when the time in it is no time.
    pub(super) fn source(&self) -> Option<Source> {
        Some(match &self.what {
            What::Archive(path) => Source::Path(path.clone()),
            What::Git { url, at } => Source::Git(GitSource {
                url: url.clone(),
                at: match at {
                    At::Head => Revision::Head,
                    At::Named(name) => Revision::Named(name.clone()),
                    At::Before(time) => Revision::Before(time.parse::<Timestamp>().ok()?),
                },
            }),
        })
    }
}

impl std::fmt::Debug for What {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            What::Archive(_) => "Archive",
            What::Git { .. } => "Git",
        })
    }
}
