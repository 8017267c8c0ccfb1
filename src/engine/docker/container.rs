//! What can be done with a container that is there.

use bollard::errors::Error;
use bollard::models::{ContainerState as RawState, Health as RawHealth, HealthStatusEnum};
use bollard::query_parameters::{
    InspectContainerOptions, KillContainerOptionsBuilder, RemoveContainerOptionsBuilder,
    RestartContainerOptionsBuilder, StopContainerOptionsBuilder, WaitContainerOptionsBuilder,
};
use futures_util::StreamExt;

use super::cause::{bounded, call, call_or_refusal, refusal};
use super::{CALL_LIMIT, Engine};
use crate::engine::container::{Check, ContainerState, Health, HealthStatus, Signalled, Started};
use crate::engine::error::{Cause, EngineError};

impl Engine {
    /// Looks at a container.
    ///
    /// # Errors
    /// [`EngineError::Inspect`] when the engine failed or there is no such container.
    pub async fn inspect(&self, container: &str) -> Result<ContainerState, EngineError> {
        Ok(state(self.raw_state(container).await?))
    }

    /// Of a container that a submission removed, on its own engine: one that does not run.
    pub(super) async fn raw_state(&self, container: &str) -> Result<RawState, EngineError> {
        let inspecting = self.docker.inspect_container(container, None::<InspectContainerOptions>);
        let failed =
            |cause| EngineError::Inspect { object: format!("the container {container}"), cause };
        match call_or_refusal(inspecting).await.map_err(failed)? {
            Ok(raw) => raw
                .state
                .ok_or_else(|| failed(Cause::Other("the engine names no state".to_owned()))),
            Err((404, _)) if self.is_inside() => Ok(RawState::default()),
            Err((_, message)) => Err(failed(Cause::of_message(message))),
        }
    }

    /// Stops a container without grace and starts it again.
    ///
    /// # Errors
    /// [`EngineError::Restart`] when the engine failed.
    pub async fn restart(&self, container: &str) -> Result<Started, EngineError> {
        let options = RestartContainerOptionsBuilder::default().t(0).build();
        let restarting = self.docker.restart_container(container, Some(options));
        match call_or_refusal(restarting).await {
            Ok(Ok(())) => Ok(Started::Started),
            Ok(Err((404, message))) => Err(Cause::Other(message)),
            // Stopping cannot be refused; so it is the start, whose refusals come with any status.
            Ok(Err(_)) => return self.start(container).await,
            Err(cause) => Err(cause),
        }
        .map_err(|cause| EngineError::Restart { container: container.to_owned(), cause })
    }

    /// Asks a container to end, with `grace` seconds to do so, and kills it then. One that does not
    /// run is left as it is.
    ///
    /// # Errors
    /// [`EngineError::Stop`] when the engine failed.
    pub async fn stop(&self, container: &str, grace: u32) -> Result<(), EngineError> {
        let grace = i32::try_from(grace).unwrap_or(i32::MAX);
        let options = StopContainerOptionsBuilder::default().t(grace).build();
        call(self.docker.stop_container(container, Some(options)))
            .await
            .map_err(|cause| EngineError::Stop { container: container.to_owned(), cause })
    }

    /// Sends a signal (`KILL`, `TERM`, `STOP`) to a container's first process.
    ///
    /// # Errors
    /// [`EngineError::Signal`] when the engine failed or there is no such container.
    pub async fn kill(&self, container: &str, signal: &str) -> Result<Signalled, EngineError> {
        let options = KillContainerOptionsBuilder::default().signal(signal).build();
        let failed = |cause| EngineError::Signal { container: container.to_owned(), cause };
        match call_or_refusal(self.docker.kill_container(container, Some(options)))
            .await
            .map_err(failed)?
        {
            Ok(()) => Ok(Signalled::Sent),
            Err((409, _)) => Ok(Signalled::NotRunning),
            Err((404, _)) if self.is_inside() => Ok(Signalled::NotRunning),
            Err((_, message)) => Err(failed(Cause::of_message(message))),
        }
    }

    /// Removes a container, running or not, and its anonymous volumes. One that is gone is fine.
    ///
    /// # Errors
    /// [`EngineError::Remove`] when the engine failed.
    pub async fn remove(&self, container: &str) -> Result<(), EngineError> {
        self.remove_with(container, true).await
    }

    /// As `docker rm -f` does it: its anonymous volumes stay.
    ///
    /// # Errors
    /// As for [`Engine::remove`].
    pub async fn remove_keeping_volumes(&self, container: &str) -> Result<(), EngineError> {
        self.remove_with(container, false).await
    }

    async fn remove_with(&self, container: &str, volumes: bool) -> Result<(), EngineError> {
        let options = RemoveContainerOptionsBuilder::default().force(true).v(volumes).build();
        let failed =
            |cause| EngineError::Remove { object: format!("the container {container}"), cause };
        match call_or_refusal(self.docker.remove_container(container, Some(options)))
            .await
            .map_err(failed)?
        {
            Ok(()) | Err((404, _)) => Ok(()),
            // Until it is gone, its image cannot be removed.
            Err((409, message)) if message.contains("already in progress") => {
                self.gone(container).await.map_err(failed)
            }
            Err((_, message)) => Err(failed(Cause::of_message(message))),
        }
    }

    /// Waits for the end of a removal that is under way.
    async fn gone(&self, container: &str) -> Result<(), Cause> {
        let options = WaitContainerOptionsBuilder::default().condition("removed").build();
        let mut answers = std::pin::pin!(self.docker.wait_container(container, Some(options)));
        bounded(CALL_LIMIT, async {
            match answers.next().await {
                // It was removed before, or bollard takes its exit code for an error.
                Some(Err(error)) if refusal(&error).is_some_and(|(status, _)| status == 404) => {
                    Ok(())
                }
                Some(Ok(_) | Err(Error::DockerContainerWaitError { .. })) => Ok(()),
                Some(Err(error)) => Err(Cause::from(error)),
                None => Err(Cause::lost("the engine hung up while a container was removed")),
            }
        })
        .await
    }
}

fn state(raw: RawState) -> ContainerState {
    let running = raw.running.unwrap_or_default();
    ContainerState {
        running,
        paused: raw.paused.unwrap_or_default(),
        exit_code: raw.exit_code.filter(|_| !running),
        oom_killed: raw.oom_killed.unwrap_or_default(),
        health: raw.health.and_then(health),
    }
}

fn health(raw: RawHealth) -> Option<Health> {
    let log = raw.log.unwrap_or_default().into_iter().map(|check| Check {
        exit_code: check.exit_code.unwrap_or_default(),
        output: check.output.unwrap_or_default(),
        start: check.start.unwrap_or_default(),
        end: check.end.unwrap_or_default(),
    });
    let status = match raw.status? {
        HealthStatusEnum::STARTING => HealthStatus::Starting,
        HealthStatusEnum::HEALTHY => HealthStatus::Healthy,
        HealthStatusEnum::UNHEALTHY => HealthStatus::Unhealthy,
        HealthStatusEnum::NONE | HealthStatusEnum::EMPTY => return None,
    };
    Some(Health {
        status,
        failing_streak: u64::try_from(raw.failing_streak.unwrap_or_default()).unwrap_or_default(),
        log: log.collect(),
    })
}
