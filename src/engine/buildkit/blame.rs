//! Whose fault a failed build is: found out by asking and trying, never by the builder's words.
//!
//! Words hold what a submission wrote: commands, paths, names of images, what a registry of its
//! choice answers. So a failure is ours when we know of it ourselves (the connection or the session
//! broke), when the builder was made to give up, or when it fails for a build of our own, too.

use super::Engine;
use super::base::{NoBase, fetched};
use super::progress::Progress;
use crate::engine::build::{BuildFailure, BuildRequest};
use crate::engine::error::Cause;

/// Whose a failure is, when it is not ours.
pub(super) enum Theirs {
    /// The submission's.
    Surely(BuildFailure),
    /// The submission's if it happens again; or ours, for that cause.
    IfAgain(BuildFailure, Option<Cause>),
}

/// What runc prints for whoever waits for a RUN's program. A program can print it, too, so that it decides nothing.
const RUNTIME_FAILED: &str = "runc run failed";

impl Engine {
    /// Sorts a failure.
    ///
    /// # Errors
    /// What failed on our side.
    pub(super) async fn blame(
        &self,
        failure: BuildFailure,
        progress: &Progress<'_>,
        request: &BuildRequest,
    ) -> Result<Theirs, Cause> {
        if failure.exit_code.is_some() {
            // It failed in the submission's own program, or the runtime could not begin it: both have a code.
            if failure.step.is_some_and(|step| progress.log(step).contains(RUNTIME_FAILED)) {
                self.control_run(request).await?;
            }
            return Ok(Theirs::Surely(failure));
        }
        let step = failure.step.and_then(|index| progress.steps().get(index));
        let Some(reference) = step.and_then(fetched) else {
            self.control(request).await?;
            return Ok(Theirs::Surely(failure));
        };
        Ok(match self.no_base(reference, request, &failure.message).await? {
            NoBase::Theirs(None) => Theirs::Surely(failure),
            NoBase::Theirs(Some(message)) => Theirs::Surely(BuildFailure { message, ..failure }),
            NoBase::ThereNow(ours) => Theirs::IfAgain(failure, ours),
        })
    }
}
