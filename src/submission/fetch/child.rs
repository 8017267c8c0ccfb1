//! The side of fetching that does it: a process of its own, with little memory, that ends when
//! nobody waits for it any more.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, Signal, getpgrp, getpid, kill_process_group, setrlimit};

use super::protocol::{Arrival, News, Request, SUBMISSION, Word};
use super::{FetchError, Unreached};
use crate::submission::{Source, git, unpack};

/// The most bytes of a request.
const REQUEST: u64 = 1 << 20;
/// How often it is told that the other side is alive.
const OFTEN: Duration = Duration::from_millis(200);

/// Fetches what the first line of `input` says, and tells of it on `output`. It ends the process
/// when `input` ends.
///
/// # Errors
/// When the input is no request, or nobody reads the output.
pub fn serve(
    input: impl Read + Send + 'static,
    output: impl Write + Send,
) -> Result<(), std::io::Error> {
    let mut input = BufReader::new(input);
    let mut line = String::new();
    input.by_ref().take(REQUEST).read_line(&mut line)?;
    let request: Request = serde_json::from_str(&line)?;
    limit(&request)?;
    let folder = request.folder.clone();
    std::thread::spawn(move || leave_with(input, folder));
    let teller = Teller::new(output);
    let word = match fetch(&request, &|news| teller.news(news)) {
        Ok(arrival) => Word::Done(arrival),
        Err(error) => Word::Failed(error),
    };
    teller.tell(&word)
}

fn fetch(request: &Request, news: &(dyn Fn(News) + Sync)) -> Result<Arrival, FetchError> {
    let place = request.folder.join(SUBMISSION);
    match request.source() {
        Some(Source::Path(path)) => unpack::unpack(&path, &place, &request.limits, news),
        Some(Source::Git(source)) => git::fetch(&source, &place, &request.limits, news),
        None => Err(FetchError::unreached(Unreached::Address, "that is no time")),
    }
}

/// A repository is read by a library in C: this is what it may take, and no more. What is in memory
/// then may be a token: it is not written to disk when all goes wrong.
fn limit(request: &Request) -> Result<(), std::io::Error> {
    let memory = Some(request.limits.memory);
    setrlimit(Resource::Data, Rlimit { current: memory, maximum: memory })?;
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    Ok(())
}

/// Waits for the end of the input: whoever asked is gone, perhaps killed, and leaves all to us.
fn leave_with(mut input: impl Read, folder: PathBuf) {
    let mut byte = [0];
    while matches!(input.read(&mut byte), Ok(1)) {}
    let _ = std::fs::remove_dir_all(folder);
    if getpgrp() == getpid() {
        let _ = kill_process_group(getpid(), Signal::KILL);
    }
    std::process::exit(1);
}

/// Tells what happens, and not too often.
struct Teller<W> {
    output: Mutex<(W, Option<Instant>)>,
}

impl<W: Write> Teller<W> {
    fn new(output: W) -> Teller<W> {
        Teller { output: Mutex::new((output, None)) }
    }

    fn news(&self, news: News) {
        let Ok(mut output) = self.output.try_lock() else { return };
        if output.1.is_none_or(|last| last.elapsed() >= OFTEN) {
            output.1 = Some(Instant::now());
            // Whoever does not listen any more closes the input, too.
            let _ = write(&mut output.0, &Word::News(news));
        }
    }

    fn tell(&self, word: &Word) -> std::io::Result<()> {
        let mut output = self.output.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        write(&mut output.0, word)
    }
}

fn write(output: &mut impl Write, word: &Word) -> std::io::Result<()> {
    let mut line = serde_json::to_vec(word)?;
    line.push(b'\n');
    output.write_all(&line)?;
    output.flush()
}
