//! A small BuildKit client: builds with secrets and SSH agents from memory, a network switch, live progress and an image id.
//!
//! Two raw streams to the engine make a build: `/session`, on which *we* serve what the builder asks
//! for (the context, secrets, SSH agents), and `/grpc`, on which we ask it to solve and listen to its
//! status. Both end when the build's future is dropped, and with them whatever the build runs.

mod base;
mod blame;
mod control;
mod definition;
mod failure;
mod filesync;
mod gateway;
mod progress;
mod session;
mod solve;

use std::time::{Duration, Instant};

use super::agent::Agents;
use super::build::{BuildEvent, BuildOutcome, BuildReport, BuildRequest, Reading};
use super::docker::Engine;
use super::error::{Cause, EngineError};
use super::label::image_name;
use blame::Theirs;
pub(super) use control::CONTROL_FILE;
use failure::Ending;
use filesync::Sending;
use progress::Progress;
use solve::Solved;

/// A status message holds the logs of a moment, and a build can print much in one.
const LARGEST_MESSAGE: usize = 64 << 20;
/// How long the last words of a build may take to arrive once it ended.
const LAST_WORDS: Duration = Duration::from_secs(5);

impl Engine {
    /// Builds an image and tells how that went; `listen` hears of it while it happens.
    ///
    /// Dropping the future ends the build and kills what it runs.
    ///
    /// # Errors
    /// [`EngineError::Build`] when the engine, its disk, or the registry of a base image failed. A
    /// build that fails for its Dockerfile's sake, or that hits its time limit, is a report.
    pub async fn build(
        &self,
        request: BuildRequest,
        listen: &(dyn Fn(BuildEvent) + Send + Sync),
    ) -> Result<BuildReport, EngineError> {
        // The builder shares a base image's state among the builds that use it at the same time. On an engine that has not built upon the
        // image before, the builder then finds nothing in its cache for a RUN right after that FROM. Waiting is not the build's time.
        let (_beside, _alone) = match request.alone {
            false => (Some(self.builds().read().await), None),
            true => (None, Some(self.builds().write().await)),
        };
        let failed = |cause| EngineError::Build {
            name: image_name(&request.labels.run, &request.name),
            cause,
        };
        let tried = match self.attempt(&request, listen).await.map_err(failed)? {
            Attempt::Ended(report) => return Ok(report),
            Attempt::Doubtful(..) => self.attempt(&request, listen).await.map_err(failed)?,
        };
        match tried {
            Attempt::Doubtful(_, Some(ours)) => Err(failed(ours)),
            Attempt::Ended(report) | Attempt::Doubtful(report, None) => Ok(report),
        }
    }

    async fn attempt(
        &self,
        request: &BuildRequest,
        listen: &(dyn Fn(BuildEvent) + Send + Sync),
    ) -> Result<Attempt, Cause> {
        let name = image_name(&request.labels.run, &request.name);
        let began = Instant::now();
        let mut progress = Progress::new(listen);
        let agents = Agents::new(request.ssh.clone());
        let sending = Sending::new(request.context.clone());
        // Its state is large, and a worker's stack is not.
        let solving = Box::pin(solve::solve(
            self.dialer(),
            request,
            &name,
            agents.clone(),
            &sending,
            &mut progress,
        ));
        let solved = tokio::time::timeout(request.time_limit, solving).await;
        let took = began.elapsed();
        let (ending, reading) = match solved {
            Ok(solved) => {
                let Solved { ending, reading } = solved?;
                (Some(ending), reading)
            }
            Err(_) => (None, None),
        };
        let report = |progress: Progress<'_>, outcome| BuildReport {
            outcome,
            steps: progress.into_steps(),
            agents: agents.used(),
            reading: reading.map(|graph| Reading {
                runs: graph.runs(),
                adds: graph.adds(),
                base: graph.base(),
            }),
            sent: sending.sent(),
            took,
        };
        if let Some(error) = sending.refused() {
            if error.is_ours() {
                return Err(Cause::Other(error.to_string()));
            }
            return Ok(Attempt::Ended(report(progress, BuildOutcome::NotSent(error))));
        }
        let failure = match ending {
            Some(Ending::Built { image }) => {
                return Ok(Attempt::Ended(report(progress, BuildOutcome::Built { image })));
            }
            None => {
                // A build that never ends and an engine that is gone look the same until asked.
                self.ping().await?;
                return Ok(Attempt::Ended(report(progress, BuildOutcome::TimedOut)));
            }
            Some(Ending::Broken(cause)) => {
                // A step that failed before makes the answer a failure, however it was lost. An
                // engine that is gone failed all steps itself.
                self.ping().await?;
                failure::of_steps(&progress).ok_or(cause)?
            }
            Some(Ending::Failed(status)) => failure::of_answer(&status, &progress),
        };
        let theirs = self.blame(failure, &progress, request).await?;
        Ok(match theirs {
            Theirs::Surely(failure) => {
                Attempt::Ended(report(progress, BuildOutcome::Failed(failure)))
            }
            Theirs::IfAgain(failure, ours) => {
                Attempt::Doubtful(report(progress, BuildOutcome::Failed(failure)), ours)
            }
        })
    }
}

/// What came of trying to build.
enum Attempt {
    Ended(BuildReport),
    /// It failed for what is in order by now. Should it fail again, the report stands, or it was
    /// ours for that cause.
    Doubtful(BuildReport, Option<Cause>),
}

/// A transport that broke, as opposed to an answer of the builder: only that has an error behind it.
fn transport_cause(status: &tonic::Status) -> Option<Cause> {
    std::error::Error::source(status).map(|error| Cause::lost(error.to_string()))
}
