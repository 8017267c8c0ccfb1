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
    },
    /// Be the first process where the course's images are prepared for all sandboxes
    Prepare,
    /// Reach the first process
    Dial,
}

fn limits(text: &str) -> Result<SandboxLimits, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

pub(super) fn run(arguments: &Arguments) -> Exit {
    let ended = match &arguments.part {
        Part::Run { limits } => on_runtime(inside::run(*limits)),
        Part::Prepare => on_runtime(inside::prepare()),
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

fn on_runtime(work: impl Future<Output = Result<(), String>>) -> Result<(), String> {
    let runtime = runtime().map_err(|_| "there is no runtime".to_owned())?;
    runtime.block_on(work)
}
