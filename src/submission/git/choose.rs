//! Which commit is the submission, and no more of the history than that takes.

use git2::{ErrorCode, Oid, Reference, Repository, Revwalk};
use jiff::Timestamp;

use super::{Depth, Remote, damaged};
use crate::submission::Revision;
use crate::submission::fetch::{FetchError, Missing, show};

/// Where received references are kept.
const BRANCH: &str = "refs/grade/branch";
const TAG: &str = "refs/grade/tag";
const COMMIT: &str = "refs/grade/commit";
const HEADS: &str = "refs/grade/heads/";
/// The digits of a whole commit, and the fewest of an abbreviated one.
const DIGITS: std::ops::RangeInclusive<usize> = 4..=40;
/// The most branches that are named in a message.
const NAMED: usize = 10;

/// A commit that was received.
pub(super) struct Chosen {
    pub(super) repository: Repository,
    pub(super) commit: Oid,
    pub(super) notes: Vec<String>,
}

/// Receives what is needed to tell the commit.
pub(super) fn choose(remote: &Remote<'_>, at: &Revision) -> Result<Chosen, FetchError> {
    match at {
        Revision::Head => newest(remote, Depth::One),
        Revision::Named(name) if name == "HEAD" => newest(remote, Depth::One),
        Revision::Named(name) => named(remote, name),
        Revision::Before(time) => {
            // Most students stop before the deadline, and one commit tells that.
            if remote.way.is_remote {
                let newest = newest(remote, Depth::One)?;
                if committed(&newest.repository, newest.commit)? <= *time {
                    return Ok(newest);
                }
            }
            before(remote, newest(remote, Depth::All)?, *time)
        }
    }
}

/// The newest commit of the repository's own branch.
fn newest(remote: &Remote<'_>, depth: Depth) -> Result<Chosen, FetchError> {
    let repository = remote.receive(&[&format!("+HEAD:{COMMIT}")], depth)?;
    if let Some(commit) = commit_of(&repository, COMMIT)? {
        return Ok(Chosen { repository, commit, notes: Vec::new() });
    }
    // The own branch may be one that was never pushed to.
    let repository = remote.receive(&[&format!("+refs/heads/*:{HEADS}*")], depth)?;
    let branches = branches(&repository)?;
    let shown = &remote.way.shown;
    match branches.as_slice() {
        [] => {
            let text = format!("the repository {shown} is empty");
            Err(FetchError::missing(Missing::Empty, text))
        }
        [(name, commit)] => {
            let name = show(name);
            let note =
                format!("the repository's own branch is not there: its only one, {name}, is taken");
            Ok(Chosen { commit: *commit, notes: vec![note], repository })
        }
        several => {
            let names: Vec<String> =
                several.iter().take(NAMED).map(|(name, _)| show(name)).collect();
            let text = format!(
                "the own branch of {shown} is not there, and which other is meant is not clear: {}",
                names.join(", ")
            );
            Err(FetchError::missing(Missing::NoCommit, text))
        }
    }
}

/// A branch, a tag or a commit; a branch before a tag, and both before a commit, of the same name.
fn named(remote: &Remote<'_>, name: &str) -> Result<Chosen, FetchError> {
    let shown = &remote.way.shown;
    let mut specs = Vec::new();
    let (branch, tag) = (format!("refs/heads/{name}"), format!("refs/tags/{name}"));
    if name.starts_with("refs/") && Reference::is_valid_name(name) {
        specs.push(format!("+{name}:{COMMIT}"));
    }
    if Reference::is_valid_name(&branch) {
        specs.extend([format!("+{branch}:{BRANCH}"), format!("+{tag}:{TAG}")]);
    }
    if !specs.is_empty() {
        let specs: Vec<&str> = specs.iter().map(String::as_str).collect();
        let repository = remote.receive(&specs, Depth::One)?;
        for reference in [BRANCH, TAG, COMMIT] {
            if let Some(commit) = commit_of(&repository, reference)? {
                return Ok(Chosen { repository, commit, notes: Vec::new() });
            }
        }
    }
    let is_hex =
        DIGITS.contains(&name.len()) && name.bytes().all(|digit| digit.is_ascii_hexdigit());
    if is_hex && let Some(chosen) = by_digits(remote, name)? {
        return Ok(chosen);
    }
    let text = format!("{shown} has no branch, tag or commit {}", show(name.as_bytes()));
    Err(FetchError::missing(Missing::NoCommit, text))
}

