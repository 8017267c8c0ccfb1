//! Creating and starting containers.

use std::collections::HashMap;
use std::time::Duration;

use bollard::models::{ContainerCreateBody, HealthConfig, HostConfig, HostConfigLogConfig};
use bollard::query_parameters::{CreateContainerOptionsBuilder, StartContainerOptions};

use super::Engine;
use super::cause::call_or_refusal;
use crate::engine::container::{ContainerNetwork, ContainerSpec, Created, HealthTiming, Started};
use crate::engine::error::{Cause, EngineError};
use crate::engine::label::{Labels, container_name};

/// The name of a container that has no network.
const HOSTNAME: &str = "container";

impl Engine {
    /// Creates a container; it does not run yet.
    ///
    /// # Errors
    /// [`EngineError::Create`] when the engine failed, the image is not there or the name is taken.
    pub async fn create(&self, spec: &ContainerSpec) -> Result<Created, EngineError> {
        let failed = |cause| EngineError::Create { name: container_name(&spec.name), cause };
        let mut answer = match self.create_once(spec).await {
            Ok(answer) => answer,
            // To fill an image's volumes can take as long as the image likes.
            Err(said @ Cause::Timeout { .. }) => {
                let message = self.theirs(Some(&spec.labels), said).await.map_err(failed)?;
                return Ok(Created::Refused { message });
            }
            Err(cause) => return Err(failed(cause)),
        };
        if matches!(answer, Err((409, _))) {
            // Somebody has that name, maybe to keep us from it. This one nobody knows before.
            let new: u64 = rand::random();
            let spec = ContainerSpec { name: format!("{}-{new:016x}", spec.name), ..spec.clone() };
            answer = self.create_once(&spec).await.map_err(failed)?;
        }
        match answer {
            Ok(id) => Ok(Created::Container(id)),
            // What the image asks for cannot be.
            Err((400, message)) => Ok(Created::Refused { message: without_root(&message) }),
            // 404 is a missing image: those are ours to keep.
            Err((status, message)) if status < 500 => Err(failed(Cause::of_message(message))),
            Err((_, message)) => {
                let said = Cause::of_message(message);
                let message = self.theirs(Some(&spec.labels), said).await.map_err(failed)?;
                Ok(Created::Refused { message: without_root(&message) })
            }
        }
    }

    pub(super) async fn create_once(
        &self,
        spec: &ContainerSpec,
    ) -> Result<Result<String, (u16, String)>, Cause> {
        let name = container_name(&spec.name);
        let options = CreateContainerOptionsBuilder::default().name(&name).build();
        let creating = self.docker.create_container(Some(options), body(spec));
        Ok(call_or_refusal(creating).await?.map(|created| created.id))
    }

    /// Creates a container that is never to be started, to look at an image's files. Also this an
    /// image can make impossible, as with a volume where a file is.
    ///
    /// # Errors
    /// [`EngineError::Create`] when the engine failed, the image is not there or the name is taken.
    pub async fn create_unstarted(
        &self,
        image: &str,
        name: &str,
        labels: &Labels,
    ) -> Result<Created, EngineError> {
        let spec = ContainerSpec {
            image: image.to_owned(),
            name: name.to_owned(),
            // An image may have no command at all, and none is needed.
            command: Some(vec!["none".to_owned()]),
            labels: labels.clone(),
            ..ContainerSpec::default()
        };
        self.create(&spec).await
    }

    /// Starts a container.
    ///
    /// # Errors
    /// [`EngineError::Start`] when the engine failed. A program that is missing or cannot be run is
    /// no error but [`Started::Refused`].
    pub async fn start(&self, container: &str) -> Result<Started, EngineError> {
        let failed = |cause| EngineError::Start { container: container.to_owned(), cause };
        let said = match self.start_once(container).await {
            Ok(Ok(())) => return Ok(Started::Started),
            Ok(Err((404, message))) if self.is_inside() => {
                return Ok(Started::Refused { message });
            }
            Ok(Err((404, message))) => return Err(failed(Cause::Other(message))),
            Ok(Err((_, message))) => Cause::of_message(message),
            // An image can have the engine wait, with a pipe where it looks for the users.
            Err(cause) => cause,
        };
        let message = self.theirs_of(container, said).await.map_err(failed)?;
        Ok(Started::Refused { message })
    }

