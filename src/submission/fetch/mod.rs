//! Bringing a submission here: from a repository or an archive, as hostile input, within limits.
//!
//! Each is fetched by a process of its own, this program again, which is killed when it takes too
//! long or its caller is gone. It writes into a new folder that holds no links until everything
//! else is in it. Nothing that a student wrote is run, no hook, no filter, no submodule.

mod child;
mod fetcher;
mod folder;
mod inside;
mod kept;
mod protocol;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Submission;

pub use child::serve;
pub use fetcher::Fetcher;
pub(super) use folder::{Folder, Written};
pub(super) use inside::{Inside, show};
pub use kept::{KeptFolder, kept_folders};
pub(super) use protocol::{Arrival, News};

/// What fetching one submission may take.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FetchLimits {
    /// Of all of it.
    pub time: Duration,
    /// Without a sign of life from the other side.
    pub silence: Duration,
    /// Bytes received, or bytes of an archive.
    pub received: u64,
    /// Objects in the part of the repository that is received.
    pub objects: u64,
    /// Files, folders and links of the submission.
    pub entries: u64,
    /// Bytes of all its files.
    pub bytes: u64,
    /// Bytes of one file.
    pub file: u64,
    /// Folders above a file.
    pub depth: usize,
    /// Bytes of memory of the process that fetches.
    pub memory: u64,
}

impl Default for FetchLimits {
    fn default() -> FetchLimits {
        FetchLimits {
            time: Duration::from_secs(300),
            silence: Duration::from_secs(60),
            received: 500_000_000,
            objects: 200_000,
            entries: 50_000,
            bytes: 1_000_000_000,
            file: 500_000_000,
            depth: 64,
            memory: 3 << 30,
        }
    }
}

/// A submission that is here.
#[derive(Clone, Debug)]
pub struct Fetched {
    /// It holds its temporary folder, which is gone with the last clone of it.
    pub submission: Submission,
    /// What whoever grades should know, a sentence each: a submodule that was left out, for one.
    pub notes: Vec<String>,
}

/// There is no submission to grade. Shown as one sentence, without credentials.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum FetchError {
    /// By the student's doing, or nobody's.
    #[error("{message}")]
    Missing {
        /// In which way.
        why: Missing,
        /// The whole of it.
        message: String,
    },
    /// Perhaps by a failure on our side, so that nothing follows for the submission.
    #[error("{message}")]
    Unreached {
        /// In which way.
        why: Unreached,
        /// The whole of it.
        message: String,
        /// What to do about it.
        advice: Option<String>,
    },
}

/// In which way there is no submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Missing {
    /// No such repository, folder or file.
    NotThere,
    /// A repository without commits, an archive or a commit without files.
    Empty,
    /// No such branch, tag or commit, or none early enough.
    NoCommit,
    /// A file that is no archive, or a damaged, encrypted or unknown one.
    NoArchive,
    /// A repository that is broken: its objects, its references, its settings.
    Damaged,
    /// Beyond a limit.
    TooLarge,
    /// Made to do harm, or in a way that no tool makes it.
    Hostile,
}

/// In which way a submission was not reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unreached {
    /// The network, or the server at its other end.
    Network,
    /// The server does not take our credentials, or asks for some.
    Refused,
    /// The server says that there is nothing, as it also says of what our credentials may not see.
    /// Where others of the same owner were reached, there is nothing.
    Hidden,
    /// The address makes no sense: the roster's mistake.
    Address,
    /// This machine: its disk, its memory, its time.
    Machine,
}

impl FetchError {
    pub(super) fn missing(why: Missing, message: impl Into<String>) -> FetchError {
        FetchError::Missing { why, message: message.into() }
    }

    pub(super) fn unreached(why: Unreached, message: impl Into<String>) -> FetchError {
        FetchError::Unreached { why, message: message.into(), advice: None }
    }

    /// Says what to do about it, where it may be ours.
    pub(super) fn with_advice(mut self, text: impl Into<String>) -> FetchError {
        if let FetchError::Unreached { advice, .. } = &mut self {
            *advice = Some(text.into());
        }
        self
    }

    /// Whether it may go better in a while.
    pub fn is_worth_retrying(&self) -> bool {
        let FetchError::Unreached { why, .. } = self else { return false };
        matches!(why, Unreached::Network | Unreached::Machine)
    }

    /// The same with every one of these texts left out: what is left once they were in an error
    /// of somebody else's.
    pub(super) fn without(mut self, secrets: &[String]) -> FetchError {
        let clean = |text: &mut String| {
            for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
                *text = text.replace(secret, "…");
            }
        };
        match &mut self {
            FetchError::Missing { message, .. } => clean(message),
            FetchError::Unreached { message, advice, .. } => {
                clean(message);
                advice.iter_mut().for_each(clean);
            }
        }
        self
    }
}

/// A file of this machine that does not do what it should.
pub(super) fn disk(what: &str, error: &std::io::Error) -> FetchError {
    FetchError::unreached(Unreached::Machine, format!("failed to {what}: {error}"))
}
