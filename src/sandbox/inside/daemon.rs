//! The sandbox's own engine as a process: started, known to be ready, stopped.

use std::io;
use std::os::unix::net::UnixDatagram;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::groups::STUDENT;
use crate::engine::{Endpoint, Engine, EngineError};
use crate::sandbox::protocol::ENGINE_SOCKET;

/// Where the engine tells that it is ready, as it tells systemd.
const NOTIFY: &str = "/run/grade-notify.sock";
const STARTING: Duration = Duration::from_secs(60);
const STOPPING: Duration = Duration::from_secs(20);

/// A running engine.
pub(super) struct Daemon {
    process: Pid,
    ended: watch::Receiver<bool>,
}

impl Daemon {
    /// Starts the engine and waits until it answers.
    pub(super) async fn start() -> io::Result<Self> {
        let _ = std::fs::remove_file(NOTIFY);
        let notify = UnixDatagram::bind(NOTIFY)?;
        notify.set_nonblocking(true)?;
        let notify = tokio::net::UnixDatagram::from_std(notify)?;
        let child = Command::new("dockerd")
            .args(["--host", &format!("unix://{ENGINE_SOCKET}")])
            .args(["--cgroup-parent", STUDENT, "--exec-opt", "native.cgroupdriver=cgroupfs"])
            .args(["--pidfile", "/run/grade-dockerd.pid", "--log-level", "error"])
            .args(["--storage-driver", "overlay2", "--ip6tables=false"])
            .env("NOTIFY_SOCKET", NOTIFY)
            // What a proxy of the sandbox's own would look at is left as it is.
            .stdin(Stdio::null())
            .spawn()?;
        let process = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let process = process.ok_or_else(|| io::Error::other("no process"))?;
        let mut daemon = Self { process, ended: reap(process)? };
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
        tokio::select! {
            ready = tokio::time::timeout(STARTING, ready) => {
                ready.unwrap_or_else(|_| Err(io::Error::other("it does not come up in time")))?;
            }
            () = daemon.gone() => return Err(io::Error::other("it does not come up; see `docker logs`")),
        }
        Ok(daemon)
    }

    /// Stops the engine, and waits for its end.
    pub(super) async fn stop(&mut self) -> io::Result<()> {
        kill_process(self.process, Signal::TERM)?;
        tokio::time::timeout(STOPPING, self.gone())
            .await
            .map_err(|_| io::Error::other("it does not stop"))
    }

    async fn gone(&mut self) {
        // The sender lives as long as the sandbox, or the process is gone.
        let _ = self.ended.wait_for(|ended| *ended).await;
    }
}

/// The first process of a container has to see off every process that its parent left behind.
fn reap(engine: Pid) -> io::Result<watch::Receiver<bool>> {
    let (sender, receiver) = watch::channel(false);
    let mut children = signal(SignalKind::child())?;
    tokio::spawn(async move {
        while children.recv().await.is_some() {
            while let Ok(Some((process, _))) = waitpid(None, WaitOptions::NOHANG) {
                if process == engine {
                    let _ = sender.send(true);
                }
            }
            if *sender.borrow() {
                return;
            }
        }
    });
    Ok(receiver)
}

/// The engine, to be asked.
pub(super) async fn engine() -> Result<Engine, EngineError> {
    Engine::connect(&Endpoint::socket(ENGINE_SOCKET)).await
}
