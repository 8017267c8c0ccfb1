//! All of a submission as one tar: what its own commands are to find in their folder.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use walkdir::WalkDir;

use crate::context::{ContextError, ContextLimits};

/// Packs everything below `root` but Git's own folder, under the folder `name`, for a user.
pub(super) fn pack(
    root: &Path,
    name: &str,
    user: u64,
    limits: &ContextLimits,
) -> Result<Vec<u8>, ContextError> {
    let mut tar = tar::Builder::new(Vec::new());
    let (mut bytes, mut entries) = (0_u64, 0_u64);
    let is_git = |entry: &walkdir::DirEntry| entry.depth() == 1 && entry.file_name() == ".git";
    for entry in WalkDir::new(root).sort_by_file_name().into_iter().filter_entry(|one| !is_git(one))
    {
        let entry = entry.map_err(|error| {
            let path = error.path().unwrap_or(root).to_owned();
            ContextError::read(&path, &error.into())
        })?;
        let path = entry.path();
        let read = |error: io::Error| ContextError::read(path, &error);
        let data = std::fs::symlink_metadata(path).map_err(read)?;
        entries += 1;
        bytes += if data.is_file() { data.len() } else { 0 };
        limits.allow(bytes, entries)?;
        let inside = Path::new(name).join(path.strip_prefix(root).unwrap_or(path));
        let mut header = tar::Header::new_gnu();
        header.set_mtime(modified(&data));
        header.set_uid(user);
        header.set_gid(user);
        // What its owner could not write here, their commands could not replace there.
        header.set_mode(mode_of(&data) | 0o600);
        header.set_size(0);
        if data.is_dir() {
            header.set_mode(mode_of(&data) | 0o700);
            header.set_entry_type(tar::EntryType::Directory);
            tar.append_data(&mut header, inside, io::empty()).map_err(read)?;
        } else if data.is_symlink() {
            header.set_entry_type(tar::EntryType::Symlink);
            let target = std::fs::read_link(path).map_err(read)?;
            tar.append_link(&mut header, inside, target).map_err(read)?;
        } else if data.is_file() {
            header.set_size(data.len());
            let file = File::open(path).map_err(read)?;
            // A file that grows or shrinks meanwhile must not break the tar.
            let content = file.chain(io::repeat(0)).take(data.len());
            tar.append_data(&mut header, inside, content).map_err(read)?;
        }
    }
    let failed = |error| ContextError::read(root, &error);
    tar.into_inner().map_err(failed)
}

fn mode_of(data: &std::fs::Metadata) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    data.permissions().mode() & 0o7777
}

fn modified(data: &std::fs::Metadata) -> u64 {
    use std::os::unix::fs::MetadataExt;
    u64::try_from(data.mtime()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_goes_but_git() {
        let folder = tempfile::tempdir().unwrap();
        for name in [".git/config", "run.sh", ".dockerignore", "config/app.conf"] {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "*").unwrap();
        }
        let limits = ContextLimits { bytes: 100, entries: 100 };
        let tar = pack(folder.path(), "work", 1000, &limits).unwrap();
        let mut archive = tar::Archive::new(&tar[..]);
        let names: Vec<String> = archive
            .entries()
            .unwrap()
            .map(|entry| entry.unwrap().path().unwrap().display().to_string())
            .collect();
        let all =
            ["work/", "work/.dockerignore", "work/config", "work/config/app.conf", "work/run.sh"];
        assert_eq!(
            names.iter().map(|name| name.trim_end_matches('/')).collect::<Vec<_>>(),
            all.map(|name| name.trim_end_matches('/'))
        );
        let few = ContextLimits { bytes: 2, entries: 100 };
        assert!(matches!(
            pack(folder.path(), "work", 1000, &few),
            Err(ContextError::TooLarge { .. })
        ));
    }
}
