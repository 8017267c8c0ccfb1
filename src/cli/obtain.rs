//! Having a submission here, wherever it comes from.

use clap::Args;
use jiff::Timestamp;
use std::path::{Path, PathBuf};

use super::stop::Stop;
use super::{Exit, command_names, runtime};
use crate::document::nearest;
use crate::engine::Owner;
use crate::judge::line;
use crate::submission::{FetchError, FetchLimits, Fetched, Fetcher, Revision, Source, Submission};

/// What is handed in, and which version of it.
#[derive(Args, Debug)]
pub(super) struct HandedIn {
    /// What was handed in: a folder, an archive (zip, tar, tar.gz), or a git repository's address
    #[arg(required = true)]
    submission: Option<PathBuf>,
    /// Of a repository: a branch, a tag or a commit [default: the newest commit of its own branch]
    #[arg(long, value_name = "REV", conflicts_with = "at", help_heading = "Git")]
    rev: Option<String>,
    /// Of a repository: the newest commit of that time or before, such as 2026-10-01T23:59:00+02:00
    #[arg(long, value_name = "TIME", value_parser = time, help_heading = "Git")]
    at: Option<Timestamp>,
}

/// A moment, not a date on somebody's calendar: it has an offset.
fn time(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|error: jiff::Error| {
        format!("{error}\n  help: a time has an offset or a Z: 2026-10-01T23:59:00+02:00")
    })
}

impl HandedIn {
    /// What was named.
    pub(super) fn named(&self) -> Option<&Path> {
        self.submission.as_deref()
    }

    /// Where it is to be had from.
    pub(super) fn source(&self) -> Result<Source, Exit> {
        let at = match (&self.rev, self.at) {
            (Some(name), _) => Revision::Named(name.clone()),
            (None, Some(time)) => Revision::Before(time),
            (None, None) => Revision::Head,
        };
        let path = self.submission.as_deref().unwrap_or(Path::new("."));
        let Some(text) = path.to_str() else { return Ok(Source::Path(path.to_owned())) };
        Source::parse(text, at).map_err(|error| {
            anstream::eprintln!("{error}");
            Exit::Usage
        })
    }
}

/// Opens a folder, or fetches whatever else it is. What was fetched has to be removed: signals are
/// heeded from before there is anything.
pub(super) fn obtain(source: &Source) -> Result<(Stop, Submission), Exit> {
    match source {
        Source::Path(path) if !path.is_file() => {
            let submission = Submission::open(path).map_err(|error| {
                let near = Some(path).filter(|path| !path.exists());
                let commands = command_names();
                let near = near.and_then(|path| {
                    nearest(&path.to_string_lossy(), commands.iter().map(String::as_str))
                });
                let near = near.map(|near| format!("\n  help: did you mean the command `{near}`?"));
                anstream::eprintln!("{error}{}", near.unwrap_or_default());
                Exit::Usage
            })?;
            Ok((Stop::begin(), submission))
        }
        source => {
            let stop = Stop::begin();
            let submission = fetch(source, &stop)?;
            Ok((stop, submission))
        }
    }
}

fn fetch(source: &Source, stop: &Stop) -> Result<Submission, Exit> {
    let program = std::env::current_exe().map_err(|error| {
        anstream::eprintln!("failed to find this program: {error}");
        Exit::Unjudged
    })?;
    let into = std::env::temp_dir();
    let fetcher = Fetcher { program, limits: FetchLimits::default(), into, owner: owner() };
    if matches!(source, Source::Git(_)) {
        anstream::eprintln!("… fetching {}", line(&source.to_string(), 200));
    }
    let fetched = runtime()?.block_on(stop.unless(fetcher.fetch(source)));
    match fetched {
        Some(Ok(Fetched { submission, notes })) => {
            for note in notes {
                anstream::eprintln!("note: {}", line(&note, 400));
            }
            Ok(submission)
        }
        Some(Err(error)) => Err(tell(&error)),
        None => Err(interrupted()),
    }
}

/// This process, as what it keeps in temporary folders is marked with.
pub(super) fn owner() -> String {
    Owner::this_process().map(|owner| owner.to_string()).unwrap_or_default()
}

/// Says that a signal has ended the grading of one submission.
pub(super) fn interrupted() -> Exit {
    anstream::eprintln!("interrupted: nothing is graded, and nothing is left behind");
    Exit::Unjudged
}

fn tell(error: &FetchError) -> Exit {
    anstream::eprintln!("{}", line(&error.to_string(), 1000));
    match error {
        FetchError::Missing { .. } => Exit::Usage,
        FetchError::Unreached { advice, .. } => {
            if let Some(advice) = advice {
                anstream::eprintln!("  help: {}", line(advice, 1000));
            }
            Exit::Unjudged
        }
    }
}
