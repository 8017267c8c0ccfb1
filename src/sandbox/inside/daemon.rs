//! The sandbox's own engine as a process: started, known to be ready, stopped.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitOptions, kill_process, wait};
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::{disk, mirror};
use crate::engine::{Endpoint, Engine, EngineError};
use crate::sandbox::protocol::ENGINE_SOCKET;

/// Where the engine tells that it is ready, as it tells systemd.
const NOTIFY: &str = "/run/grade-notify.sock";
/// What both processes say.
const LOG: &str = "/run/grade-engine.log";
const LAST_WORDS: usize = 400;
const STARTING: Duration = Duration::from_secs(60);
const STOPPING: Duration = Duration::from_secs(20);

/// What the engine is set to: a build is not granted the sandbox's own network, nor more rights; and the
/// course's images are to be had from the sandbox's own mirror.
fn settings() -> String {
    let mirror = format!("http://{}", mirror::ADDRESS);
    let entitlements = json!({ "network-host": false, "security-insecure": false });
    json!({ "builder": { "entitlements": entitlements }, "registry-mirrors": [mirror] }).to_string()
}
const SETTINGS_FILE: &str = "/run/grade-dockerd.json";
const CONTAINERD: &str = "/run/containerd/containerd.sock";
/// For the engine's processes: they are there for one submission, and their collecting of garbage
/// took a twentieth of a grading's processor time. The limit keeps them well within their share.
const MEMORY: [(&str, &str); 2] = [("GOGC", "400"), ("GOMEMLIMIT", "256MiB")];

/// A running engine.
pub(super) struct Daemon {
    containerd: Child,
    dockerd: Child,
}

/// A process of ours.
struct Child {
    process: Pid,
    ended: watch::Receiver<bool>,
}

impl Daemon {
    /// Starts the engine and waits until it answers. It keeps what it has in the folder `data`, and
    /// knows no other control groups than those of the `namespace`, a file, where one is given.
    pub(super) async fn start(data: &Path, namespace: Option<&str>) -> io::Result<Self> {
        let notify = UnixDatagram::bind(NOTIFY)?;
        notify.set_nonblocking(true)?;
        let notify = tokio::net::UnixDatagram::from_std(notify)?;
        let program = |name: &str| match namespace {
            None => Command::new(name),
            // It takes the program's place: the process is the program's.
            Some(namespace) => {
                let mut command = Command::new("nsenter");
                command.args([&format!("--cgroup={namespace}"), "--", name]);
                command
            }
        };
        // One that dockerd starts by itself is waited for by the second.
        let mut containerd = program("containerd");
        containerd.args(["--log-level", "error", "--address", CONTAINERD]).envs(MEMORY);
        let containerd = Child::spawn(&mut containerd)?;
        std::fs::write(SETTINGS_FILE, settings())?;
        let mut dockerd = program("dockerd");
        dockerd
            .args(["--host", &format!("unix://{ENGINE_SOCKET}"), "--config-file", SETTINGS_FILE])
            .args(["--exec-opt", "native.cgroupdriver=cgroupfs"])
            .args(["--pidfile", "/run/grade-dockerd.pid", "--log-level", "error"])
            .args(["--storage-driver", "overlay2", "--ip6tables=false"])
            .args(["--containerd", CONTAINERD, "--bip", &format!("{}/16", disk::ADDRESS)])
            .arg("--data-root")
            .arg(data)
            .envs(MEMORY)
            .env("NOTIFY_SOCKET", NOTIFY);
        let mut daemon = Self { containerd, dockerd: Child::spawn(&mut dockerd)? };
        let mut message = [0_u8; 4096];
        let ready = async {
            loop {
                let count = notify.recv(&mut message).await?;
                let text = String::from_utf8_lossy(message.get(..count).unwrap_or_default());
                if text.lines().any(|line| line == "READY=1") {
                    return Ok(());
                }
            }
        };
        let failed = |why: &str| io::Error::other(format!("{why}: {}", last_words()));
        tokio::select! {
            ready = tokio::time::timeout(STARTING, ready) => {
                ready.unwrap_or_else(|_| Err(failed("it does not come up in time")))?;
            }
            () = daemon.dockerd.gone() => return Err(failed("it does not come up")),
            () = daemon.containerd.gone() => return Err(failed("containerd does not come up")),
        }
        Ok(daemon)
    }

    /// Stops the engine, and waits for its end.
    pub(super) async fn stop(&mut self) -> io::Result<()> {
        self.dockerd.stop().await?;
        self.containerd.stop().await
    }
}

impl Child {
    fn spawn(command: &mut Command) -> io::Result<Self> {
        let log = OpenOptions::new().create(true).append(true).open(LOG)?;
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let (sender, ended) = watch::channel(false);
        let mut own = OWN.lock().unwrap_or_else(PoisonError::into_inner);
        let process = Pid::from_child(&command.spawn()?);
        own.push((process, sender));
        Ok(Self { process, ended })
    }

    async fn stop(&mut self) -> io::Result<()> {
        kill_process(self.process, Signal::TERM)?;
        tokio::time::timeout(STOPPING, self.gone())
            .await
            .map_err(|_| io::Error::other("it does not stop"))
    }

    async fn gone(&mut self) {
        // The sender is dropped only after it has told.
        let _ = self.ended.wait_for(|ended| *ended).await;
    }
}

/// The end of what the engine said.
fn last_words() -> String {
    let said = std::fs::read(LOG).unwrap_or_default();
    let end = said.get(said.len().saturating_sub(LAST_WORDS)..).unwrap_or_default();
    String::from_utf8_lossy(end).trim().replace('\n', "; ")
}

/// Our own processes, by whose ends somebody is woken.
static OWN: Mutex<Vec<(Pid, watch::Sender<bool>)>> = Mutex::new(Vec::new());

/// Sees off every process that its parent left behind, as the first process of a container has to,
/// and our own among them. Nothing else here may wait for a process from now on.
pub(super) fn see_off() -> io::Result<()> {
    let mut children = signal(SignalKind::child())?;
    tokio::spawn(async move {
        while children.recv().await.is_some() {
            // Under the lock, so that none is missed that was started and is not noted yet.
            let mut own = OWN.lock().unwrap_or_else(PoisonError::into_inner);
            while let Ok(Some((gone, _))) = wait(WaitOptions::NOHANG) {
                if let Some(place) = own.iter().position(|(process, _)| *process == gone) {
                    own.remove(place).1.send_replace(true);
                }
            }
        }
    });
    Ok(())
}

/// The engine, to be asked.
pub(super) async fn engine() -> Result<Engine, EngineError> {
    Engine::connect(&Endpoint::socket(ENGINE_SOCKET)).await
}
