//! The `grade` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    grade::cli::main()
}
