//! Tar archives. Entries are read raw, so that extended headers, which say how an entry is called,
//! are read within bounds.

use std::io::Read;

use tar::{EntryType, PaxExtensions};

use super::{Archive, BLOCK, Folder, show};
use crate::submission::fetch::{FetchError, Missing};

/// The most bytes of an extended header; a Mac writes attributes of a file into it.
const EXTENDED: u64 = 1 << 20;

/// What extended headers say of the entry after them.
#[derive(Default)]
struct Extended {
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
}

impl Archive<'_> {
    /// Unpacks a tar.
    pub(super) fn tar(
        &mut self,
        source: impl Read,
        folder: &mut Folder<'_>,
    ) -> Result<(), FetchError> {
        let mut tar = tar::Archive::new(Ending { inner: source, zeros: 0 });
        let entries = tar.entries().map_err(|error| self.broken(error))?.raw(true);
        let mut extended = Extended::default();
        for entry in entries {
            self.count()?;
            let mut entry = entry.map_err(|error| self.broken(error))?;
            let kind = entry.header().entry_type();
            match kind {
                EntryType::GNULongName => {
                    extended.path = Some(name(self.extended(&mut entry)?));
                    continue;
                }
                EntryType::GNULongLink => {
                    extended.link = Some(name(self.extended(&mut entry)?));
                    continue;
                }
                EntryType::XHeader => {
                    self.pax(&self.extended(&mut entry)?, &mut extended)?;
                    continue;
                }
                // What holds for all that follow: a comment, in practice.
                EntryType::XGlobalHeader => continue,
                _ => {}
            }
            let Extended { path, link } = std::mem::take(&mut extended);
            let path = path.unwrap_or_else(|| entry.path_bytes().into_owned());
            let link = link.or_else(|| entry.link_name_bytes().map(|link| link.into_owned()));
            let is_folder = kind == EntryType::Directory || path.ends_with(b"/");
            let Some(inside) = self.inside(&path)? else {
                if is_folder {
                    continue;
                }
                return Err(folder.hostile("a file without a name"));
            };
            if Self::is_litter(&inside) {
                continue;
            }
            match kind {
                _ if is_folder => folder.folder(&inside)?,
                EntryType::Regular | EntryType::Continuous => {
                    let mode = entry.header().mode().unwrap_or(0);
                    let size = entry.size();
                    self.write(folder, &inside, mode & 0o100 != 0, size, entry)?;
                }
                EntryType::Symlink => folder.link(inside, &link.unwrap_or_default())?,
                EntryType::Link => match self.inside(&link.unwrap_or_default())? {
                    Some(first) => folder.same_file(&inside, &first)?,
                    None => return Err(folder.hostile("a second name of a folder")),
                },
                EntryType::Block | EntryType::Char | EntryType::Fifo => {
                    return Err(folder.hostile(&format!("the device or pipe {}", show(&path))));
                }
                _ => {
                    let text = format!("holds {} in a form that is not unpacked", show(&path));
                    return Err(self.none(&text));
                }
            }
        }
        let mut source = tar.into_inner();
        if source.zeros < BLOCK {
            return Err(self.none("breaks off before its end: hand it in again"));
        }
        // Only at its end does gzip tell whether all was as it should be.
        std::io::copy(&mut source, &mut std::io::sink()).map_err(|error| self.broken(error))?;
        Ok(())
    }

    fn extended(&self, entry: &mut impl Read) -> Result<Vec<u8>, FetchError> {
        let mut content = Vec::new();
        let read = entry.take(EXTENDED + 1).read_to_end(&mut content);
        read.map_err(|error| self.broken(error))?;
        if content.len() as u64 > EXTENDED {
            let text = format!("{} holds an extended header without end", self.what);
            return Err(FetchError::missing(Missing::Hostile, text));
        }
        Ok(content)
    }

    fn pax(&self, records: &[u8], extended: &mut Extended) -> Result<(), FetchError> {
        for record in PaxExtensions::new(records) {
            let record = record.map_err(|error| self.broken(error))?;
            let value = record.value_bytes();
            match record.key_bytes() {
                b"path" => extended.path = Some(value.to_vec()),
                b"linkpath" => extended.link = Some(value.to_vec()),
                // The header has it, too, for anything that is small enough to be taken.
                key if key.starts_with(b"GNU.sparse.") => {
                    return Err(self.none("holds a sparse file, which is not unpacked"));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// A name from a GNU header, which ends with its first zero.
fn name(mut bytes: Vec<u8>) -> Vec<u8> {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    bytes.truncate(end);
    bytes
}

/// Knows with how many zeros it ended: a tar ends with a block of them, or breaks off.
struct Ending<R> {
    inner: R,
    zeros: usize,
}

impl<R: Read> Read for Ending<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.inner.read(buffer)?;
        let zeros = buffer[..count].iter().rev().take_while(|byte| **byte == 0).count();
        self.zeros = if zeros == count { self.zeros.saturating_add(zeros) } else { zeros };
        Ok(count)
    }
}