    pub(super) async fn start_once(
        &self,
        container: &str,
    ) -> Result<Result<(), (u16, String)>, Cause> {
        call_or_refusal(self.docker.start_container(container, None::<StartContainerOptions>)).await
    }
}

/// The words with a path as it is in the image, not where the engine keeps the container's files.
fn without_root(message: &str) -> String {
    match message.split_once(" /") {
        Some((words, path)) => match path.split_once("/merged/") {
            Some((_, inside)) => format!("{words} /{inside}"),
            None => message.to_owned(),
        },
        None => message.to_owned(),
    }
}

fn body(spec: &ContainerSpec) -> ContainerCreateBody {
    let reads = spec.stdin.is_some();
    ContainerCreateBody {
        image: Some(spec.image.clone()),
        hostname: (spec.network == ContainerNetwork::None).then(|| HOSTNAME.to_owned()),
        cmd: spec.command.clone(),
        entrypoint: spec.entrypoint.clone(),
        env: Some(pairs(spec.env.iter())),
        user: spec.user.clone(),
        working_dir: spec.workdir.clone(),
        attach_stdin: Some(reads),
        open_stdin: Some(reads),
        stdin_once: Some(reads),
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        healthcheck: spec.health.as_ref().map(health),
        labels: Some(spec.labels.of_container()),
        host_config: Some(host(spec)),
        ..ContainerCreateBody::default()
    }
}

fn host(spec: &ContainerSpec) -> HostConfig {
    let limits = spec.limits;
    let memory = i64::try_from(limits.memory).unwrap_or(i64::MAX);
    #[expect(clippy::cast_possible_truncation, reason = "a number of processors is small")]
    let nano_cpus = (limits.cpus * 1e9) as i64;
    HostConfig {
        memory: Some(memory),
        memory_swap: Some(memory),
        pids_limit: Some(i64::from(limits.pids)),
        nano_cpus: Some(nano_cpus),
        security_opt: Some(vec!["no-new-privileges".to_owned()]),
        network_mode: Some(
            match spec.network {
                ContainerNetwork::None => "none",
                ContainerNetwork::Default => "default",
            }
            .to_owned(),
        ),
        // Without a network an engine leaves a container's own name out of its /etc/hosts.
        extra_hosts: (spec.network == ContainerNetwork::None)
            .then(|| vec![format!("{HOSTNAME}:127.0.0.1")]),
        log_config: Some(HostConfigLogConfig {
            typ: Some("none".to_owned()),
            config: Some(HashMap::new()),
        }),
        ..HostConfig::default()
    }
}

/// With no test of its own, the image's stays.
fn health(timing: &HealthTiming) -> HealthConfig {
    let nanos = |duration: Duration| i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX);
    let unless_zero = |duration: Duration| (!duration.is_zero()).then(|| nanos(duration));
    HealthConfig {
        interval: unless_zero(timing.interval),
        timeout: timing.timeout.and_then(unless_zero),
        start_period: unless_zero(timing.start_period),
        ..HealthConfig::default()
    }
}

/// `KEY=value`, as the engine takes an environment.
pub(super) fn pairs<'a>(env: impl Iterator<Item = (&'a String, &'a String)>) -> Vec<String> {
    env.map(|(key, value)| format!("{key}={value}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_the_engine_s_is_told_as_the_image_s() {
        let told = "cannot mount volume over existing file, file exists";
        let message = format!("{told} /some/overlay2/1/merged/d/x");
        assert_eq!(without_root(&message), format!("{told} /d/x"));
        assert_eq!(without_root("no such file /bin/x"), "no such file /bin/x");
    }

    #[test]
    fn every_container_has_limits() {
        let spec = ContainerSpec::default();
        let body = body(&spec);
        let host = body.host_config.expect("limits");
        assert_eq!(host.memory, Some(512 << 20));
        assert_eq!(host.memory_swap, host.memory);
        assert_eq!(host.pids_limit, Some(256));
        assert_eq!(host.nano_cpus, Some(1_000_000_000));
        assert_eq!(host.network_mode.as_deref(), Some("none"));
    }

    #[test]
    fn health_times_leave_the_image_s_test_alone() {
        let timing =
            HealthTiming { interval: Duration::from_millis(200), ..HealthTiming::default() };
        let config = health(&timing);
        assert_eq!(config.interval, Some(200_000_000));
        assert_eq!(
            (config.test, config.timeout, config.start_period, config.retries),
            (None, None, None, None)
        );
    }
}
