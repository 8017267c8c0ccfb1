//! The container of a sandbox on the engine around it: created, started, asked for itself.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::time::{Duration, UNIX_EPOCH};

use tokio::io::AsyncReadExt;

use super::protocol::{BUSY, PROGRAM, READY, SandboxLimits, UNPREPARED};
use crate::engine::{Cause, Engine, EngineError, Owner, Put, SandboxSpec, SharedVolume, Tunnel};

/// The image with an engine and the docker command in it.
pub const IMAGE: &str = "grade-sandbox:2";
/// The label of who made a sandbox; see [`Owner`].
pub const MAKER: &str = "grade.sandbox.maker";
/// How long a new sandbox may take to be set up.
pub(super) const SETTING_UP: Duration = Duration::from_secs(90);
/// For the engine inside and what serves it, beside the submission's own share.
const ENGINE_PROCESSES: u32 = 512;
/// The part of the machine's processors that a sandbox may take.
const PROCESSORS: f64 = 0.9;
/// Longer first lines are none of ours.
const LONGEST_LINE: usize = 4096;

/// What a sandbox should be like.
#[derive(Debug, Clone)]
pub struct SandboxConfig {
    /// The limits of all that the submission does.
    pub limits: SandboxLimits,
    /// Images that are there from the beginning, by name.
    pub bases: Vec<String>,
    /// Images of the grader's own that are there, too, and that only [`Sandbox::image`] finds by these names.
    ///
    /// [`Sandbox::image`]: super::Sandbox::image
    pub own: Vec<String>,
    /// This program as a file, which runs inside.
    pub program: PathBuf,
}

/// What a container is for, and what it is mounted for that.
pub(super) struct Purpose {
    /// Its name, without our prefix.
    pub(super) name: String,
    /// The words after `grade inside`.
    pub(super) words: Vec<String>,
    /// The label that tells it from other containers, and its value.
    pub(super) label: (&'static str, String),
    /// Where its own disk is, if it has one.
    pub(super) disk: Option<&'static str>,
    /// The prepared images.
    pub(super) bases: SharedVolume,
}

/// How a sandbox answers who asks for it.
pub(super) enum Answer {
    /// It is the asker's alone.
    Ready(Tunnel),
    /// Somebody has it.
    Busy,
    /// The prepared images are not there.
    Unprepared,
}

/// Creates and starts a container; none when there is one of its name.
pub(super) async fn start(
    outer: &Engine,
    config: &SandboxConfig,
    image: &str,
    purpose: Purpose,
) -> Result<Option<String>, EngineError> {
    let (key, value) = purpose.label;
    let mut labels = HashMap::from([(key.to_owned(), value)]);
    labels.extend(Owner::this_process().map(|owner| (MAKER.to_owned(), owner.to_string())));
    let command = [PROGRAM, "inside"].into_iter().map(str::to_owned).chain(purpose.words);
    let spec = SandboxSpec {
        name: purpose.name,
        image: image.to_owned(),
        command: command.collect(),
        // Engines look for this before they try what only the machine's own can do.
        env: vec!["container=docker".to_owned()],
        labels,
        memory: config.limits.most_memory(),
        pids: config.limits.processes.saturating_add(ENGINE_PROCESSES),
        cpus: f64::from(outer.machine().await?.processors) * PROCESSORS,
        disk: purpose.disk.map(str::to_owned),
        shared: Some(purpose.bases),
    };
    let Some(id) = outer.create_sandbox(&spec).await? else { return Ok(None) };
    let begun = async {
        if fits(outer) {
            let program = std::fs::read(&config.program).map_err(broken)?;
            if let Put::Refused { message } = outer.put_file(&id, PROGRAM, &program, 0o755).await? {
                return Err(failed(message));
            }
        }
        outer.start(&id).await
    };
    match begun.await {
        Ok(_) => Ok(Some(id)),
        Err(error) => {
            let _ = outer.remove(&id).await;
            Err(error)
        }
    }
}

/// Asks a sandbox for itself, and waits while it is set up.
pub(super) async fn ask(outer: &Engine, container: &str) -> Result<Answer, EngineError> {
    match tokio::time::timeout(SETTING_UP, knock(outer, container)).await {
        Ok(answer) => answer,
        Err(_) => Err(failed(format!("not ready after {} s", SETTING_UP.as_secs()))),
    }
}

async fn knock(outer: &Engine, container: &str) -> Result<Answer, EngineError> {
    let mut pipe = outer.pipe(container, &[PROGRAM, "inside", "dial"]).await?;
    let mut line = Vec::new();
    loop {
        let byte = pipe.read_u8().await.map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => failed("it ended at once".to_owned()),
            _ => broken(error),
        })?;
        if byte == b'\n' || line.len() >= LONGEST_LINE {
            break;
        }
        line.push(byte);
    }
    match String::from_utf8_lossy(&line).as_ref() {
        READY => Ok(Answer::Ready(Tunnel::open(pipe).await.map_err(broken)?)),
        BUSY => Ok(Answer::Busy),
        UNPREPARED => Ok(Answer::Unprepared),
        other => Err(failed(other.to_owned())),
    }
}

/// Whether the program can run in a container of that engine; else the image has one of its own.
fn fits(outer: &Engine) -> bool {
    let arch = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    std::env::consts::OS == outer.info().os && arch == outer.info().arch
}

/// What tells one build of the program from another.
pub(super) fn stamp(program: &std::path::Path) -> Result<String, EngineError> {
    let changed = |meta: std::fs::Metadata| {
        let changed = meta.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
        Ok(format!("{}-{}", meta.len(), changed.as_nanos()))
    };
    std::fs::metadata(program).and_then(changed).map_err(broken)
}

pub(super) fn no_image() -> EngineError {
    EngineError::Sandbox {
        cause: Cause::Unsupported {
            detail: format!("the engine has no image {IMAGE}"),
            advice: "run ci/images, which makes it, or use --engine host on a machine that is \
                     thrown away afterwards"
                .to_owned(),
        },
    }
}

pub(super) fn broken(error: io::Error) -> EngineError {
    EngineError::Sandbox { cause: Cause::lost(error.to_string()) }
}

pub(super) fn failed(why: String) -> EngineError {
    EngineError::Sandbox { cause: Cause::Other(why) }
}
