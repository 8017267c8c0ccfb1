//! A layer within an image's archive: walked whole, and its digest taken.

use std::cell::Cell;
use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::GzDecoder;
use sha2::{Digest, Sha256};

use super::bounds::{Budget, Counted, Unfolded};
use super::flaw::Flaw;
use super::magic::{Compression, head, is_tar};
use super::path::{clean, show};
use super::tar::{Entry, EntryKind, Tar};

const PIECE: usize = 64 * 1024;

/// What a layer that can be used is called by: `sha256:…` of the tar, compressed or not.
pub(super) type DiffId = String;

/// Walks what may be a layer, gzip around it or not; `None` when it is no tar.
pub(super) fn walk(member: impl Read, budget: &Budget) -> Option<Result<DiffId, Flaw>> {
    let taken = Cell::new(0);
    let mut member = Counted::new(member, &taken);
    let start = match head(&mut member) {
        Ok(start) => start,
        Err(error) => return Some(Err(error.into())),
    };
    let member = BufReader::with_capacity(PIECE, start.as_slice().chain(member));
    match Compression::of(&start) {
        Compression::None if is_tar(&start) => {
            Some(tar(Unfolded::new(member, &taken, budget), budget).map(|(_, id)| id))
        }
        Compression::Gzip => gzip(member, &taken, budget).transpose(),
        _ => None,
    }
}

fn gzip(member: impl BufRead, taken: &Cell<u64>, budget: &Budget) -> Result<Option<DiffId>, Flaw> {
    let mut inner = Unfolded::new(GzDecoder::new(member), taken, budget);
    let start = head(&mut inner)?;
    if !is_tar(&start) {
        return Ok(None);
    }
    let (rest, id) = tar(start.as_slice().chain(inner), budget)?;
    let decoder = rest.into_inner().1.into_inner();
    if !decoder.into_inner().fill_buf()?.is_empty() {
        return Err(Flaw::danger("holds more after the end of its gzip stream"));
    }
    Ok(Some(id))
}

fn tar<R: Read>(content: R, budget: &Budget) -> Result<(R, DiffId), Flaw> {
    let mut tar = Tar::new(Hashed { inner: content, hash: Sha256::new() }, budget);
    while let Some(entry) = tar.next()? {
        review(&entry, budget)?;
    }
    // Layers without the blocks that end a tar exist, and all readers take them.
    let (hashed, _) = tar.finish()?;
    Ok((hashed.inner, format!("sha256:{}", crate::nonce::hex(&hashed.hash.finalize()))))
}

/// What a root file system may not hold either. Character devices and pipes it may: base images
/// have them in `/dev`, and a container can make them, too.
pub(super) fn review(entry: &Entry, budget: &Budget) -> Result<(), Flaw> {
    match entry.kind {
        EntryKind::BlockDevice => {
            Err(Flaw::danger(format!("holds the disk device {}", show(&entry.path))))
        }
        EntryKind::HardLink if clean(&entry.link, budget.bounds.path).is_err() => {
            let (path, link) = (show(&entry.path), show(&entry.link));
            Err(Flaw::danger(format!("holds the link {path} to {link}, which leads out of it")))
        }
        _ if entry.path.split(|byte| *byte == b'/').any(hides_a_folder) => {
            Err(Flaw::danger(format!("deletes {}, which leads out of it", show(&entry.path))))
        }
        _ => Ok(()),
    }
}

/// `.wh.NAME` deletes NAME; a name that is a folder itself, or the one above, is a trick.
fn hides_a_folder(part: &[u8]) -> bool {
    matches!(part.strip_prefix(b".wh."), Some(b"" | b"." | b".."))
}

struct Hashed<R> {
    inner: R,
    hash: Sha256,
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.hash.update(&buffer[..count]);
        Ok(count)
    }
}
