//! What a sandbox asks of the engine around it: a container with limits, a pipe into it, images.

use std::collections::HashMap;
use std::io;
use std::pin::Pin;
use std::time::Duration;

use bollard::container::LogOutput;
use bollard::errors::Error;
use bollard::exec::{StartExecOptions, StartExecResults};
use bollard::models::{
    ContainerCreateBody, ContainerSummary, ExecConfig, HostConfig, HostConfigCgroupnsModeEnum,
    Mount, MountType, MountVolumeOptions, NetworkConnectRequest, NetworkDisconnectRequest,
};
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, ImportImageOptionsBuilder, ListContainersOptionsBuilder,
    RenameContainerOptionsBuilder, WaitContainerOptionsBuilder,
};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, TryStreamExt};
use tokio::io::{AsyncWrite, Join};
use tokio_util::io::StreamReader;

use super::Engine;
use super::cause::{bounded, call, call_or_refusal, into_io, refusal};
use crate::engine::error::{Cause, EngineError};
use crate::engine::label::NAME_PREFIX;

/// Capabilities that an engine inside does not need, and that could be felt outside. Not every
/// machine has all of them to give.
const WITHHELD: [&str; 5] = ["SYS_RESOURCE", "SYS_MODULE", "SYS_BOOT", "SYS_TIME", "SYS_RAWIO"];
/// Loop devices, for a disk of a fixed size.
const DEVICES: [&str; 2] = ["c 10:237 rwm", "b 7:* rwm"];

/// A container to hold an engine of its own.
#[derive(Debug, Clone)]
pub struct SandboxSpec {
    /// The container's name, without our prefix.
    pub name: String,
    /// Name or id of an image with an engine in it.
    pub image: String,
    /// What runs in it.
    pub command: Vec<String>,
    /// Its environment.
    pub env: Vec<String>,
    /// Labels of the container and its disk, in full.
    pub labels: HashMap<String, String>,
    /// Bytes of memory, swap included.
    pub memory: u64,
    /// Processes and threads.
    pub pids: u32,
    /// Processors, also parts of one.
    pub cpus: f64,
    /// Where the sandbox keeps its disk, if it has one: a volume that goes with the container.
    pub disk: Option<String>,
    /// What it shares with others.
    pub shared: Option<SharedVolume>,
}

/// A volume that outlives the containers it is mounted in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedVolume {
    /// Its name.
    pub name: String,
    /// Where it is mounted.
    pub target: String,
    /// Whether it may be written there.
    pub writable: bool,
    /// Its labels, where it is not there yet.
    pub labels: HashMap<String, String>,
}

/// A sandbox's container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SandboxContainer {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its labels.
    pub labels: HashMap<String, String>,
    /// How far its life has come.
    pub life: SandboxLife,
}

/// How far the life of a sandbox's container has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SandboxLife {
    /// It was created and never started: whoever made it may be about to.
    Created,
    /// It runs.
    Running,
    /// It has ended, and its engine was stopped before it could be removed.
    Ended,
}

/// What an engine's machine has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Machine {
    /// Its processors, one at least.
    pub processors: u32,
    /// Its memory in bytes, where it is known.
    pub memory: Option<u64>,
}

/// Standard input and output of a command in a container: what it prints can be read here, what is
/// written here it reads.
pub type Pipe = Join<StreamReader<Pieces, Bytes>, Pin<Box<dyn AsyncWrite + Send>>>;

/// Bytes as they come.
type Pieces = Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>;

impl Engine {
    /// Creates a sandbox's container, not started, without a network; none when another container
    /// has its name.
    ///
    /// # Errors
    /// [`EngineError::Create`] when the engine failed or the image is not there.
    pub async fn create_sandbox(&self, spec: &SandboxSpec) -> Result<Option<String>, EngineError> {
        let name = format!("{NAME_PREFIX}{}", spec.name);
        let options = CreateContainerOptionsBuilder::default().name(&name).build();
        let creating = self.docker.create_container(Some(options), body(spec));
        let cause = match call_or_refusal(creating).await {
            Ok(Ok(created)) => return Ok(Some(created.id)),
            Ok(Err((409, _))) => return Ok(None),
            Ok(Err((_, message))) => Cause::of_message(message),
            Err(cause) => cause,
        };
        Err(EngineError::Create { name, cause })
    }

    /// Gives a sandbox's container another name, without our prefix.
    ///
    /// # Errors
    /// [`EngineError::Sandbox`] when the engine failed, or the container is gone.
    pub async fn rename_sandbox(&self, container: &str, name: &str) -> Result<(), EngineError> {
        let name = format!("{NAME_PREFIX}{name}");
        let options = RenameContainerOptionsBuilder::default().name(&name).build();
        call(self.docker.rename_container(container, options))
            .await
            .map_err(|cause| EngineError::Sandbox { cause })
    }

