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
        let name = container_name(&spec.name);
        let options = CreateContainerOptionsBuilder::default().name(&name).build();
        let failed = |cause| EngineError::Create { name: name.clone(), cause };
        match call_or_refusal(self.docker.create_container(Some(options), body(spec)))
            .await
            .map_err(failed)?
        {
            Ok(created) => Ok(Created::Container(created.id)),
            // 404 is a missing image and 409 a name in use: both are ours.
            Err((400, message)) if !is_ours(&message) => Ok(Created::Refused { message }),
            Err((500, message)) if is_theirs(&message) => {
                Ok(Created::Refused { message: without_root(&message) })
            }
            Err((_, message)) => Err(failed(Cause::of_message(message))),
        }
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
        let starting = self.docker.start_container(container, None::<StartContainerOptions>);
        match call_or_refusal(starting).await.map_err(failed)? {
            Ok(()) => Ok(Started::Started),
            Err((400, message)) if !is_ours(&message) => Ok(Started::Refused { message }),
            Err((_, message)) if is_theirs(&message) => Ok(Started::Refused { message }),
            Err((_, message)) => Err(failed(Cause::of_message(message))),
        }
    }
}

/// Signs in the engine's words that the machine failed, whatever the status says.
fn is_ours(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    [
        "no space left on device",
        "cgroup",
        "iptables",
        "resource temporarily unavailable",
        "cannot allocate memory",
        "no such container",
        "context deadline exceeded",
        "connection refused",
        "transport is closing",
        "failed to mount",
    ]
    .iter()
    .any(|sign| message.contains(sign))
}

/// Signs that the image asks for a program, user or folder that cannot be had.
fn is_theirs(message: &str) -> bool {
    let lower = message.to_ascii_lowercase();
    !is_ours(message)
        && [
            "executable file not found",
            "exec format error",
            "no such file or directory",
            "permission denied",
            "not a directory",
            "is a directory",
            "unable to find user",
            "unable to find group",
            "no matching entries in passwd file",
            "no matching entries in group file",
            "uids and gids must be in range",
            "chdir to cwd",
            "cannot mkdir",
            "no command specified",
            "cannot mount volume over existing file",
        ]
        .iter()
        .any(|sign| lower.contains(sign))
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
    fn the_machine_s_trouble_is_told_from_the_image_s() {
        let missing = "OCI runtime create failed: exec: \"nope\": executable file not found in $PATH: unknown";
        assert!(is_theirs(missing));
        assert!(is_theirs("unable to find user ghost: no matching entries in passwd file"));
        assert!(is_theirs(
            "cannot mount volume over existing file, file exists /some/overlay2/1/merged/x"
        ));
        assert!(!is_theirs(
            "OCI runtime create failed: open /sys/fs/cgroup/x: no such file or directory"
        ));
        assert!(!is_theirs("mkdir /var/lib/docker/x: no space left on device"));
        assert!(!is_theirs("something else broke"));
    }

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
