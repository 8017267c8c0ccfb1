//! The temporary folders of what is fetched. Nobody else may read them, and their names tell whose
//! they are, so that what a killed process leaves is found.

use std::fs::Permissions;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

const PREFIX: &str = "grade-fetch-";

/// Makes one for somebody.
pub(super) fn make(into: &Path, owner: &str) -> io::Result<TempDir> {
    tempfile::Builder::new()
        // There are tools that take a path with a colon for two.
        .prefix(&format!("{PREFIX}{}-", owner.replace(':', "_")))
        // From birth: what a student hands in is between them and who grades it.
        .permissions(Permissions::from_mode(0o700))
        .tempdir_in(into)
}

/// A folder of what was fetched.
#[derive(Debug)]
pub struct KeptFolder {
    /// Where it is.
    pub path: PathBuf,
    /// Whose it is, as [`Fetcher::owner`](super::Fetcher::owner) said; empty where it does not tell.
    pub owner: String,
}

/// This user's folders of what was fetched into a folder.
///
/// # Errors
/// When it cannot be read.
pub fn kept_folders(into: &Path) -> io::Result<Vec<KeptFolder>> {
    let mut kept = Vec::new();
    let user = rustix::process::geteuid().as_raw();
    for entry in std::fs::read_dir(into)? {
        let entry = entry?;
        let name = entry.file_name();
        let Some(rest) = name.to_str().and_then(|name| name.strip_prefix(PREFIX)) else { continue };
        // In a folder for all, anybody may make one of that name, or a link. One may be gone by now.
        let Ok(data) = entry.path().symlink_metadata() else { continue };
        if data.is_dir() && data.uid() == user {
            let owner = rest.rsplit_once('-').map_or("", |(owner, _)| owner).replace('_', ":");
            kept.push(KeptFolder { path: entry.path(), owner });
        }
    }
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_private_and_tells_whose_it_is() {
        let into = tempfile::tempdir().unwrap();
        let mine = make(into.path(), "boot-id:4026:17:4242").unwrap();
        let nobodys = make(into.path(), "").unwrap();
        std::fs::create_dir(into.path().join("grade-fetch-abc")).unwrap();
        std::fs::create_dir(into.path().join("other-grade-fetch-a-b")).unwrap();
        std::os::unix::fs::symlink(mine.path(), into.path().join("grade-fetch-1-2")).unwrap();
        std::fs::write(into.path().join("grade-fetch-3-4"), "").unwrap();
        let mode = std::fs::metadata(mine.path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        let mut kept = kept_folders(into.path()).unwrap();
        kept.sort_by_key(|one| std::cmp::Reverse(one.owner.len()));
        let owners: Vec<&str> = kept.iter().map(|one| one.owner.as_str()).collect();
        assert_eq!(owners, ["boot-id:4026:17:4242", "", ""]);
        assert_eq!(kept[0].path, mine.path());
        drop(nobodys);
    }
}
