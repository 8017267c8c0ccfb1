//! The sandbox from outside: a free one is found or made, and is ours until it is let go.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::PathBuf;
use std::time::{Duration, UNIX_EPOCH};

use futures_util::future::try_join_all;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use rand::RngExt;
use sha2::{Digest, Sha256};
use tokio::io::AsyncReadExt;

use super::protocol::{
    BUSY, ENGINE, KEEP, LEAVE, PROGRAM, READY, STUDENT, SandboxLimits, USE, Use, VOLUME,
};
use crate::engine::{Cause, Engine, EngineError, Owner, Put, SandboxLife, SandboxSpec, Tunnel};
use crate::nonce::hex;

/// The label of every sandbox; its value tells of what make it is.
pub const LABEL: &str = "grade.sandbox";
/// The label of who made a sandbox; see [`Owner`].
pub const MAKER: &str = "grade.sandbox.maker";
/// The image with an engine and the docker command in it.
pub const IMAGE: &str = "grade-sandbox:1";
/// How long a new sandbox may take to be set up.
const SETTING_UP: Duration = Duration::from_secs(90);
/// For the engine inside and what serves it, beside the submission's own share.
const ENGINE_PROCESSES: u32 = 512;
/// The part of the machine's processors that a sandbox may take.
const PROCESSORS: f64 = 0.9;
/// Longer first lines are none of ours.
const LONGEST_LINE: usize = 4096;

/// This program as a file, to be put into a sandbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program(pub PathBuf);

/// What a sandbox should be like.
#[derive(Debug, Clone)]
pub struct Wish {
    /// The limits of all that the submission does.
    pub limits: SandboxLimits,
    /// Images that are there from the beginning.
    pub bases: Vec<String>,
    /// Whether there is a way to the outside.
    pub outside: bool,
    /// What runs inside.
    pub program: Program,
}

/// A sandbox that is ours. It is let go, and empties itself, when the last part of it is dropped.
pub struct Sandbox {
    /// The engine inside.
    pub engine: Engine,
    /// Its container.
    pub(super) id: String,
    tunnel: Tunnel,
    outer: Engine,
    bases: BTreeMap<String, String>,
}

impl Sandbox {
    /// Finds a free sandbox of that make on an engine, or makes one.
    ///
    /// # Errors
    /// [`EngineError::Sandbox`] when none can be had, or what the engine's calls say.
    pub async fn claim(outer: &Engine, wish: &Wish) -> Result<Self, EngineError> {
        Self::claim_beside(outer, wish, None, &[]).await
    }

    /// [`Sandbox::claim`] for one of several who keep theirs: the one it had last, or one that none
    /// of the others had.
    pub(super) async fn claim_beside(
        outer: &Engine,
        wish: &Wish,
        last: Option<&str>,
        others: &[String],
    ) -> Result<Self, EngineError> {
        let image = outer.image_id(IMAGE).await?.ok_or_else(no_image)?;
        let ids = try_join_all(wish.bases.iter().map(|base| outer.image_id(base))).await?;
        let make = make_of(wish, &image, &ids).map_err(broken)?;
        let (id, tunnel) = loop {
            if let Some(found) = free(outer, &make, last, others).await? {
                break found;
            }
            // Somebody who looks for a free one may be quicker than who made it.
            if let Some(made) = new(outer, wish, &image, &make).await? {
                break made;
            }
        };
        let engine = Engine::through(tunnel.clone(), ENGINE).await?;
        let (outer, bases) = (outer.clone(), BTreeMap::new());
        let mut sandbox = Self { engine, id, tunnel, outer, bases };
        let there = wish.bases.iter().zip(&ids).filter(|(_, id)| id.is_some());
        sandbox.bases = sandbox.bring(there.map(|(base, _)| base.as_str()).collect()).await?;
        Ok(sandbox)
    }

    /// How far the limits were used since the sandbox was claimed.
    ///
    /// # Errors
    /// [`EngineError::Sandbox`] when the sandbox is gone.
    pub async fn used(&self) -> Result<Use, EngineError> {
        let told = self.tunnel.post(USE, Vec::new()).await.map_err(broken)?;
        serde_json::from_slice(&told).map_err(|error| broken(error.into()))
    }

    /// Says that nothing more is wanted, so that the next who comes waits for this sandbox instead
    /// of making another. It need not be said: a connection that ends says as much, a little later.
    pub async fn leave(&self) {
        let _ = self.tunnel.post(LEAVE, Vec::new()).await;
    }

    /// The next connection that the student's commands make to what they take for Docker.
    ///
    /// # Errors
    /// When the sandbox is gone.
    pub async fn student(&self) -> io::Result<TokioIo<Upgraded>> {
        self.tunnel.connect(STUDENT).await
    }

    /// A connection to the engine inside.
    ///
    /// # Errors
    /// When the sandbox is gone.
    pub async fn dial(&self) -> io::Result<TokioIo<Upgraded>> {
        self.tunnel.connect(ENGINE).await
    }

    /// The base images inside: names, and ids.
    pub fn bases(&self) -> BTreeMap<String, String> {
        self.bases.clone()
    }

    /// Brings base images again that were removed.
    ///
    /// # Errors
    /// When an engine failed.
    pub async fn make_whole(&self) -> Result<(), EngineError> {
        self.bring(self.bases.keys().map(String::as_str).collect()).await.map(drop)
    }

