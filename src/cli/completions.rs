//! `grade completions`: for shells.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::{Cli, Exit, out};

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The shell
    shell: Shell,
}

pub(super) fn run(arguments: &Arguments) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), "grade", &mut script);
    out(format_args!("{}", String::from_utf8_lossy(&script).trim_end()));
    Exit::Graded
}
