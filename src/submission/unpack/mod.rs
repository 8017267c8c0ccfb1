//! Archives that are handed in: zip, tar and tar.gz, told apart by how they begin.

mod tar;
#[cfg(test)]
mod tests;
mod zip;

use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

use super::fetch::{
    Arrival, FetchError, FetchLimits, Folder, Inside, Missing, News, Written, disk, show,
};
use crate::unit::show_bytes;

/// Where a tar says that it is one.
const TAR: usize = 257;
const BLOCK: usize = 512;
/// How many times its size something compressed may unfold to, once it is more than [`FREE`].
const RATIO: u64 = 200;
const FREE: u64 = 16 << 20;
/// Entries that count for nothing, for each that counts.
const IGNORED: u64 = 4;

/// Unpacks an archive into the new folder `place`. When all of it lies in one folder, that folder
/// is what was handed in.
pub(super) fn unpack(
    path: &Path,
    place: &Path,
    limits: &FetchLimits,
    news: &dyn Fn(News),
) -> Result<Arrival, FetchError> {
    let what = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    let what = show(what.as_bytes());
    let file = open(path, &what, limits)?;
    let unpacked = place.with_extension("unpacked");
    let mut folder = Folder::make(unpacked.clone(), &what, limits, news)?;
    let mut archive = Archive { what: &what, limits, left: limits.entries.saturating_mul(IGNORED) };
    archive.read(file, &mut folder)?;
    folder.finish()?;
    let inner =
        only_folder(&unpacked).map_err(|error| disk("look at what was unpacked", &error))?;
    let from = inner.as_ref().map_or(unpacked.clone(), |inner| unpacked.join(inner));
    std::fs::rename(from, place).map_err(|error| disk("move what was unpacked", &error))?;
    let inner_name = inner.and_then(|inner| inner.into_string().ok());
    Ok(Arrival { inner_name, ..Arrival::default() })
}

fn open(path: &Path, what: &str, limits: &FetchLimits) -> Result<File, FetchError> {
    let failed = |error: &io::Error| match error.kind() {
        io::ErrorKind::NotFound => {
            FetchError::missing(Missing::NotThere, format!("there is no {}", path.display()))
        }
        _ => disk(&format!("read {}", path.display()), error),
    };
    // A pipe would wait for somebody to write.
    let nonblocking = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(nonblocking).open(path);
    let file = file.map_err(|error| failed(&error))?;
    let data = file.metadata().map_err(|error| failed(&error))?;
    if !data.is_file() {
        let text = format!("{} is neither a folder nor a file", path.display());
        return Err(FetchError::missing(Missing::NoArchive, text));
    }
    if data.len() > limits.received {
        let text = format!("{what} is larger than {}", show_bytes(limits.received));
        return Err(FetchError::missing(Missing::TooLarge, text));
    }
    Ok(file)
}

/// The one thing in a folder, when that is a folder.
fn only_folder(folder: &Path) -> io::Result<Option<std::ffi::OsString>> {
    let mut entries = std::fs::read_dir(folder)?;
    let first = entries.next().transpose()?;
    Ok(match (first, entries.next()) {
        (Some(only), None) if only.file_type()?.is_dir() => Some(only.file_name()),
        _ => None,
    })
}

/// An archive that is read.
struct Archive<'a> {
    what: &'a str,
    limits: &'a FetchLimits,
    /// How many entries may come yet, those that are ignored among them.
    left: u64,
}

