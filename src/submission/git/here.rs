//! Repositories in a folder of this machine: whether one may be read, and can be.

use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use flate2::read::ZlibDecoder;
use git2::{ErrorCode, Repository};

use super::super::fetch::{FetchError, FetchLimits, Missing, Unreached, show};
use super::{damaged, is_damage, say};

/// Digits of the name of an object's file: those of a SHA-1 but the folder's two.
const OBJECT: usize = 38;

/// Whether a folder of this machine is a repository that may be read.
pub(super) fn open(path: &Path, limits: &FetchLimits) -> Result<(), FetchError> {
    let shown = path.display();
    if let Some(odd) = odd_file(path) {
        let text = format!("the repository {shown} holds {odd}, which is no file");
        return Err(FetchError::missing(Missing::Hostile, text));
    }
    if let Some(object) = cut_off(path, limits.received) {
        let text = format!("the repository is damaged: its object {object} ends too early");
        return Err(FetchError::missing(Missing::Damaged, text));
    }
    let error = match Repository::open(path) {
        Ok(repository) if is_whole(&repository, path) => return Ok(()),
        Ok(_) => {
            let text = format!("the repository {shown} keeps a part of itself elsewhere");
            return Err(FetchError::unreached(Unreached::Refused, text)
                .with_advice("name the other one, or a clone of this that is whole"));
        }
        Err(error) => error,
    };
    Err(match error.code() {
        ErrorCode::NotFound => {
            let text = format!("there is no repository at {shown}");
            FetchError::missing(Missing::NotThere, text)
        }
        ErrorCode::Owner => {
            let text = format!("the repository {shown} belongs to somebody else");
            FetchError::unreached(Unreached::Refused, text).with_advice(format!(
                "git config --global --add safe.directory {shown}, if it may be trusted"
            ))
        }
        // Other tools may know a later form.
        _ if is_damage(&error, false) && !error.message().contains("unsupported") => {
            damaged(&error)
        }
        _ => {
            let text = format!("failed to read the repository {shown}: {}", say(error.message()));
            FetchError::unreached(Unreached::Machine, text)
        }
    })
}

/// Something in a repository's own folder that is neither file nor folder nor link. Whoever reads a
/// pipe waits for ever.
fn odd_file(path: &Path) -> Option<String> {
    let entries = walkdir::WalkDir::new(folder(path)).into_iter().flatten();
    let is_odd = |kind: std::fs::FileType| !kind.is_file() && !kind.is_dir() && !kind.is_symlink();
    let mut odd = entries.filter(|entry| is_odd(entry.file_type()));
    odd.next().map(|entry| show(entry.file_name().as_bytes()))
}

/// An object in a file of its own whose compressed data stops before its end. libgit2 1.9 waits for the rest of
/// a small one for ever (`git_zstream_get_output` gives nothing, and is asked again).
fn cut_off(path: &Path, most: u64) -> Option<String> {
    let objects = walkdir::WalkDir::new(folder(path).join("objects")).min_depth(2).max_depth(2);
    let files = objects.into_iter().flatten().filter(|entry| entry.file_type().is_file());
    let mut cut = files.filter(|entry| {
        let is_object = entry.file_name().len() == OBJECT
            && entry.path().metadata().is_ok_and(|data| data.len() > 0);
        is_object && ends_early(entry.path(), most)
    });
    cut.next().map(|entry| show(entry.file_name().as_bytes()))
}

fn ends_early(path: &Path, most: u64) -> bool {
    let Ok(file) = std::fs::File::open(path) else { return false };
    let read = io::copy(&mut ZlibDecoder::new(file).take(most), &mut io::sink());
    read.is_err_and(|error| error.kind() == io::ErrorKind::UnexpectedEof)
}

/// A repository's own folder.
fn folder(path: &Path) -> PathBuf {
    let own = path.join(".git");
    if own.is_dir() { own } else { path.to_owned() }
}

/// Whether all of a repository lies in its folder, no link in it leading elsewhere. A student could
/// name another's, and hand in what is there.
fn is_whole(repository: &Repository, path: &Path) -> bool {
    let Ok(root) = path.canonicalize() else { return false };
    let own = [root.clone(), root.join(".git")];
    let lies_in = |found: &Path| found.canonicalize().is_ok_and(|found| own.contains(&found));
    let is_folder = |name: &str| {
        let found = repository.path().join(name).symlink_metadata();
        found.is_ok_and(|data| data.is_dir())
    };
    let git = root.join(".git").symlink_metadata();
    git.map_or(true, |data| data.is_dir())
        && lies_in(repository.path())
        && lies_in(repository.commondir())
        && is_folder("objects")
        && is_folder("refs")
        && !walkdir::WalkDir::new(repository.path())
            .into_iter()
            .flatten()
            .any(|entry| entry.path_is_symlink())
        && !repository.path().join("objects/info/alternates").exists()
}