    /// Has base images inside, and has them kept.
    async fn bring(&self, bases: Vec<&str>) -> Result<BTreeMap<String, String>, EngineError> {
        let found = try_join_all(bases.iter().map(|base| self.engine.image_id(base))).await?;
        let missing = bases.iter().zip(&found).filter(|(_, id)| id.is_none());
        let missing: Vec<&str> = missing.map(|(base, _)| *base).collect();
        let ids = if missing.is_empty() {
            found
        } else {
            self.engine.copy_images(&self.outer, &missing).await?;
            try_join_all(bases.iter().map(|base| self.engine.image_id(base))).await?
        };
        let full =
            |base: &str| if base.contains(':') { base.into() } else { format!("{base}:latest") };
        let kept = bases.iter().zip(ids).filter_map(|(base, id)| Some((full(base), id?)));
        let kept: BTreeMap<String, String> = kept.collect();
        if !missing.is_empty() {
            let told = serde_json::to_vec(&kept).map_err(|error| broken(error.into()))?;
            self.tunnel.post(KEEP, told).await.map_err(broken)?;
        }
        Ok(kept)
    }
}

/// A sandbox of that make that nobody has: the last one before all others.
async fn free(
    outer: &Engine,
    make: &str,
    last: Option<&str>,
    others: &[String],
) -> Result<Option<(String, Tunnel)>, EngineError> {
    let mut found = outer.sandboxes(&format!("{LABEL}={make}")).await?;
    found.retain(|container| {
        container.life == SandboxLife::Running && !others.contains(&container.id)
    });
    found.sort_by_key(|container| Some(container.id.as_str()) != last);
    for container in found {
        match tokio::time::timeout(SETTING_UP, knock(outer, &container.id)).await {
            Ok(Ok(Some(tunnel))) => return Ok(Some((container.id, tunnel))),
            Ok(Ok(None)) => {}
            // One that ends at this moment is as good as none; one that was ours and does not
            // answer must not go on beside the one in its place.
            Ok(Err(_)) | Err(_) if Some(container.id.as_str()) == last => {
                let _ = outer.remove(&container.id).await;
            }
            Ok(Err(_)) | Err(_) => {}
        }
    }
    Ok(None)
}

/// A new sandbox; none when somebody else has taken it at once.
async fn new(
    outer: &Engine,
    wish: &Wish,
    image: &str,
    make: &str,
) -> Result<Option<(String, Tunnel)>, EngineError> {
    let limits = serde_json::to_string(&wish.limits).map_err(|error| broken(error.into()))?;
    let mut command = vec![PROGRAM, "inside", "run", &limits];
    command.extend(wish.outside.then_some("--outside"));
    let mut labels = HashMap::from([(LABEL.to_owned(), make.to_owned())]);
    labels.extend(Owner::this_process().map(|owner| (MAKER.to_owned(), owner.to_string())));
    let spec = SandboxSpec {
        name: format!("sandbox-{:08x}", rand::rng().random::<u32>()),
        image: image.to_owned(),
        command: command.iter().map(|&word| word.to_owned()).collect(),
        // Engines look for this before they try what only the machine's own can do.
        env: vec!["container=docker".to_owned()],
        labels,
        memory: wish.limits.most_memory(),
        pids: wish.limits.processes.saturating_add(ENGINE_PROCESSES),
        cpus: f64::from(outer.machine().await?.processors) * PROCESSORS,
        disk: VOLUME.to_owned(),
        outside: wish.outside,
    };
    let id = outer.create_sandbox(&spec).await?;
    let begun = async {
        if wish.program.fits(outer) {
            let program = std::fs::read(&wish.program.0).map_err(broken)?;
            if let Put::Refused { message } = outer.put_file(&id, PROGRAM, &program, 0o755).await? {
                return Err(failed(message));
            }
        }
        outer.start(&id).await?;
        match tokio::time::timeout(SETTING_UP, knock(outer, &id)).await {
            Ok(answer) => answer,
            Err(_) => Err(failed(format!("not ready after {} s", SETTING_UP.as_secs()))),
        }
    };
    match begun.await {
        Ok(tunnel) => Ok(tunnel.map(|tunnel| (id, tunnel))),
        Err(error) => {
            let _ = outer.remove(&id).await;
            Err(error)
        }
    }
}

/// Asks a sandbox for itself; none when somebody has it.
async fn knock(outer: &Engine, container: &str) -> Result<Option<Tunnel>, EngineError> {
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
        READY => Ok(Some(Tunnel::open(pipe).await.map_err(broken)?)),
        BUSY => Ok(None),
        other => Err(failed(other.to_owned())),
    }
}

impl Program {
    /// Whether the file can run in a container of that engine.
    fn fits(&self, outer: &Engine) -> bool {
        let arch = match std::env::consts::ARCH {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            other => other,
        };
        std::env::consts::OS == outer.info().os && arch == outer.info().arch
    }

    /// What tells one build of the program from another.
    fn stamp(&self) -> io::Result<String> {
        let meta = std::fs::metadata(&self.0)?;
        let changed = meta.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
        Ok(format!("{}-{}", meta.len(), changed.as_nanos()))
    }
}

/// Sandboxes of one make can stand for each other.
fn make_of(wish: &Wish, image: &str, bases: &[Option<String>]) -> io::Result<String> {
    let all = format!(
        "{} {image} {:?} {} {:?} {bases:?}",
        wish.program.stamp()?,
        wish.limits,
        wish.outside,
        wish.bases
    );
    let mut digest = hex(&Sha256::digest(all));
    digest.truncate(16);
    Ok(digest)
}

fn no_image() -> EngineError {
    EngineError::Sandbox {
        cause: Cause::Unsupported {
            detail: format!("the engine has no image {IMAGE}"),
            advice: "run ci/images, which makes it, or use --engine host on a machine that is \
                     thrown away afterwards"
                .to_owned(),
        },
    }
}

fn broken(error: io::Error) -> EngineError {
    EngineError::Sandbox { cause: Cause::lost(error.to_string()) }
}

fn failed(why: String) -> EngineError {
    EngineError::Sandbox { cause: Cause::Other(why) }
}