impl Archive<'_> {
    fn read(&mut self, mut file: File, folder: &mut Folder<'_>) -> Result<(), FetchError> {
        let mut start = Vec::new();
        let read = (&mut file).take(BLOCK as u64).read_to_end(&mut start);
        read.and_then(|_| file.seek(SeekFrom::Start(0)))
            .map_err(|error| disk(&format!("read {}", self.what), &error))?;
        let form = match start.as_slice() {
            [] => return Err(self.none("is empty")),
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => return self.zip(file, folder),
            [0x1f, 0x8b, 8, ..] => {
                let source = BufReader::new(file);
                let unfolded = Unfolded::new(MultiGzDecoder::new(source), self.limits);
                return self.tar(unfolded, folder);
            }
            start if start.get(TAR..TAR + 5) == Some(b"ustar") => {
                return self.tar(BufReader::new(file), folder);
            }
            [b'7', b'z', 0xbc, 0xaf, ..] => "a 7z archive",
            [b'R', b'a', b'r', b'!', ..] => "a RAR archive",
            [0xfd, b'7', b'z', b'X', b'Z', ..] => "compressed with xz",
            [b'B', b'Z', b'h', ..] => "compressed with bzip2",
            [0x28, 0xb5, 0x2f, 0xfd, ..] => "compressed with zstd",
            _ => "none that is known here",
        };
        Err(self.none(&format!("is {form}: zip, tar and tar.gz are unpacked")))
    }

    /// Whether an entry is one that a Mac adds to what was handed in.
    fn is_litter(names: &Inside) -> bool {
        let last = names.names().next_back().unwrap_or_default();
        names.names().next() == Some(b"__MACOSX") || last == b".DS_Store" || last.starts_with(b"._")
    }

    /// Counts an entry, whatever it is.
    fn count(&mut self) -> Result<(), FetchError> {
        let left = self.left.checked_sub(1);
        let text = || format!("{} holds more than {} files", self.what, self.limits.entries);
        self.left = left.ok_or_else(|| FetchError::missing(Missing::TooLarge, text()))?;
        Ok(())
    }

    /// The path of an entry; none when it is the folder of all.
    fn inside(&self, path: &[u8]) -> Result<Option<Inside>, FetchError> {
        let shown = || show(path);
        let hostile = |what: &str| {
            let text = format!("{} holds the path {}, {what}", self.what, shown());
            FetchError::missing(Missing::Hostile, text)
        };
        if path.starts_with(b"/") || path.is_empty() {
            return Err(hostile("which leads out of it"));
        }
        Inside::of(path.split(|byte| *byte == b'/')).map_err(hostile)
    }

    fn write(
        &self,
        folder: &mut Folder<'_>,
        path: &Inside,
        is_executable: bool,
        size: u64,
        content: impl Read,
    ) -> Result<(), FetchError> {
        match folder.file(path, is_executable, size, content)? {
            Written::Whole { .. } => Ok(()),
            Written::OtherSize => {
                Err(self
                    .none(&format!("is damaged: {} is not as long as it says", show(path.bytes()))))
            }
            Written::Broken(error) => Err(self.broken(error)),
        }
    }

    /// It cannot be used.
    fn none(&self, why: &str) -> FetchError {
        FetchError::missing(Missing::NoArchive, format!("{} {why}", self.what))
    }

    /// What a decoder fails with is about the archive; what the disk fails with is ours.
    fn broken(&self, error: io::Error) -> FetchError {
        match error.downcast::<FetchError>() {
            Ok(refusal) => refusal,
            Err(error) if error.raw_os_error().is_some() => {
                disk(&format!("read {}", self.what), &error)
            }
            Err(error) => self.none(&format!("is damaged, or none at all: {error}")),
        }
    }
}

/// What comes out of a decoder, held to amount and ratio. What is not written counts, too.
struct Unfolded<R> {
    inner: MultiGzDecoder<BufReader<R>>,
    taken: u64,
    most: u64,
}

impl<R: Read + Seek> Unfolded<R> {
    fn new(inner: MultiGzDecoder<BufReader<R>>, limits: &FetchLimits) -> Unfolded<R> {
        // Beside the files, each entry has a header and fills a block.
        let headers = limits.entries.saturating_mul(3 * BLOCK as u64);
        Unfolded { inner, taken: 0, most: limits.bytes.saturating_add(headers) }
    }
}

impl<R: Read + Seek> Read for Unfolded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.taken += count as u64;
        let refuse = |why, message: String| {
            io::Error::other(FetchError::missing(why, format!("the archive {message}")))
        };
        if self.taken > self.most {
            let most = show_bytes(self.most);
            return Err(refuse(Missing::TooLarge, format!("unfolds to more than {most}")));
        }
        let given = self.inner.get_mut().stream_position()?;
        if self.taken > FREE && self.taken > given.saturating_mul(RATIO) {
            let text = format!("unfolds to more than {RATIO} times its size");
            return Err(refuse(Missing::Hostile, text));
        }
        Ok(count)
    }
}
