//! The outermost tar: what is needed of it to tell what it is and whether an engine may have it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{BuildHasher, RandomState};
use std::io::{Cursor, Read};

use super::bounds::Budget;
use super::flaw::Flaw;
use super::image::MANIFEST;
use super::layer::{self, DiffId};
use super::magic::{Compression, head, is_tar};
use super::path::show;
use super::tar::{Entry, EntryKind, Tar};

/// The most files that an image's archive has; one has three for each layer, and 127 layers.
const MEMBERS: usize = 2_000;
/// The most bytes of one JSON document, and of all.
const DOCUMENT: u64 = 1 << 20;
const DOCUMENTS: u64 = 16 << 20;
/// The most names at the top that are told.
const TOP: usize = 100;

/// What the outermost tar holds.
#[derive(Default)]
pub(super) struct Contents {
    pub(super) entries: u64,
    /// Names at the top, sorted; folders end with `/`.
    pub(super) top: BTreeSet<String>,
    /// Files and links by path, the first [`MEMBERS`] of them.
    pub(super) members: BTreeMap<Vec<u8>, Member>,
    /// Why this is no image's archive, should it say it is one.
    pub(super) not_an_image: Option<Flaw>,
    seen: HashMap<u64, bool>,
    hasher: RandomState,
    documents: u64,
}

/// What a path of the outermost tar is.
pub(super) enum Member {
    /// Something that begins like JSON, whole.
    Document(Vec<u8>),
    /// A tar, and whether it can be used.
    Layer(Result<DiffId, Flaw>),
    /// A symbolic link, and where it leads, as written.
    Link(Vec<u8>),
    /// Any other file.
    Other,
}

impl Contents {
    /// Reads the tar to its end; what may be layers is walked with a budget of its own.
    pub(super) fn read<R: Read>(
        tar: &mut Tar<'_, R>,
        layers: &Budget,
        budget: &Budget,
    ) -> Result<Contents, Flaw> {
        let mut contents = Contents::default();
        while let Some(entry) = tar.next()? {
            contents.entries += 1;
            if entry.path.is_empty() {
                // The root itself.
                match entry.kind {
                    EntryKind::Directory => continue,
                    _ => return Err(Flaw::danger("holds a file without a name")),
                }
            }
            contents.once(&entry)?;
            layer::review(&entry, budget)?;
            contents.note_top(&entry);
            contents.keep(entry, tar, layers)?;
        }
        Ok(contents)
    }

    /// The last of two entries with one path would count, for the engine; folders may come twice.
    fn once(&mut self, entry: &Entry) -> Result<(), Flaw> {
        let is_folder = entry.kind == EntryKind::Directory;
        let before = self.seen.insert(self.hasher.hash_one(&entry.path), is_folder);
        match before {
            Some(was_folder) if !(was_folder && is_folder) => {
                Err(Flaw::danger(format!("holds {} twice", show(&entry.path))))
            }
            _ => Ok(()),
        }
    }

    fn note_top(&mut self, entry: &Entry) {
        let mut parts = entry.path.splitn(2, |byte| *byte == b'/');
        let first = String::from_utf8_lossy(parts.next().unwrap_or_default()).into_owned();
        let is_folder = entry.kind == EntryKind::Directory || parts.next().is_some();
        let name = if is_folder { format!("{first}/") } else { first };
        if self.top.len() < TOP {
            self.top.insert(name);
        }
    }

    fn keep<R: Read>(
        &mut self,
        entry: Entry,
        tar: &mut Tar<'_, R>,
        layers: &Budget,
    ) -> Result<(), Flaw> {
        let is_full = self.members.len() >= MEMBERS && entry.path != MANIFEST;
        let member = match entry.kind {
            EntryKind::Directory => return Ok(()),
            EntryKind::Symlink => Member::Link(entry.link),
            EntryKind::File if is_full => Member::Other,
            EntryKind::File => self.look_into(entry.size, tar, layers)?,
            EntryKind::HardLink
            | EntryKind::CharDevice
            | EntryKind::BlockDevice
            | EntryKind::Fifo => {
                let text = format!("holds {}, which is neither file nor folder", show(&entry.path));
                self.not_an_image.get_or_insert_with(|| Flaw::danger(text));
                Member::Other
            }
        };
        if is_full {
            let text = format!("holds more than {MEMBERS} files beside the layers");
            self.not_an_image.get_or_insert_with(|| Flaw::danger(text));
        } else {
            self.members.insert(entry.path, member);
        }
        Ok(())
    }

    fn look_into<R: Read>(
        &mut self,
        size: u64,
        tar: &mut Tar<'_, R>,
        layers: &Budget,
    ) -> Result<Member, Flaw> {
        let start = head(tar)?;
        let compression = Compression::of(&start);
        if is_tar(&start) || compression == Compression::Gzip {
            // A flaw of what the archive itself is read from comes back when it is read on.
            let walked = layer::walk(Cursor::new(start).chain(tar), layers);
            return Ok(walked.map_or(Member::Other, Member::Layer));
        }
        let first = start.iter().find(|byte| !byte.is_ascii_whitespace());
        let room = size <= DOCUMENT && self.documents + size <= DOCUMENTS;
        if room && matches!(first, Some(b'{' | b'[')) {
            self.documents += size;
            let mut document = start;
            tar.read_to_end(&mut document)?;
            return Ok(Member::Document(document));
        }
        Ok(Member::Other)
    }
}
