//! Exit codes: what a caller may rely on.

use std::process::ExitCode;

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Graded, or whatever else was asked was done.
    Graded = 0,
    /// Marks were lost, where `--strict` or `--min-score` asks to tell.
    MarksLost = 1,
    /// The command line, a rubric or another file of the instructor's is wrong.
    Usage = 2,
    /// Something stayed unjudged for a reason on our side.
    Unjudged = 3,
    /// The program itself failed.
    Bug = 70,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}
