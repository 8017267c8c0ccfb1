//! `grade completions`: for shells.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::{Cli, Exit};

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The shell
    shell: Shell,
}

pub(super) fn run(arguments: &Arguments) -> Exit {
    clap_complete::generate(arguments.shell, &mut Cli::command(), "grade", &mut std::io::stdout());
    Exit::Graded
}
