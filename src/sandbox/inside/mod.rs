//! The sandbox from inside: its first process, which makes the disk, the limits and the engine, and
//! serves one client.
//!
//! A sandbox is used once. Whatever ends its client's connection (its end, a crash, a lost network)
//! ends this process, and with it all that there is: processes, mounts, networks, control groups,
//! the disk.
//!
//! | file | what is in it |
//! |---|---|
//! | `disk` | the disk of a fixed size, and that nothing else can be written |
//! | `bases` | the course's images, prepared once for all sandboxes |
//! | `prepare` | preparing them, in a container of its own |
//! | `groups` | the limits of all that a submission does |
//! | `network` | what may come in from outside |
//! | `mirror` | the course's images as a registry has them, for the engine |
//! | `daemon` | the engine as a process |
//! | `serve` | what the client can ask for |
//! | `folder` | files of the student's folder |

mod bases;
mod daemon;
mod disk;
mod folder;
mod groups;
mod mirror;
mod network;
mod prepare;
mod serve;

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::net;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt;
use tokio::net::{UnixListener, UnixStream};
use tokio::signal::unix::{SignalKind, signal};

use super::protocol::{BUSY, CONTROL, Images, READY, SandboxLimits, UNPREPARED};
use crate::engine::PIECE;
use daemon::Daemon;
use groups::Groups;
use serve::Desk;

pub use prepare::prepare;

/// A sandbox that nobody wants goes by itself.
const IDLE: Duration = Duration::from_secs(60 * 60);
/// How long the first process may take until it listens: it does so before anything else.
const LISTENING: Duration = Duration::from_secs(10);

/// Is the first process of a sandbox: for one client, or until nobody wants the sandbox any more.
///
/// # Errors
/// What could not be set up, for the container's log.
pub async fn run(limits: SandboxLimits) -> Result<(), String> {
    disk::scratch().map_err(|error| format!("the sandbox's own files: {error}"))?;
    let control = UnixListener::bind(CONTROL).map_err(|error| format!("{CONTROL}: {error}"))?;
    let ready = match begin(limits).await {
        Ok(ready) => ready,
        Err(message) => return tell(&control, &message).await,
    };
    let Some(stream) = first(&control).await? else { return Ok(()) };
    ready.groups.hurry();
    let desk = Arc::new(Desk::of_submission(ready.groups, ready.images));
    let ended = tokio::select! {
        () = serve::serve(stream, &desk) => Ok(()),
        failed = send_away(&control) => failed,
        () = told_to_end() => Ok(()),
    };
    groups::end_all();
    ended
}

/// Whoever removes the sandbox from outside asks for its end first.
async fn told_to_end() {
    match signal(SignalKind::terminate()) {
        Ok(mut asked) => drop(asked.recv().await),
        Err(_) => std::future::pending().await,
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

/// What is there once the sandbox is set up.
struct Ready {
    groups: Groups,
    images: Images,
    _daemon: Daemon,
}

async fn begin(limits: SandboxLimits) -> Result<Ready, String> {
    let failed = |what: &'static str| move |error: io::Error| format!("{what}: {error}");
    let Some(images) = bases::images() else { return Err(UNPREPARED.to_owned()) };
    let groups = Groups::make(limits).map_err(failed("the sandbox's limits"))?;
    disk::make(limits.disk).map_err(failed("the sandbox's disk"))?;
    bases::lay().map_err(failed("the course's images"))?;
    let namespace = Groups::forbid_devices()
        .and_then(|()| groups.enclose())
        .map_err(failed("the sandbox's limits"))?;
    disk::seal().map_err(failed("the sandbox's own files"))?;
    network::close().map_err(failed("the sandbox's network"))?;
    // From here on no process is waited for but there.
    daemon::see_off().map_err(failed("the sandbox's processes"))?;
    mirror::open(bases::data()).await.map_err(failed("the course's images"))?;
    let daemon = Daemon::start(Path::new(disk::DATA), namespace).await;
    Ok(Ready { groups, images, _daemon: daemon.map_err(failed("the sandbox's engine"))? })
}

/// Tells the first client why there is no sandbox.
async fn tell(control: &UnixListener, message: &str) -> Result<(), String> {
    if let Ok(Ok((mut stream, _))) = tokio::time::timeout(LISTENING, control.accept()).await {
        let _ = stream.write_all(format!("{message}\n").as_bytes()).await;
    }
    Err(message.to_owned())
}

/// The client that comes first; none when nobody does for long.
async fn first(control: &UnixListener) -> Result<Option<UnixStream>, String> {
    let until = tokio::time::Instant::now() + IDLE;
    while let Ok(accepted) = tokio::time::timeout_at(until, control.accept()).await {
        let (mut stream, _) = accepted.map_err(|error| format!("{CONTROL}: {error}"))?;
        // One that is gone meanwhile was none.
        if stream.write_all(format!("{READY}\n").as_bytes()).await.is_ok() {
            return Ok(Some(stream));
        }
    }
    Ok(None)
}

/// Tells all others that somebody has the sandbox.
async fn send_away(control: &UnixListener) -> Result<(), String> {
    loop {
        let (mut stream, _) =
            control.accept().await.map_err(|error| format!("{CONTROL}: {error}"))?;
        let _ = stream.write_all(format!("{BUSY}\n").as_bytes()).await;
    }
}
