//! SIGINT, SIGTERM and SIGHUP, heeded at every moment: the one place that listens to them.
//!
//! A signal ends the program at once, whatever it does, and no half a file is left. Only while there
//! is a [`Stop`] does the first signal ask its command to clean up and end; the second ends the
//! program then.

use std::future::pending;
use std::sync::{Mutex, MutexGuard, PoisonError, mpsc};
use std::time::{Duration, Instant};

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::Exit;
use crate::file;

/// What the next signal is told to; where there is none, it ends the program.
static HEEDED: Mutex<Option<CancellationToken>> = Mutex::new(None);
/// When the first signal was told.
static TOLD: Mutex<Option<Instant>> = Mutex::new(None);
/// What comes twice within this time was meant once: `timeout`, for one, sends a signal to the
/// program and to all of its group.
const ONCE: Duration = Duration::from_millis(300);
/// How long last words may take: nobody may read them.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// Listens to signals from now on. Where that fails, they end the program as they always do.
pub(super) fn listen() {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_io().build() else {
        return;
    };
    let mut kinds = vec![SignalKind::interrupt(), SignalKind::terminate()];
    // As under `nohup`.
    if !is_ignored(SignalKind::hangup()) {
        kinds.push(SignalKind::hangup());
    }
    for kind in kinds {
        let _inside = runtime.enter();
        let Ok(mut signals) = signal(kind) else { continue };
        runtime.spawn(async move {
            while signals.recv().await.is_some() {
                heard();
            }
        });
    }
    std::thread::spawn(move || runtime.block_on(pending::<()>()));
}

/// Whether whoever started the program had it ignore a signal.
fn is_ignored(kind: SignalKind) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    ignored.is_some_and(|mask| mask >> (kind.as_raw_value() - 1) & 1 == 1)
}

fn heard() {
    // It is kept, so that nothing begins that would have to be cleaned up.
    let heeded = heeded();
    let mut told = TOLD.lock().unwrap_or_else(PoisonError::into_inner);
    match &*heeded {
        Some(stop) if !stop.is_cancelled() => {
            *told = Some(Instant::now());
            stop.cancel();
        }
        None => end("interrupted"),
        Some(_) if told.is_some_and(|told| told.elapsed() < ONCE) => {}
        Some(_) => end("ended at once\n  help: `grade clean` removes what is left"),
    }
}

fn end(words: &'static str) -> ! {
    file::forsake();
    let (said, hears) = mpsc::channel();
    std::thread::spawn(move || {
        anstream::eprintln!("{words}");
        said.send(())
    });
    let _ = hears.recv_timeout(LAST_WORDS);
    std::process::exit(Exit::Unjudged as i32);
}

fn heeded() -> MutexGuard<'static, Option<CancellationToken>> {
    HEEDED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A command that has to clean up before it ends, and does so when it is told to.
pub(super) struct Stop(CancellationToken);

impl Stop {
    /// Heeds the next signal from now on, as long as this is kept.
    pub(super) fn begin() -> Stop {
        let token = CancellationToken::new();
        *heeded() = Some(token.clone());
        Stop(token)
    }

    /// What is cancelled by a signal.
    pub(super) fn token(&self) -> &CancellationToken {
        &self.0
    }

    /// Whether there was a signal; from now on, one ends the program. Nothing is left to clean up.
    pub(super) fn end(self) -> bool {
        *heeded() = None;
        self.0.is_cancelled()
    }

    /// Does some work, unless there is a signal or was one.
    pub(super) async fn unless<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        self.0.run_until_cancelled(work).await
    }
}

impl Drop for Stop {
    fn drop(&mut self) {
        *heeded() = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_is_told_to_the_command_that_cleans_up() {
        let stop = Stop::begin();
        assert!(!stop.token().is_cancelled());
        heard();
        assert!(stop.token().is_cancelled());
        // It would end these tests.
        heard();
        assert!(stop.end());
        assert!(heeded().is_none());
    }
}
