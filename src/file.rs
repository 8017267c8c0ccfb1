//! Files written whole or not at all.

use std::collections::BTreeSet;
use std::fs::{File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tempfile::NamedTempFile;

/// How the names of unfinished files begin and end.
const UNFINISHED: (&str, &str) = (".grade-", ".unfinished");
/// Those of this process.
static UNDER_WAY: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// A file that takes its place when it is finished; what stands there before stays whole until
/// then. One that is dropped leaves nothing.
#[derive(Debug)]
pub struct Unfinished {
    file: NamedTempFile,
    path: PathBuf,
    _listed: Listed,
}

impl Unfinished {
    /// Begins a file beside its final place.
    ///
    /// # Errors
    /// When the file system says no.
    pub fn begin(path: &Path) -> io::Result<Unfinished> {
        // Readable by whom the user's umask lets, as any other file the user makes.
        let mut builder = tempfile::Builder::new();
        builder.prefix(UNFINISHED.0).suffix(UNFINISHED.1);
        builder.permissions(Permissions::from_mode(0o666));
        let mut under_way = under_way();
        let file = builder.tempfile_in(folder_of(path))?;
        under_way.insert(file.path().to_owned());
        let _listed = Listed(file.path().to_owned());
        Ok(Unfinished { file, path: path.to_owned(), _listed })
    }

    /// Its final place.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is written to.
    pub fn file(&self) -> &File {
        self.file.as_file()
    }

    /// Flushes it and gives it its name.
    ///
    /// # Errors
    /// When the file system says no.
    pub fn finish(self) -> io::Result<()> {
        self.file.as_file().sync_all()?;
        self.file.persist(&self.path).map_err(|error| error.error)?;
        flush_folder(folder_of(&self.path))
    }
}

/// A name in [`UNDER_WAY`].
#[derive(Debug)]
struct Listed(PathBuf);

impl Drop for Listed {
    fn drop(&mut self) {
        under_way().remove(&self.0);
    }
}

fn under_way() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    UNDER_WAY.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes all files that are unfinished, and has whoever begins another wait for ever: for a process
/// that ends now, whatever it does.
pub fn forsake() {
    let under_way = under_way();
    for path in &*under_way {
        // One that has just been finished has another name.
        let _ = std::fs::remove_file(path);
    }
    std::mem::forget(under_way);
}

/// Writes beside the final place, flushes, and renames. A pipe or a device is written to as it is.
///
/// # Errors
/// When the file system says no.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if std::fs::metadata(path).is_ok_and(|data| !data.is_file()) {
        return std::fs::OpenOptions::new().write(true).open(path)?.write_all(bytes);
    }
    let unfinished = Unfinished::begin(path)?;
    unfinished.file().write_all(bytes)?;
    unfinished.finish()
}

/// [`write_whole`], unless the same stands there already. Tells whether it wrote.
///
/// # Errors
/// When the file system says no.
pub fn update_whole(path: &Path, bytes: &[u8]) -> io::Result<bool> {
    let is_same = std::fs::metadata(path).is_ok_and(|data| data.len() == bytes.len() as u64)
        && std::fs::read(path).is_ok_and(|found| found == bytes);
    if !is_same {
        write_whole(path, bytes)?;
    }
    Ok(!is_same)
}

/// Makes a folder that outlives a loss of power, unless it is there.
///
/// # Errors
/// When the file system says no, as where the folder around it is missing.
pub fn make_folder(path: &Path) -> io::Result<()> {
    match std::fs::create_dir(path) {
        Ok(()) => flush_folder(folder_of(path)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        Err(error) => Err(error),
    }
}

/// Removes a file for good; one that is not there is gone already.
///
/// # Errors
/// When the file system says no.
pub fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Ok(()) => flush_folder(folder_of(path)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// Removes the unfinished files that a killed process left in a folder.
///
/// # Errors
/// When the file system says no.
pub fn sweep(folder: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with(UNFINISHED.0) && name.ends_with(UNFINISHED.1) {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

fn folder_of(path: &Path) -> &Path {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}

/// Makes the names in a folder outlive a loss of power.
fn flush_folder(folder: &Path) -> io::Result<()> {
    match File::open(folder)?.sync_all() {
        // Not every file system has folders to flush.
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
        flushed => flushed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_file_replaces_the_old_one_and_others_may_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("result.json");
        std::fs::write(&path, "a much longer old content").unwrap();
        write_whole(&path, b"new").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
        let other = folder.path().join("other");
        std::fs::write(&other, "").unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&path), mode(&other));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn what_a_killed_process_left_is_swept_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("result.json");
        let unfinished = Unfinished::begin(&path).unwrap();
        unfinished.file().write_all(b"half").unwrap();
        // As if nobody lived to remove it.
        std::mem::forget(unfinished);
        std::fs::write(folder.path().join(".grade-of-mine"), "").unwrap();
        assert!(!path.exists());
        sweep(folder.path()).unwrap();
        let left = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap());
        assert_eq!(left.map(|entry| entry.file_name()).collect::<Vec<_>>(), [".grade-of-mine"]);
    }

    #[test]
    fn the_same_content_is_not_written_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("result.json");
        assert!(update_whole(&path, b"one").unwrap());
        assert!(!update_whole(&path, b"one").unwrap());
        assert!(update_whole(&path, b"two").unwrap());
        remove(&path).unwrap();
        remove(&path).unwrap();
        assert!(!path.exists());
    }

    #[test]
    fn a_device_is_written_to() {
        write_whole(Path::new("/dev/null"), b"x").unwrap();
        assert!(!std::fs::metadata("/dev/null").unwrap().is_file());
    }
}
