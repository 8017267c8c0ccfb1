//! Output of a program as the engine multiplexes it, kept up to a limit.

use std::pin::Pin;

use bollard::container::LogOutput;
use bollard::errors::Error;
use futures_util::{Stream, StreamExt};

use crate::engine::capture::Captured;
use crate::engine::error::Cause;

/// The stream of an attached container or command.
pub(super) type Output = Pin<Box<dyn Stream<Item = Result<LogOutput, Error>> + Send>>;

/// Reads to the end, and keeps `limit` bytes of each stream. What is beyond is read, too: a program
/// must not be stopped by a pipe that nobody empties.
pub(super) async fn drain(
    output: &mut Output,
    limit: usize,
    stdout: &mut Captured,
    stderr: &mut Captured,
) -> Result<(), Cause> {
    while let Some(frame) = output.next().await {
        match frame.map_err(Cause::from)? {
            LogOutput::StdErr { message } => stderr.push(&message, limit),
            LogOutput::StdOut { message } | LogOutput::Console { message } => {
                stdout.push(&message, limit)
            }
            LogOutput::StdIn { .. } => {}
        }
    }
    Ok(())
}
