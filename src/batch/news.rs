//! What a batch tells while it goes on. Names and reasons are other people's texts: whoever shows
//! them cleans them.

use std::time::Duration;

use crate::judge::Score;

/// One piece of news.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// A submission's turn has come.
    Began {
        /// Whose it is.
        name: String,
    },
    /// A question about it is asked.
    Asks {
        /// Whose it is.
        name: String,
        /// What is asked.
        title: String,
    },
    /// Something on our side failed, and it will be tried once more.
    Again {
        /// Whose it is.
        name: String,
        /// What failed.
        because: String,
        /// How long until then.
        after: Duration,
    },
    /// The engine, or the sandboxes on it, are not to be had; everybody waits.
    Waits {
        /// What failed.
        because: String,
        /// How long until the next try.
        after: Duration,
    },
    /// Something an instructor should know.
    Note {
        /// Whose submission it is about.
        name: String,
        /// The sentence.
        text: String,
    },
    /// A submission is done for now.
    Ended {
        /// Whose it is.
        name: String,
        /// What came of it.
        end: End,
    },
}

/// What came of a submission for now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// It was graded before, and nothing has changed since.
    Unchanged {
        /// The score.
        score: Score,
    },
    /// It was graded.
    Graded {
        /// The score.
        score: Score,
    },
    /// Something stayed unjudged.
    Unjudged {
        /// The first reason.
        because: String,
    },
    /// Nothing was handed in.
    Missing {
        /// Why.
        because: String,
    },
    /// It could not be had.
    Unreached {
        /// Why.
        because: String,
    },
    /// The grader itself failed, at this submission only.
    Broken {
        /// How.
        because: String,
    },
}

impl End {
    /// Whether our side still owes something.
    pub fn is_open(&self) -> bool {
        matches!(self, End::Unjudged { .. } | End::Unreached { .. } | End::Broken { .. })
    }
}
