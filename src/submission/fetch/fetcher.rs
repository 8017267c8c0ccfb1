//! The side of fetching that waits: starts the process that fetches, and ends it.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::protocol::{Arrival, Request, SUBMISSION, Word};
use super::{FetchError, FetchLimits, Fetched, Missing, Unreached, disk, kept};
use crate::submission::{Source, Submission, SubmissionError};
use crate::unit::{millis, show_bytes, show_millis};

/// The most bytes that are heard of the process: a line every fifth of a second is little.
const HEARD: u64 = 4 << 20;
/// How long a process may take to be gone once it is killed.
const DYING: Duration = Duration::from_secs(2);

/// Brings submissions here.
#[derive(Clone, Debug)]
pub struct Fetcher {
    /// This program as a file: it is what fetches.
    pub program: PathBuf,
    /// What fetching one submission may take.
    pub limits: FetchLimits,
    /// The folder in which temporary folders are made.
    pub into: PathBuf,
    /// Whose those are, as [`Owner`](crate::engine::Owner) writes it; empty where it cannot be told.
    pub owner: String,
}

impl Fetcher {
    /// Brings a submission here; a folder is opened where it lies. When the future is dropped, the
    /// process that fetches is killed and its folder removed.
    ///
    /// # Errors
    /// When there is no submission, or it was not reached.
    pub async fn fetch(&self, source: &Source) -> Result<Fetched, FetchError> {
        match source {
            Source::Path(path) if path.is_dir() => {
                let path = path.clone();
                let submission = apart(move || Submission::open(&path)).await?;
                Ok(Fetched { submission, notes: Vec::new() })
            }
            source => self.bring(source).await,
        }
    }

    async fn bring(&self, source: &Source) -> Result<Fetched, FetchError> {
        let folder = kept::make(&self.into, &self.owner)
            .map_err(|error| disk(&format!("make a folder in {}", self.into.display()), &error))?;
        let mut process = Process::start(&self.program)?;
        let limits = self.limits.clone();
        let request = Request::new(source, folder.path().to_owned(), limits);
        let arrival = timeout(self.limits.time, process.ask(&request, &self.limits, source)).await;
        process.end().await;
        let Ok(arrival) = arrival else { return Err(too_long(source, self.limits.time)) };
        let arrival = arrival?;
        let (source, notes) = (source.to_string(), arrival.notes.clone());
        let submission = apart(move || {
            let path = folder.path().join(SUBMISSION);
            Submission::arrived(folder, &path, source, arrival)
        });
        Ok(Fetched { submission: submission.await?, notes })
    }
}

/// Reads a folder where it keeps nobody waiting.
async fn apart(
    open: impl FnOnce() -> Result<Submission, SubmissionError> + Send + 'static,
) -> Result<Submission, FetchError> {
    match tokio::task::spawn_blocking(open).await {
        Ok(opened) => opened.map_err(|error| unreadable(&error)),
        Err(error) => Err(FetchError::unreached(Unreached::Machine, error.to_string())),
    }
}

fn unreadable(error: &SubmissionError) -> FetchError {
    let is_absent = matches!(
        error,
        SubmissionError::Read { source, .. } if source.kind() == io::ErrorKind::NotFound
    );
    match is_absent {
        true => FetchError::missing(Missing::NotThere, error.to_string()),
        false => FetchError::unreached(Unreached::Machine, error.to_string()),
    }
}

fn too_long(source: &Source, time: Duration) -> FetchError {
    let time = show_millis(millis(time));
    FetchError::unreached(reason(source), format!("fetching {source} took longer than {time}"))
}

/// What is the likely reason when nothing comes.
fn reason(source: &Source) -> Unreached {
    if source.path().is_some() { Unreached::Machine } else { Unreached::Network }
}

/// The process that fetches, and whatever it starts. Gone when this is.
struct Process {
    child: Child,
}

impl Process {
    fn start(program: &Path) -> Result<Process, FetchError> {
        let child = Command::new(program)
            .arg("fetch")
            // Whatever asks a person would wait for ever: nobody is there.
            .envs([("GIT_TERMINAL_PROMPT", "0"), ("GCM_INTERACTIVE", "never")])
            .envs([("GIT_ASKPASS", "true"), ("SSH_ASKPASS_REQUIRE", "never")])
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| disk(&format!("start {}", program.display()), &error))?;
        Ok(Process { child })
    }

    /// Tells what is wanted, and hears what comes of it.
    async fn ask(
        &mut self,
        request: &Request,
        limits: &FetchLimits,
        source: &Source,
    ) -> Result<Arrival, FetchError> {
        let ours = |error: io::Error| disk("speak with the process that fetches", &error);
        let mut line = serde_json::to_vec(request).map_err(|error| ours(error.into()))?;
        line.push(b'\n');
        // It stays open: that it ends says that nobody waits any more.
        if let Some(stdin) = &mut self.child.stdin {
            stdin.write_all(&line).await.map_err(ours)?;
            stdin.flush().await.map_err(ours)?;
        }
        let stdout = self.child.stdout.take();
        let mut words =
            BufReader::new(stdout.ok_or_else(|| ours(io::ErrorKind::Other.into()))?).take(HEARD);
        let mut line = Vec::new();
        loop {
            line.clear();
            let heard = timeout(limits.silence, words.read_until(b'\n', &mut line)).await;
            let Ok(heard) = heard else {
                let silence = show_millis(millis(limits.silence));
                let text = format!("nothing was heard of {source} for {silence}");
                return Err(FetchError::unreached(reason(source), text));
            };
            if heard.map_err(ours)? == 0 {
                return Err(self.died(limits, source).await);
            }
            match serde_json::from_slice(&line).map_err(|error| ours(error.into()))? {
                Word::News(_) => {}
                Word::Done(arrival) => return Ok(arrival),
                Word::Failed(error) => return Err(error),
            }
        }
    }

    async fn died(&mut self, limits: &FetchLimits, source: &Source) -> FetchError {
        // What it started goes with it. While it was not waited for, its number is nobody else's.
        let _ = timeout(DYING, self.ended()).await;
        self.kill();
        let status = match timeout(DYING, self.child.wait()).await {
            Ok(Ok(status)) => status.to_string(),
            _ => "closed its output".to_owned(),
        };
        let text = format!("the process that was to fetch {source} has failed ({status})");
        let memory = show_bytes(limits.memory);
        FetchError::unreached(Unreached::Machine, text)
            .with_advice(format!("look at it by hand: it may need more than {memory} of memory"))
    }

    /// Until it has ended by itself.
    async fn ended(&self) {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
        while let Some(pid) = self.pid()
            && matches!(waitid(WaitId::Pid(pid), options), Ok(None))
        {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Kills it with all that it started, and waits until it writes no more.
    async fn end(&mut self) {
        self.kill();
        let _ = timeout(DYING, self.child.wait()).await;
    }

    /// None once it is known to have ended: the number may be another's then.
    fn pid(&self) -> Option<Pid> {
        self.child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?))
    }

    fn kill(&self) {
        if let Some(pid) = self.pid() {
            let _ = kill_process_group(pid, Signal::KILL);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        // Its folder is removed next, which fails where somebody still writes into it.
        for _ in 0..DYING.as_millis() / 5 {
            if !matches!(self.child.try_wait(), Ok(None)) {
                break;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}
