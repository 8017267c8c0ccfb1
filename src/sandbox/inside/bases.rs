//! The course's images in an engine that starts: prepared once, shared by reference, changed by nobody.
//!
//! What an engine knows of its images is small, and copied. Their layers are large, and are mounted
//! read-only where the engine expects them. An image that is removed takes its mounts with it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rustix::mount::{MountFlags, mount_bind, mount_remount};

use super::disk::DATA;
use crate::sandbox::protocol::{BASES, Images};

/// What of an engine's data its images are: what is known of them, and their layers.
const KNOWN: &str = "image";
const LAYERS: &str = "overlay2";
/// The names by which layers are mounted.
const SHORT: &str = "l";
/// A layer's files, and an engine's mark of one that does not change any more.
const FILES: &str = "diff";
const DONE: &str = "committed";
/// Written last: without it nothing is prepared.
const MANIFEST: &str = "images.json";

/// The data of the engine that prepares.
pub(super) fn data() -> PathBuf {
    Path::new(BASES).join("docker")
}

/// Leaves of the data of an engine that has ended what its images are, and notes which they are.
pub(super) fn note(images: &Images) -> io::Result<()> {
    for entry in fs::read_dir(data())? {
        let entry = entry?;
        let is_kept = [KNOWN, LAYERS].iter().any(|name| entry.file_name() == *name);
        if !is_kept {
            remove(&entry.path())?;
        }
    }
    for layer in layers()? {
        fs::write(layer.join(DONE), "")?;
    }
    rustix::fs::sync();
    let manifest = Path::new(BASES).join(MANIFEST);
    let new = manifest.with_extension("new");
    fs::write(&new, serde_json::to_vec(images)?)?;
    fs::rename(new, manifest)
}

/// The images that were prepared; none when that was not brought to an end.
pub(super) fn images() -> Option<Images> {
    let manifest = fs::read(Path::new(BASES).join(MANIFEST)).ok()?;
    serde_json::from_slice(&manifest).ok()
}

/// Gives an engine that has not started the prepared images.
pub(super) fn lay() -> io::Result<()> {
    let to = Path::new(DATA);
    copy(&data().join(KNOWN), &to.join(KNOWN))?;
    let layers_to = to.join(LAYERS);
    copy(&data().join(LAYERS).join(SHORT), &layers_to.join(SHORT))?;
    for layer in layers()? {
        let place = layers_to.join(layer.file_name().unwrap_or_default());
        fs::create_dir(&place)?;
        for entry in fs::read_dir(&layer)? {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                fs::copy(entry.path(), place.join(entry.file_name()))?;
            }
        }
        let files = place.join(FILES);
        fs::create_dir(&files)?;
        mount_bind(layer.join(FILES), &files)?;
        mount_remount(&files, MountFlags::BIND | MountFlags::RDONLY, "")?;
    }
    Ok(())
}

/// The folders of the prepared layers.
fn layers() -> io::Result<Vec<PathBuf>> {
    let all = fs::read_dir(data().join(LAYERS))?;
    let all = all.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    Ok(all.into_iter().filter(|path| path.join(FILES).is_dir()).collect())
}

/// Copies files, folders and links.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (kind, place) = (entry.file_type()?, to.join(entry.file_name()));
        if kind.is_dir() {
            copy(&entry.path(), &place)?;
        } else if kind.is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(entry.path())?, place)?;
        } else {
            fs::copy(entry.path(), place)?;
        }
    }
    Ok(())
}

fn remove(path: &Path) -> io::Result<()> {
    if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }
}
