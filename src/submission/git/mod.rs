//! Git repositories: what libgit2 receives is kept without a work tree, one commit is chosen, and
//! its files are written by us.

mod choose;
mod here;
mod https;
mod login;
mod ssh;
#[cfg(test)]
mod tests;
mod tree;
mod way;

use std::path::Path;

use git2::{AutotagOption, ErrorClass, FetchOptions, RemoteCallbacks, Repository};
use git2::{RepositoryInitOptions, opts};

use super::GitSource;
use super::address::Address;
use super::fetch::{Arrival, FetchError, FetchLimits, Missing, News, Unreached, disk};
use choose::Chosen;
use way::{Way, too_much};

/// The most characters of somebody else's words that are repeated.
const SAID: usize = 200;
/// No token has fewer letters.
const SHORTEST_TOKEN: usize = 16;

/// Brings a repository's commit into the new folder `place`.
pub(super) fn fetch(
    source: &GitSource,
    place: &Path,
    limits: &FetchLimits,
    news: &dyn Fn(News),
) -> Result<Arrival, FetchError> {
    let address = Address::parse(&source.url)
        .map_err(|error| FetchError::unreached(Unreached::Address, error.to_string()))?;
    let mut secrets = login::secrets();
    if let Address::Http { login: Some(login), .. } = &address {
        // A name alone is a token at times.
        let is_name = !login.password.is_empty() || login.user.len() < SHORTEST_TOKEN;
        secrets.push(if is_name { &login.password } else { &login.user }.clone());
    }
    bring(address, source, place, limits, news).map_err(|error| error.without(&secrets))
}

fn bring(
    address: Address,
    source: &GitSource,
    place: &Path,
    limits: &FetchLimits,
    news: &dyn Fn(News),
) -> Result<Arrival, FetchError> {
    // Nothing is read twice.
    opts::enable_caching(false);
    if let Address::Folder(path) = &address {
        here::open(path, limits)?;
    }
    let way = Way::to(address, limits)?;
    let remote = Remote { way, limits, news, place: place.with_extension("git") };
    let Chosen { repository, commit, mut notes } = choose::choose(&remote, &source.at)?;
    let commit = repository.find_commit(commit).map_err(|error| damaged(&error))?;
    notes.extend(tree::write(&repository, &commit, place, limits, news)?);
    let committed_at = jiff::Timestamp::from_second(commit.committer().when().seconds()).ok();
    let _ = std::fs::remove_dir_all(&remote.place);
    Ok(Arrival {
        commit: Some(commit.id().to_string()),
        committed_at: committed_at.map(|time| time.to_string()),
        inner_name: None,
        notes,
    })
}

/// A repository elsewhere.
struct Remote<'a> {
    way: Way,
    limits: &'a FetchLimits,
    news: &'a dyn Fn(News),
    /// Where what is received is kept.
    place: std::path::PathBuf,
}

/// How much of the history is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Depth {
    /// One commit, where the server can tell it from the others.
    One,
    /// All.
    All,
}

