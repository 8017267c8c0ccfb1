//! Zip archives, read by their central directory, entry by entry.

use std::fs::File;
use std::io::{BufReader, Read};

use zip::ZipReadOptions;
use zip::read::{Config, ZipFile};

use zip::result::ZipError;
// The stable reader keeps all entries in memory before anybody can count them, and loses duplicates.
use zip::unstable::read::ZipIterable;

use super::{Archive, FREE, Folder, RATIO, disk, show};
use crate::submission::fetch::{FetchError, Inside, Missing};

/// The part of a Unix mode that says what a file is.
const KIND: u32 = 0o170_000;
const LINK: u32 = 0o120_000;
const REGULAR: u32 = 0o100_000;
const DIRECTORY: u32 = 0o040_000;
/// The most bytes of what a link leads to that are read.
const TARGET: u64 = 4096;

impl Archive<'_> {
    /// Unpacks a zip.
    pub(super) fn zip(&mut self, file: File, folder: &mut Folder<'_>) -> Result<(), FetchError> {
        let data = file.metadata().map_err(|error| disk(&format!("read {}", self.what), &error))?;
        let most = data.len().saturating_mul(RATIO).max(FREE);
        let broken = |error| self.zip_broken(error);
        let mut zip =
            ZipIterable::try_new(BufReader::new(file), Config::default()).map_err(broken)?;
        if zip.len() as u64 > self.left {
            let text = format!("{} holds {} files", self.what, zip.len());
            return Err(FetchError::missing(Missing::TooLarge, text));
        }
        let entries = zip.files().map_err(broken)?;
        let mut unfolded = 0_u64;
        while let Some(entry) = entries.next() {
            let entry = entry.map_err(broken)?;
            let shown = show(entry.name_raw());
            if entry.encrypted() {
                return Err(self.none("is encrypted: hand it in without a password"));
            }
            unfolded = unfolded.saturating_add(entry.size());
            if unfolded > most {
                let text = format!("{} unfolds to more than {RATIO} times its size", self.what);
                return Err(FetchError::missing(Missing::Hostile, text));
            }
            let name = match std::str::from_utf8(entry.name_raw()) {
                Ok(name) => name.to_owned(),
                // From before zips were in UTF-8.
                Err(_) => entry.name().map_err(broken)?.into_owned(),
            };
            let Some(path) = self.zip_path(&name)? else { continue };
            if Self::is_litter(&path) {
                continue;
            }
            let mode = entry.unix_mode().unwrap_or(REGULAR);
            // Many tools write no kind, and some none for folders but the slash at the end.
            let is_folder = entry.is_dir() || name.ends_with(['/', '\\']);
            let size = entry.size();
            let kind = if is_folder { DIRECTORY } else { mode & KIND };
            if kind == DIRECTORY {
                folder.folder(&path)?;
                continue;
            }
            let content = entry
                .with_reader(entries.reader_mut(), ZipReadOptions::new())
                .map_err(|error| self.zip_broken(error))?;
            match kind {
                REGULAR | 0 => self.write(folder, &path, mode & 0o100 != 0, size, content)?,
                LINK => folder.link(path, &self.target(content)?)?,
                _ => return Err(folder.hostile(&format!("the device or pipe {shown}"))),
            }
        }
        Ok(())
    }

    /// The path of an entry; old tools for Windows write it with backslashes.
    fn zip_path(&self, name: &str) -> Result<Option<Inside>, FetchError> {
        let has_drive =
            matches!(name.as_bytes(), [letter, b':', ..] if letter.is_ascii_alphabetic());
        let name = name.replace('\\', "/");
        // A drive leads out of it as the root does.
        let name = if has_drive { format!("/{name}") } else { name };
        self.inside(name.as_bytes())
    }

    fn target(&self, content: ZipFile<'_, BufReader<File>>) -> Result<Vec<u8>, FetchError> {
        let mut target = Vec::new();
        let read = content.take(TARGET).read_to_end(&mut target);
        read.map(|_| target).map_err(|error| self.broken(error))
    }

    fn zip_broken(&self, error: ZipError) -> FetchError {
        match error {
            ZipError::Io(error) => self.broken(error),
            ZipError::CompressionMethodNotSupported(_) => self.none(
                "is compressed in an unusual way: pack it with what the system has for zip files",
            ),
            error => self.none(&format!("is damaged, or none at all: {error}")),
        }
    }
}
