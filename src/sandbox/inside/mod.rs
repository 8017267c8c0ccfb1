//! The sandbox from inside: its first process, which makes the disk, the limits and the engine, and serves one client at a time.
//!
//! Whatever ends a client's connection (its end, a crash, a lost network) has the sandbox emptied.
//! What cannot be emptied ends, and the sandbox with it.

mod daemon;
mod disk;
mod groups;
mod serve;

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::net;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Mutex, mpsc, watch};

use super::protocol::{BUSY, Bases, CONTROL, READY, SandboxLimits};
use crate::engine::{Keep, PIECE};
use daemon::Daemon;
use groups::Groups;

/// A sandbox that nobody wants goes by itself.
const IDLE: Duration = Duration::from_secs(60 * 60);
/// How long emptying may take; after that the sandbox goes as a whole.
const EMPTYING: Duration = Duration::from_secs(60);
/// How long the first process may take until it listens: it does so before anything else.
const LISTENING: Duration = Duration::from_secs(10);

/// Is the first process of a sandbox, until nobody wants the sandbox any more.
///
/// # Errors
/// What could not be set up or emptied, for the container's log.
pub async fn run(limits: SandboxLimits, outside: bool) -> Result<(), String> {
    let control = UnixListener::bind(CONTROL).map_err(|error| format!("{CONTROL}: {error}"))?;
    let house = match begin(limits, outside).await {
        Ok(house) => Arc::new(Mutex::new(house)),
        Err(message) => return tell(&control, &message).await,
    };
    let state = Arc::new(watch::Sender::new(State::Free));
    let (failed, mut failure) = mpsc::channel::<String>(1);
    loop {
        let accepted = tokio::select! {
            accepted = tokio::time::timeout(IDLE, control.accept()) => accepted,
            Some(message) = failure.recv() => return Err(message),
        };
        match accepted {
            Ok(Ok((stream, _))) => {
                let (house, state, failed) = (house.clone(), state.clone(), failed.clone());
                tokio::spawn(async move {
                    if let Err(message) = attend(stream, &house, &state).await {
                        let _ = failed.send(message).await;
                    }
                });
            }
            Ok(Err(error)) => return Err(error.to_string()),
            Err(_) if *state.borrow() != State::Free => {}
            Err(_) => return Ok(()),
        }
    }
}

/// Copies between this process' standard streams and the first process, for a client outside.
///
/// # Errors
/// When the first process is not there.
pub fn dial() -> io::Result<()> {
    let stream = connect()?;
    // The raw files: standard output would hold back what is no whole line.
    let input = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    let output = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    let (ended, end) = channel();
    copy(input, stream.try_clone()?, ended.clone());
    copy(stream, output, ended);
    // The end of either is the end of both: a client that is gone must free the sandbox.
    end.recv().map_err(io::Error::other)?
}

/// Copies until either ends, in large pieces.
fn copy<From, To>(mut from: From, mut to: To, ended: Sender<io::Result<()>>)
where
    From: io::Read + Send + 'static,
    To: io::Write + Send + 'static,
{
    std::thread::spawn(move || {
        let mut piece = vec![0; PIECE as usize];
        // Not `io::copy`: it splices between files and sockets, and with it the engine's answers did
        // not arrive.
        let copied = loop {
            let written = match from.read(&mut piece) {
                Ok(0) => break Ok(()),
                Ok(count) => to.write_all(&piece[..count]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
                Err(error) => break Err(error),
            };
            if written.is_err() {
                break written;
            }
        };
        let _ = ended.send(copied);
    });
}

/// The first process may have been started a moment ago and not listen yet; nothing tells when.
fn connect() -> io::Result<net::UnixStream> {
    let began = Instant::now();
    loop {
        match net::UnixStream::connect(CONTROL) {
            Err(_) if began.elapsed() < LISTENING => std::thread::sleep(Duration::from_millis(5)),
            connected => return connected,
        }
    }
}

/// Whose the sandbox is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Free,
    Used,
    Emptying,
}

