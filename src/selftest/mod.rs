//! Rubrics tested themselves: every sample of an exercise is graded, and has to come to what is
//! stated of it.
//!
//! A course keeps, beside `assignments/` and `rubrics/`, samples of right and wrong work in
//! `tests/submissions/<slug>/`: a folder each, and beside it a file of the same name that says what
//! it must come to.
//!
//! | file | what is in it |
//! |---|---|
//! | `sample` | what a sample must come to, as its file says |
//! | `exercise` | an exercise and everything that is tried to prove its rubric |
//! | `hall` | where trials take place |
//! | `prove` | the trials, some at a time |
//! | `difference` | how a grade differs from what it must be |

mod difference;
mod exercise;
mod hall;
mod prove;
mod sample;

use std::path::PathBuf;

use crate::document::Problems;
use crate::plan::PlanError;

pub use difference::{Deviation, Difference, State};
pub use exercise::{
    Exercise, Must, SOLUTION, STARTER, STARTER_BELOW, Trial, Uncovered, samples_folder,
};
pub use hall::Hall;
pub use prove::{Came, News, Tried, default_jobs, prove};
pub use sample::{Expected, Only};

/// Something wrong with a course's files, found before anything is tried.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Mistake {
    /// In a file, with lines.
    #[error(transparent)]
    InFile(#[from] Problems),
    /// About a file or folder that is missing or too many.
    #[error("{}: {message}", path.display())]
    About {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong.
        message: String,
        /// What mends it.
        help: Option<String>,
    },
}

impl Mistake {
    fn about(
        path: impl Into<PathBuf>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self::About { path: path.into(), message: message.into(), help: Some(help.into()) }
    }

    fn unread(path: impl Into<PathBuf>, error: &std::io::Error) -> Self {
        Self::About { path: path.into(), message: format!("cannot be read: {error}"), help: None }
    }
}

impl From<PlanError> for Mistake {
    fn from(error: PlanError) -> Self {
        match error {
            PlanError::Problems(problems) => Self::InFile(problems),
            PlanError::Read { path, source } => Self::unread(path, &source),
        }
    }
}
