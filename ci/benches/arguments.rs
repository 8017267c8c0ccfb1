//! What a measurement can be told.

use std::path::PathBuf;

use clap::Parser;

/// Measures grading against its floor and a teacher's script.
#[derive(Parser, Debug)]
#[command(name = "ci/bench")]
pub(crate) struct Arguments {
    /// One submission at a time only, in few rounds: about two minutes.
    #[arg(long)]
    pub(crate) quick: bool,
    /// Only what a sandbox costs.
    #[arg(long)]
    pub(crate) sandbox: bool,
    /// Another build of the program, whose sandboxes are measured in turn with this one's.
    #[arg(long, value_name = "PROGRAM")]
    pub(crate) against: Option<PathBuf>,
    /// Only what new scores from old evidence cost, which needs no engine.
    #[arg(long)]
    pub(crate) regrade: bool,
    /// Only these exercises, with commas between.
    #[arg(long, value_name = "SLUGS", value_delimiter = ',')]
    pub(crate) only: Option<Vec<String>>,
    /// Rounds for one submission; 7 unless said, 3 with --quick.
    #[arg(long, value_name = "N")]
    pub(crate) rounds: Option<usize>,
    /// Submissions in a class.
    #[arg(long, value_name = "N", default_value_t = 40)]
    pub(crate) class: usize,
    /// Rounds for a class, each side at its own best concurrency.
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub(crate) class_rounds: usize,
    /// Cargo says so to every benchmark.
    #[arg(long, hide = true)]
    pub(crate) bench: bool,
}

impl Arguments {
    /// Rounds for a class; none with `--quick`.
    pub(crate) fn class_rounds(&self) -> usize {
        if self.quick { 0 } else { self.class_rounds.max(1) }
    }

    /// Rounds for one submission.
    pub(crate) fn rounds(&self) -> usize {
        self.rounds.unwrap_or(if self.quick { 3 } else { 7 }).max(1)
    }
}