/// What is there once the sandbox is set up.
struct House {
    daemon: Daemon,
    groups: Groups,
    limits: SandboxLimits,
    outside: bool,
    bases: Bases,
}

async fn begin(limits: SandboxLimits, outside: bool) -> Result<House, String> {
    let failed = |what: &'static str| move |error: io::Error| format!("{what}: {error}");
    disk::make(limits.disk).map_err(failed("the sandbox's disk"))?;
    let groups = Groups::make(limits).map_err(failed("the sandbox's limits"))?;
    // From here on no process is waited for but there.
    daemon::see_off().map_err(failed("the sandbox's processes"))?;
    let daemon = Daemon::start(outside).await.map_err(failed("the sandbox's engine"))?;
    Ok(House { daemon, groups, limits, outside, bases: Bases::new() })
}

/// Tells the first client why there is no sandbox.
async fn tell(control: &UnixListener, message: &str) -> Result<(), String> {
    if let Ok(Ok((mut stream, _))) = tokio::time::timeout(LISTENING, control.accept()).await {
        let _ = stream.write_all(format!("{message}\n").as_bytes()).await;
    }
    Err(message.to_owned())
}

async fn attend(
    mut stream: UnixStream,
    house: &Mutex<House>,
    state: &Arc<watch::Sender<State>>,
) -> Result<(), String> {
    if !claim(state).await {
        let _ = stream.write_all(format!("{BUSY}\n").as_bytes()).await;
        return Ok(());
    }
    let mut house = house.lock().await;
    if stream.write_all(format!("{READY}\n").as_bytes()).await.is_err() {
        state.send_replace(State::Free);
        return Ok(());
    }
    let (groups, bases) = (house.groups.clone(), std::mem::take(&mut house.bases));
    house.bases = serve::serve(stream, groups, bases, Arc::clone(state)).await;
    state.send_replace(State::Emptying);
    let emptied = tokio::time::timeout(EMPTYING, house.empty()).await;
    emptied.unwrap_or_else(|_| Err("the sandbox cannot be emptied in time".to_owned()))?;
    state.send_replace(State::Free);
    Ok(())
}

/// Takes the sandbox for one client. Whoever comes while it is being emptied waits for that; while
/// somebody has it, not.
async fn claim(state: &watch::Sender<State>) -> bool {
    let mut changes = state.subscribe();
    loop {
        let claimed = state.send_if_modified(|state| {
            let is_free = *state == State::Free;
            if is_free {
                *state = State::Used;
            }
            is_free
        });
        if claimed {
            return true;
        }
        match changes.wait_for(|state| *state != State::Emptying).await {
            Ok(state) if *state == State::Used => return false,
            Ok(_) => {}
            Err(_) => return false,
        }
    }
}

impl House {
    /// Leaves nothing of a submission but what every sandbox has.
    async fn empty(&mut self) -> Result<(), String> {
        let engine = daemon::engine().await.map_err(|error| error.to_string())?;
        let keep = Keep { images: self.bases.clone(), ours: false };
        engine.wipe(&keep).await.map_err(|error| error.to_string())?;
        drop(engine);
        let failed = |error: io::Error| format!("the sandbox's engine: {error}");
        self.daemon.stop().await.map_err(failed)?;
        disk::empty().map_err(failed)?;
        self.groups = Groups::make(self.limits).map_err(failed)?;
        self.daemon = Daemon::start(self.outside).await.map_err(failed)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_has_the_sandbox_and_others_wait_only_while_it_is_emptied() {
        let state = watch::Sender::new(State::Free);
        assert!(claim(&state).await);
        assert!(!claim(&state).await);
        state.send_replace(State::Emptying);
        let (first, second, ()) = tokio::join!(claim(&state), claim(&state), async {
            tokio::task::yield_now().await;
            state.send_replace(State::Free);
        });
        assert!(first != second);
    }
}
