//! Where a submission comes from: its commit, and a digest of what was handed in.

use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use walkdir::WalkDir;

use super::SubmissionError;

/// Contents are hashed up to this many bytes in all; beyond, a file's size stands for it.
const HASHED: u64 = 256 * 1024 * 1024;
/// How long a repository is looked at.
const LOOK: Duration = Duration::from_secs(3);
/// Entries beyond this many are not visited.
const VISITED: usize = 100_000;

/// Where a submission comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// The folder or address, as given.
    pub source: String,
    /// The commit, in hex, when the folder is a git work tree.
    pub commit: Option<String>,
    /// When that commit was made, by its committer's clock: RFC 3339 in UTC.
    #[serde(default)]
    pub committed_at: Option<String>,
    /// Whether the folder differs from that commit; `None` when that is not known.
    pub dirty: Option<bool>,
    /// SHA-256 over the paths, modes and contents of all files, in hex. `.git` is left out.
    pub digest: String,
}

/// Finds out where the submission at `root`, called `given` by the user, comes from.
pub(super) fn of(given: &Path, root: &Path) -> Result<Provenance, SubmissionError> {
    let known = commit(root);
    Ok(Provenance {
        source: given.display().to_string(),
        commit: known.as_ref().map(|known| known.commit.clone()),
        committed_at: known.as_ref().and_then(|known| known.committed_at.clone()),
        dirty: known.and_then(|known| known.dirty),
        digest: digest(root)?,
    })
}

/// What is known of a submission that was fetched from `source` to `root`.
pub(super) fn fetched(
    source: String,
    root: &Path,
    commit: Option<String>,
    committed_at: Option<String>,
) -> Result<Provenance, SubmissionError> {
    let dirty = commit.is_some().then_some(false);
    Ok(Provenance { source, commit, committed_at, dirty, digest: digest(root)? })
}

/// What is known of a work tree's commit.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Known {
    commit: String,
    committed_at: Option<String>,
    dirty: Option<bool>,
}

/// What is known of a repository within [`LOOK`]: its files are the student's, and one that is a
/// pipe keeps its reader for ever.
fn commit(root: &Path) -> Option<Known> {
    let (tell, told) = mpsc::channel();
    let root = root.to_owned();
    std::thread::spawn(move || look(&root, &tell));
    let until = Instant::now() + LOOK;
    let mut known = None;
    while let Ok(more) = told.recv_timeout(until.saturating_duration_since(Instant::now())) {
        known = Some(more);
    }
    known
}

/// Tells the commit of a folder that is itself a work tree, then whether the folder differs. A
/// folder inside a larger repository, such as a course's own, has no commit of its own. libgit2
/// runs no hook and no filter here.
fn look(root: &Path, tell: &mpsc::Sender<Known>) -> Option<()> {
    let repository = git2::Repository::open(root).ok()?;
    let commit = repository.head().ok()?.peel_to_commit().ok()?;
    let time = jiff::Timestamp::from_second(commit.committer().when().seconds()).ok();
    let committed_at = time.map(|time| time.to_string());
    let known = Known { commit: commit.id().to_string(), committed_at, dirty: None };
    tell.send(known.clone()).ok()?;
    // The repository's own configuration may name any folder of this machine.
    repository.set_workdir(root, false).ok()?;
    let mut options = git2::StatusOptions::new();
    options.include_untracked(true).exclude_submodules(true);
    let is_dirty = !repository.statuses(Some(&mut options)).ok()?.is_empty();
    tell.send(Known { dirty: Some(is_dirty), ..known }).ok()
}

fn digest(root: &Path) -> Result<String, SubmissionError> {
    let mut hash = Sha256::new();
    let mut left = HASHED;
    let entries = WalkDir::new(root)
        .min_depth(1)
        .sort_by_file_name()
        .into_iter()
        .filter_entry(|entry| entry.file_name() != ".git");
    for entry in entries.take(VISITED) {
        let read = |path: &Path, source| SubmissionError::Read { path: path.to_owned(), source };
        let entry = entry.map_err(|error| {
            let path = error.path().unwrap_or(root).to_owned();
            read(&path, error.into())
        })?;
        let path = entry.path();
        let data = entry.metadata().map_err(|error| read(path, error.into()))?;
        let name = path.strip_prefix(root).unwrap_or(path).as_os_str().as_bytes();
        hash.update((name.len() as u64).to_le_bytes());
        hash.update(name);
        hash.update(data.permissions().mode().to_le_bytes());
        if data.is_symlink() {
            let target = std::fs::read_link(path).map_err(|source| read(path, source))?;
            hash.update(target.as_os_str().as_bytes());
        } else if data.is_file() {
            hash.update(data.len().to_le_bytes());
            if data.len() <= left {
                left -= data.len();
                let file = File::open(path).map_err(|source| read(path, source))?;
                update(&mut hash, file.take(data.len())).map_err(|source| read(path, source))?;
            }
        }
    }
    Ok(crate::nonce::hex(&hash.finalize()))
}

fn update(hash: &mut Sha256, mut file: impl Read) -> std::io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(()),
            count => hash.update(&buffer[..count]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_folders_have_equal_digests_and_a_changed_mode_shows() {
        let one = tempfile::tempdir().unwrap();
        let two = tempfile::tempdir().unwrap();
        for folder in [&one, &two] {
            std::fs::write(folder.path().join("Dockerfile"), "FROM busybox\n").unwrap();
            std::os::unix::fs::symlink("/etc/passwd", folder.path().join("link")).unwrap();
        }
        assert_eq!(digest(one.path()).unwrap(), digest(two.path()).unwrap());
        let mode = std::fs::Permissions::from_mode(0o700);
        std::fs::set_permissions(two.path().join("Dockerfile"), mode).unwrap();
        assert_ne!(digest(one.path()).unwrap(), digest(two.path()).unwrap());
    }

    #[test]
    fn a_work_tree_has_a_commit_and_an_edited_one_is_dirty() {
        let folder = tempfile::tempdir().unwrap();
        let repository = git2::Repository::init(folder.path()).unwrap();
        std::fs::write(folder.path().join("a"), "1").unwrap();
        let mut index = repository.index().unwrap();
        index.add_path(Path::new("a")).unwrap();
        index.write().unwrap();
        let tree = repository.find_tree(index.write_tree().unwrap()).unwrap();
        let time = git2::Time::new(1_700_000_000, 120);
        let who = git2::Signature::new("A", "a@example.org", &time).unwrap();
        let id = repository.commit(Some("HEAD"), &who, &who, "one", &tree, &[]).unwrap();
        let known = commit(folder.path()).unwrap();
        assert_eq!((known.commit, known.dirty), (id.to_string(), Some(false)));
        assert_eq!(known.committed_at.as_deref(), Some("2023-11-14T22:13:20Z"));
        std::fs::write(folder.path().join("b"), "2").unwrap();
        assert_eq!(commit(folder.path()).unwrap().dirty, Some(true));
        std::fs::create_dir(folder.path().join("sub")).unwrap();
        assert_eq!(commit(&folder.path().join("sub")), None);
    }
}
