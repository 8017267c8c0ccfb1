//! `grade inside`: what this program does in a sandbox. Nobody types it.

use clap::{Args, Subcommand};

use super::{Exit, runtime};
use crate::sandbox::{SandboxLimits, inside};

#[derive(Args, Debug)]
pub(super) struct Arguments {
    #[command(subcommand)]
    part: Part,
}

#[derive(Debug, Subcommand)]
enum Part {
    /// Be the sandbox's first process
    Run {
        /// The limits, as JSON
        #[arg(value_parser = limits)]
        limits: SandboxLimits,
        /// There is a way to the outside
        #[arg(long)]
        outside: bool,
    },
    /// Reach the first process
    Dial,
}

fn limits(text: &str) -> Result<SandboxLimits, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

pub(super) fn run(arguments: &Arguments) -> Exit {
    let ended = match &arguments.part {
        Part::Run { limits, outside } => match runtime() {
            Ok(runtime) => runtime.block_on(inside::run(*limits, *outside)),
            Err(exit) => return exit,
        },
        Part::Dial => inside::dial().map_err(|error| error.to_string()),
    };
    match ended {
        Ok(()) => Exit::Graded,
        Err(message) => {
            anstream::eprintln!("{message}");
            Exit::Unjudged
        }
    }
}
