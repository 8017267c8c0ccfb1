//! A small BuildKit client: builds with secrets and SSH agents from memory, a network switch, live progress and an image id.
//!
//! Two raw streams to the engine make a build: `/session`, on which *we* serve what the builder asks
//! for (the context, secrets, SSH agents), and `/grpc`, on which we ask it to solve and listen to its
//! status. Both end when the build's future is dropped, and with them whatever the build runs.

mod failure;
mod progress;
mod session;
mod solve;

use std::time::{Duration, Instant};

use super::agent::Agents;
use super::build::{BuildEvent, BuildOutcome, BuildReport, BuildRequest};
use super::docker::Engine;
use super::error::{Cause, EngineError};
use super::label::image_name;
use failure::Ending;
use progress::Progress;

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
        let name = image_name(&request.labels.run, &request.name);
        // The builder shares a base image's state among the builds that use it at the same time. On an engine that has not built upon the
        // image before, Docker 26 then finds nothing in its cache for a RUN right after that FROM. Waiting is not the build's time.
        let (_beside, _alone) = match request.alone {
            false => (Some(self.builds().read().await), None),
            true => (None, Some(self.builds().write().await)),
        };
        let limit = request.time_limit;
        let began = Instant::now();
        let mut progress = Progress::new(listen);
        let agents = Agents::new(request.ssh.clone());
        let solving = solve::solve(self.dialer(), request, &name, agents.clone(), &mut progress);
        let ending = tokio::time::timeout(limit, solving).await;
        let took = began.elapsed();
        let failed = |cause| EngineError::Build { name: name.clone(), cause };
        let outcome = match ending {
            Ok(Ok(Ending::Built { image })) => BuildOutcome::Built { image },
            Ok(Ok(Ending::Failed(status))) => {
                BuildOutcome::Failed(failure::classify(&status, progress.steps()).map_err(failed)?)
            }
            Ok(Err(cause)) => return Err(failed(cause)),
            Err(_) => {
                // A build that never ends and an engine that is gone look the same until asked.
                self.ping().await.map_err(failed)?;
                BuildOutcome::TimedOut
            }
        };
        Ok(BuildReport { outcome, steps: progress.into_steps(), agents: agents.used(), took })
    }
}

/// A transport that broke, as opposed to an answer of the builder.
fn transport_cause(status: &tonic::Status) -> Option<Cause> {
    let broke =
        std::error::Error::source(status).is_some() || status.code() == tonic::Code::Unavailable;
    broke.then(|| Cause::lost(status.message()))
}