/// A commit that its first digits tell, reachable from a branch or a tag where the server shows no
/// others.
fn by_digits(remote: &Remote<'_>, digits: &str) -> Result<Option<Chosen>, FetchError> {
    let digits = digits.to_ascii_lowercase();
    if digits.len() == *DIGITS.end() {
        // Not every server gives what is no branch or tag.
        match remote.receive(&[&format!("+{digits}:{COMMIT}")], Depth::One) {
            Ok(repository) => {
                if let Some(commit) = commit_of(&repository, COMMIT)? {
                    return Ok(Some(Chosen { repository, commit, notes: Vec::new() }));
                }
            }
            // Of a commit that is not there, some say that all is broken. Should it be so, or the
            // network, it will be so again.
            Err(
                FetchError::Missing { why: Missing::Damaged, .. } | FetchError::Unreached { .. },
            ) => {}
            Err(error) => return Err(error),
        }
    }
    let all = [&format!("+refs/heads/*:{HEADS}*"), "+refs/tags/*:refs/grade/tags/*"];
    let repository = remote.receive(&all, Depth::All)?;
    let found = match repository.find_commit_by_prefix(&digits) {
        Ok(commit) => Ok(Some(commit.id())),
        Err(error) => Err(error),
    };
    match found {
        Ok(commit) => Ok(commit.map(|commit| Chosen { repository, commit, notes: Vec::new() })),
        Err(error) if error.code() == ErrorCode::Ambiguous => {
            let text = format!("more than one object of {} begins with {digits}", remote.way.shown);
            Err(FetchError::missing(Missing::NoCommit, text))
        }
        Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
        Err(error) => Err(damaged(&error)),
    }
}

/// The newest commit that is not after a time. Only the branch's own line counts, each commit's
/// first parent: what a merge brought was on another branch before it, and half of a whole there.
fn before(remote: &Remote<'_>, tip: Chosen, time: Timestamp) -> Result<Chosen, FetchError> {
    let Chosen { repository, commit: newest, mut notes } = tip;
    let mut line = walk(&repository, newest)?;
    line.simplify_first_parent().map_err(|error| damaged(&error))?;
    let mut chosen = None;
    for commit in line {
        let commit = commit.map_err(|error| damaged(&error))?;
        if committed(&repository, commit)? <= time {
            chosen = Some(commit);
            break;
        }
    }
    let Some(commit) = chosen else {
        let text = format!("{} has no commit of {time} or before", remote.way.shown);
        return Err(FetchError::missing(Missing::NoCommit, text));
    };
    let mut others = walk(&repository, newest)?;
    others.hide(commit).map_err(|error| damaged(&error))?;
    let mut beside = 0;
    for other in others {
        let other = other.map_err(|error| damaged(&error))?;
        beside += u32::from(committed(&repository, other)? <= time);
    }
    if beside > 0 {
        notes.push(format!(
            "{beside} more commits are of {time} or before, but came to the branch by a later merge: \
             --rev takes one of them"
        ));
    }
    Ok(Chosen { repository, commit, notes })
}

fn walk(repository: &Repository, from: Oid) -> Result<Revwalk<'_>, FetchError> {
    let mut walk = repository.revwalk().map_err(|error| damaged(&error))?;
    walk.push(from).map_err(|error| damaged(&error))?;
    Ok(walk)
}

fn committed(repository: &Repository, commit: Oid) -> Result<Timestamp, FetchError> {
    let commit = repository.find_commit(commit).map_err(|error| damaged(&error))?;
    let seconds = commit.committer().when().seconds();
    // What no clock says is before or after all that one says.
    let beyond = if seconds < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Ok(Timestamp::from_second(seconds).unwrap_or(beyond))
}

/// The commit that a reference leads to; none when it is not there.
fn commit_of(repository: &Repository, name: &str) -> Result<Option<Oid>, FetchError> {
    let reference = match repository.find_reference(name) {
        Ok(reference) => reference,
        Err(error) if error.code() == ErrorCode::NotFound => return Ok(None),
        Err(error) => return Err(damaged(&error)),
    };
    match reference.peel_to_commit() {
        Ok(commit) => Ok(Some(commit.id())),
        Err(error) if error.code() == ErrorCode::InvalidSpec || error.code() == ErrorCode::Peel => {
            let text = "what is named is no commit, but a file or a folder";
            Err(FetchError::missing(Missing::NoCommit, text))
        }
        Err(error) => Err(damaged(&error)),
    }
}

fn branches(repository: &Repository) -> Result<Vec<(Vec<u8>, Oid)>, FetchError> {
    let mut branches = Vec::new();
    for reference in repository.references().map_err(|error| damaged(&error))? {
        let reference = reference.map_err(|error| damaged(&error))?;
        let name = reference.name_bytes().strip_prefix(HEADS.as_bytes());
        if let (Some(name), Some(commit)) = (name, reference.target()) {
            branches.push((name.to_owned(), commit));
        }
    }
    Ok(branches)
}