impl Remote<'_> {
    /// Receives what these refspecs say into a new repository; those that fit nothing bring
    /// nothing.
    fn receive(&self, refspecs: &[&str], depth: Depth) -> Result<Repository, FetchError> {
        // Only a server can tell one commit from the others.
        if depth == Depth::One && self.way.is_remote {
            match self.receive_at(refspecs, 1) {
                Err(Failed::Shallow) => {}
                Err(Failed::For(error)) => return Err(error),
                Ok(repository) => return Ok(repository),
            }
        }
        self.receive_at(refspecs, 0).map_err(|failed| match failed {
            Failed::For(error) => error,
            Failed::Shallow => FetchError::unreached(
                Unreached::Network,
                format!("{} has a part of its history only", self.way.shown),
            ),
        })
    }

    fn receive_at(&self, refspecs: &[&str], depth: i32) -> Result<Repository, Failed> {
        // Whatever was received before is not enough.
        let _ = std::fs::remove_dir_all(&self.place);
        let ours = |error: git2::Error| Failed::For(local(&error));
        let mut options = RepositoryInitOptions::new();
        // Hooks come by the user's template.
        options.bare(true).external_template(false);
        let repository = Repository::init_opts(&self.place, &options).map_err(ours)?;
        // The user's `insteadOf` is for addresses that people write: the longest that fits counts.
        let url = &self.way.url;
        let config = repository
            .config()
            .and_then(|mut config| config.set_str(&format!("url.{url}.insteadof"), url));
        config.map_err(ours)?;
        let mut remote = repository.remote_anonymous(url).map_err(ours)?;
        let mut options = FetchOptions::new();
        options
            .remote_callbacks(self.callbacks())
            .download_tags(AutotagOption::None)
            .update_fetchhead(false)
            .depth(depth);
        let fetched = remote.fetch(refspecs, Some(&mut options), None);
        drop((options, remote));
        match fetched {
            Ok(()) => Ok(repository),
            Err(error) => Err(self.failed(&error)),
        }
    }

    fn callbacks(&self) -> RemoteCallbacks<'_> {
        let mut callbacks = RemoteCallbacks::new();
        callbacks.transfer_progress(|progress| {
            let bytes = progress.received_bytes() as u64;
            (self.news)(News { bytes });
            if bytes > self.limits.received {
                self.way.state.fail(too_much(self.limits.received));
                return false;
            }
            let objects = progress.total_objects() as u64;
            if objects > self.limits.objects {
                let most = self.limits.objects;
                let text = format!("the repository holds more than {most} objects");
                self.way.state.fail(FetchError::missing(Missing::TooLarge, text));
                return false;
            }
            true
        });
        // What the server says of its progress: a sign of life, and nothing to show.
        callbacks.sideband_progress(|_| {
            (self.news)(News::default());
            true
        });
        callbacks
    }

    fn failed(&self, error: &git2::Error) -> Failed {
        // The relay knows better than libgit2, which only notices that nothing comes.
        if let Some(error) = self.way.state.take() {
            return Failed::For(error);
        }
        let text = error.message();
        if text.contains("shallow") {
            return Failed::Shallow;
        }
        let shown = &self.way.shown;
        if error.class() == ErrorClass::NoMemory {
            return Failed::For(local(error));
        }
        if is_damage(error, self.way.is_remote) {
            return Failed::For(damaged(error));
        }
        Failed::For(match text.strip_prefix("remote error: ") {
            Some(said) => FetchError::unreached(
                Unreached::Hidden,
                format!("the server of {shown} answers: {}", say(said)),
            ),
            None => FetchError::unreached(
                if self.way.is_remote { Unreached::Network } else { Unreached::Machine },
                format!("{shown} was not fetched: {}", say(text)),
            ),
        })
    }
}

/// Why nothing was received.
enum Failed {
    /// The server does not know parts of a history.
    Shallow,
    For(FetchError),
}

/// Whether an error tells of what is in a repository. Of what is in a folder, all does but what this
/// machine fails in. A server that has broken objects sends them as they are, or breaks off as the
/// network does.
fn is_damage(error: &git2::Error, is_remote: bool) -> bool {
    use ErrorClass as Class;
    match error.class() {
        Class::Zlib | Class::Odb | Class::Object | Class::Tree | Class::Reference => true,
        Class::NoMemory | Class::Os | Class::Filesystem | Class::Thread | Class::Callback => false,
        _ => !is_remote,
    }
}

/// Something in what was received whole, or lies in a folder, is broken.
fn damaged(error: &git2::Error) -> FetchError {
    if matches!(error.class(), ErrorClass::NoMemory | ErrorClass::Os | ErrorClass::Filesystem) {
        return local(error);
    }
    let text = format!("the repository is damaged: {}", say(error.message()));
    FetchError::missing(Missing::Damaged, text)
}

/// What failed is on this machine.
fn local(error: &git2::Error) -> FetchError {
    disk("keep what is fetched", &std::io::Error::other(say(error.message())))
}

/// Somebody else's words: one line, without control characters, and not without end.
fn say(text: &str) -> String {
    let line: String =
        text.chars().map(|c| if c.is_control() || c.is_whitespace() { ' ' } else { c }).collect();
    let line = line.trim();
    match line.char_indices().nth(SAID) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}