    /// Gives a sandbox's container a way to the outside.
    ///
    /// # Errors
    /// [`EngineError::Sandbox`] when the engine failed.
    pub async fn connect_sandbox(&self, container: &str) -> Result<(), EngineError> {
        let failed = |cause| EngineError::Sandbox { cause };
        let container = container.to_owned();
        // One without a network cannot have another beside that.
        let leave = NetworkDisconnectRequest { container: container.clone(), force: None };
        call(self.docker.disconnect_network("none", leave)).await.map_err(failed)?;
        let join = NetworkConnectRequest { container, endpoint_config: None };
        call(self.docker.connect_network("bridge", join)).await.map_err(failed)
    }

    /// Waits until a container of this name, without our prefix, is gone or has ended; false when there
    /// is none.
    ///
    /// # Errors
    /// [`EngineError::Sandbox`] when the engine failed, or it goes on for longer than `limit`.
    pub async fn sandbox_ended(&self, name: &str, limit: Duration) -> Result<bool, EngineError> {
        let name = format!("{NAME_PREFIX}{name}");
        let options = WaitContainerOptionsBuilder::default().condition("removed").build();
        let mut ends = std::pin::pin!(self.docker.wait_container(&name, Some(options)));
        let failed = |cause| EngineError::Sandbox { cause };
        let end = bounded(limit, async { Ok(ends.next().await) }).await.map_err(failed)?;
        match end {
            // Its exit code is told as an error, too.
            None | Some(Ok(_) | Err(Error::DockerContainerWaitError { .. })) => Ok(true),
            Some(Err(error)) if refusal(&error).is_some_and(|(status, _)| status == 404) => {
                Ok(false)
            }
            Some(Err(error)) => Err(failed(error.into())),
        }
    }

    /// The containers, running or not, that carry this label (`key` or `key=value`).
    ///
    /// # Errors
    /// [`EngineError::List`] when the engine failed.
    pub async fn sandboxes(&self, label: &str) -> Result<Vec<SandboxContainer>, EngineError> {
        let filters = HashMap::from([("label".to_owned(), vec![label.to_owned()])]);
        let options = ListContainersOptionsBuilder::default().all(true).filters(&filters).build();
        let containers = call(self.docker.list_containers(Some(options))).await;
        let containers = containers.map_err(|cause| EngineError::List { cause })?;
        Ok(containers.into_iter().filter_map(sandbox).collect())
    }

    /// Runs a command in a running container and gives its standard input and output.
    ///
    /// # Errors
    /// [`EngineError::Exec`] when the engine failed or the container does not run.
    pub async fn pipe(&self, container: &str, command: &[&str]) -> Result<Pipe, EngineError> {
        let failed = |cause| EngineError::Exec { container: container.to_owned(), cause };
        let config = ExecConfig {
            cmd: Some(command.iter().map(|&word| word.to_owned()).collect()),
            attach_stdin: Some(true),
            attach_stdout: Some(true),
            ..ExecConfig::default()
        };
        let exec = call(self.docker.create_exec(container, config)).await.map_err(failed)?;
        let options = StartExecOptions { output_capacity: Some(64 << 10), ..Default::default() };
        match call(self.docker.start_exec(&exec.id, Some(options))).await.map_err(failed)? {
            StartExecResults::Attached { output, input } => {
                let pieces: Pieces = Box::pin(output.filter_map(async |frame| match frame {
                    Ok(LogOutput::StdOut { message } | LogOutput::Console { message }) => {
                        Some(Ok(message))
                    }
                    Ok(LogOutput::StdErr { .. } | LogOutput::StdIn { .. }) => None,
                    Err(error) => Some(Err(into_io(error))),
                }));
                Ok(tokio::io::join(StreamReader::new(pieces), input))
            }
            StartExecResults::Detached => {
                Err(failed(Cause::Other("the engine did not attach".to_owned())))
            }
        }
    }

    /// The engine's machine.
    ///
    /// # Errors
    /// [`EngineError::Inspect`] when the engine failed.
    pub async fn machine(&self) -> Result<Machine, EngineError> {
        let object = "the engine's machine".to_owned();
        let info = call(self.docker.info()).await;
        let info = info.map_err(|cause| EngineError::Inspect { object, cause })?;
        let processors = info.ncpu.and_then(|count| u32::try_from(count).ok()).unwrap_or(1).max(1);
        let memory = info.mem_total.and_then(|bytes| u64::try_from(bytes).ok());
        Ok(Machine { processors, memory: memory.filter(|bytes| *bytes > 0) })
    }

    /// The id that an image's name stands for; none when there is no such image.
    ///
    /// # Errors
    /// [`EngineError::Inspect`] when the engine failed.
    pub async fn image_id(&self, image: &str) -> Result<Option<String>, EngineError> {
        let failed = |cause| EngineError::Inspect { object: format!("the image {image}"), cause };
        match call_or_refusal(self.docker.inspect_image(image)).await.map_err(failed)? {
            Ok(inspected) => Ok(inspected.id),
            Err((404, _)) => Ok(None),
            Err((_, message)) => Err(failed(Cause::of_message(message))),
        }
    }

    /// Copies an image from another engine, with its name. One at a time: an engine may write all of an
    /// export to its disk before it gives the first byte, and slow ones took minutes for several.
    ///
    /// # Errors
    /// [`EngineError::Export`] when either engine failed.
    pub async fn copy_image(&self, from: &Engine, image: &str) -> Result<(), EngineError> {
        let failed = |cause| EngineError::Export { image: image.to_owned(), cause };
        let pieces = exported(from.docker.clone(), image.to_owned());
        let options = ImportImageOptionsBuilder::default().quiet(true).build();
        let mut told = std::pin::pin!(self.docker.import_image_stream(options, pieces, None));
        while let Some(line) = told.try_next().await.map_err(|error| failed(Cause::from(error)))? {
            if let Some(detail) = line.error_detail {
                return Err(failed(Cause::of_message(detail.message.unwrap_or_default())));
            }
        }
        Ok(())
    }
}

/// The tar of an image, as a stream that owns what it needs.
fn exported(docker: bollard::Docker, image: String) -> Pieces {
    let (sender, receiver) = tokio::sync::mpsc::channel::<io::Result<Bytes>>(16);
    tokio::spawn(async move {
        let mut pieces = std::pin::pin!(docker.export_image(&image));
        while let Some(piece) = pieces.next().await {
            if sender.send(piece.map_err(into_io)).await.is_err() {
                return;
            }
        }
    });
    Box::pin(tokio_stream::wrappers::ReceiverStream::new(receiver))
}

fn sandbox(container: ContainerSummary) -> Option<SandboxContainer> {
    let names = container.names.unwrap_or_default();
    let name = names.iter().filter_map(|name| name.strip_prefix('/'));
    let name = name.into_iter().find(|name| name.starts_with(NAME_PREFIX))?.to_owned();
    let life = match container.state?.to_string().as_str() {
        "created" => SandboxLife::Created,
        "exited" | "dead" | "removing" => SandboxLife::Ended,
        _ => SandboxLife::Running,
    };
    let labels = container.labels.unwrap_or_default();
    Some(SandboxContainer { id: container.id?, name, labels, life })
}

fn body(spec: &SandboxSpec) -> ContainerCreateBody {
    let memory = i64::try_from(spec.memory).unwrap_or(i64::MAX);
    #[expect(clippy::cast_possible_truncation, reason = "a number of processors is small")]
    let nano_cpus = (spec.cpus * 1e9) as i64;
    let texts = |list: &[&str]| list.iter().map(|&text| text.to_owned()).collect::<Vec<_>>();
    let host = HostConfig {
        auto_remove: Some(true),
        init: Some(false),
        memory: Some(memory),
        memory_swap: Some(memory),
        pids_limit: Some(i64::from(spec.pids)),
        nano_cpus: Some(nano_cpus),
        // Whatever else the machine does goes first.
        cpu_shares: Some(256),
        // Not privileged: an engine inside needs to mount and to make namespaces, and no devices
        // but loops. Machines differ in what a privileged container can be given at all.
        cap_add: Some(texts(&["ALL"])),
        cap_drop: Some(texts(&WITHHELD)),
        security_opt: Some(texts(&["seccomp=unconfined", "apparmor=unconfined"])),
        masked_paths: Some(Vec::new()),
        readonly_paths: Some(Vec::new()),
        cgroupns_mode: Some(HostConfigCgroupnsModeEnum::PRIVATE),
        device_cgroup_rules: Some(texts(&DEVICES)),
        mounts: Some(mounts(spec)),
        network_mode: Some("none".to_owned()),
        ..HostConfig::default()
    };
    ContainerCreateBody {
        image: Some(spec.image.clone()),
        hostname: Some("sandbox".to_owned()),
        entrypoint: Some(spec.command.clone()),
        cmd: Some(Vec::new()),
        env: Some(spec.env.clone()),
        user: Some("0:0".to_owned()),
        labels: Some(spec.labels.clone()),
        host_config: Some(host),
        ..ContainerCreateBody::default()
    }
}

fn mounts(spec: &SandboxSpec) -> Vec<Mount> {
    let volume = |target: &str, labels: &HashMap<String, String>| Mount {
        target: Some(target.to_owned()),
        typ: Some(MountType::VOLUME),
        volume_options: Some(MountVolumeOptions {
            labels: Some(labels.clone()),
            no_copy: Some(true),
            ..MountVolumeOptions::default()
        }),
        ..Mount::default()
    };
    // Without a name the volume is the container's own, and goes with it.
    let disk = spec.disk.iter().map(|target| volume(target, &spec.labels));
    let shared = spec.shared.iter().map(|shared| Mount {
        source: Some(shared.name.clone()),
        read_only: Some(!shared.writable),
        ..volume(&shared.target, &shared.labels)
    });
    disk.chain(shared).collect()
}
