//! Archives that are handed in, read as hostile input: `docker save` and `docker export`, gzip
//! around them or not. Streamed within hard bounds; nothing is extracted, and memory stays small.
//!
//! An engine is given the very bytes that were surveyed here. So whatever it might read in another
//! way (a path twice, bytes after the end, a link for a manifest) is a danger.

mod bounds;
mod contents;
mod flaw;
mod image;
mod json;
mod layer;
mod magic;
mod members;
mod path;
mod pax;
mod tar;

#[cfg(test)]
mod tests;

use std::cell::Cell;
use std::fmt;
use std::io::{self, BufRead, BufReader, Read};

use bounds::{Budget, Source, Unfolded, too_large};
use contents::{Contents, Member};
use flaw::Flaw;
use members::Members;

pub use bounds::Bounds;
pub use image::{Image, manifest};
pub use magic::{Compression, head, is_tar};

const PIECE: usize = 64 * 1024;

/// What an archive turned out to be. What could not be learnt before reading ended is `None`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Survey {
    /// How it is compressed; `None` when it was too large to be opened.
    pub compression: Option<Compression>,
    /// Bytes of the file, when it was read to its end.
    pub size: Option<u64>,
    /// What it holds, when that could be read.
    pub summary: Option<Summary>,
    /// Why no engine may have it, as a sentence for the student.
    pub danger: Option<String>,
    /// Whether that is because it cannot be read.
    pub is_broken: bool,
}

/// What a readable archive holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// What it is.
    pub form: Form,
    /// Bytes of the tar.
    pub unpacked: u64,
    /// Files, folders and links in it; what is in layers is not counted.
    pub entries: u64,
    /// Names at the top, sorted, at most 100; folders end with `/`.
    pub top: Vec<String>,
    /// Files and links in it, sorted, at most 2,000 and as `top` is written.
    pub paths: Vec<String>,
    /// Whether there is a `manifest.json`.
    pub has_manifest: bool,
    /// The images, when it is an archive of images.
    pub images: Vec<Image>,
}

/// What an archive is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Images, as `docker save` writes them.
    Image,
    /// A root file system, as `docker export` writes it.
    RootFileSystem,
    /// Nothing.
    Empty,
    /// A tar of something else.
    Other,
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Form::Image => "image",
            Form::RootFileSystem => "root-file-system",
            Form::Empty => "empty",
            Form::Other => "other",
        })
    }
}

/// Reads an archive from its first byte to its last. Blocks; an archive of 100 MB takes seconds.
///
/// # Errors
/// When the source fails, which is no fault of the archive.
pub fn survey(source: impl Read, bounds: &Bounds) -> io::Result<Survey> {
    let taken = Cell::new(0);
    let mut source = Source::new(source, &taken, bounds.file);
    let start = match head(&mut source).map_err(Flaw::from) {
        Ok(start) => start,
        Err(Flaw::Source(error)) => return Err(error),
        // A bound of less than a few blocks.
        Err(flaw) => return Ok(refused(None, &flaw)),
    };
    let compression = Compression::of(&start);
    let source = BufReader::with_capacity(PIECE, start.as_slice().chain(source));
    let read = match compression {
        Compression::None => plain(source, &taken, bounds),
        Compression::Gzip => gzip(source, &taken, bounds),
        Compression::Bzip2 | Compression::Xz | Compression::Zstd => Err(Flaw::danger(format!(
            "is compressed with {compression}, and only gzip can be looked into"
        ))),
    };
    match read {
        Ok((summary, flaw)) => {
            let survey = Survey {
                compression: Some(compression),
                size: Some(taken.get()),
                summary: Some(summary),
                danger: None,
                is_broken: false,
            };
            Ok(match flaw {
                Some(flaw) => {
                    Survey { summary: survey.summary, ..refused(Some(compression), &flaw) }
                }
                None => survey,
            })
        }
        Err(Flaw::Source(error)) => Err(error),
        Err(flaw) => Ok(refused(Some(compression), &flaw)),
    }
}

/// What is said of a file too large to be read at all.
pub fn oversized(bounds: &Bounds) -> Survey {
    refused(None, &too_large(bounds.file))
}

fn refused(compression: Option<Compression>, flaw: &Flaw) -> Survey {
    Survey {
        compression,
        size: None,
        summary: None,
        danger: Some(format!("The archive {flaw}.")),
        is_broken: matches!(flaw, Flaw::Broken(_)),
    }
}

/// What is there, and what is wrong with it all the same.
type Found = (Summary, Option<Flaw>);

fn gzip(source: impl BufRead, taken: &Cell<u64>, bounds: &Bounds) -> Result<Found, Flaw> {
    // Reading to the end proved the checksums. What follows would be read by some, and not by all.
    let (members, read) = contents(Members::new(source), taken, bounds)?;
    match members.ends()? {
        true => Ok(read),
        false => Err(Flaw::danger("holds more after the end of its gzip stream")),
    }
}

fn plain(source: impl BufRead, taken: &Cell<u64>, bounds: &Bounds) -> Result<Found, Flaw> {
    contents(source, taken, bounds).map(|(_, read)| read)
}

fn contents<R: Read>(source: R, taken: &Cell<u64>, bounds: &Bounds) -> Result<(R, Found), Flaw> {
    let (budget, layers) = (Budget::new(bounds), Budget::new(bounds));
    let mut source = Unfolded::new(source, taken, &budget);
    let start = head(&mut source)?;
    if !start.is_empty() && !is_tar(&start) {
        return Err(Flaw::broken(match Compression::of(&start) {
            Compression::None if start.starts_with(b"PK\x03\x04") => {
                "is a zip file, and no tar, which is what docker save and docker export write"
            }
            Compression::None => "is no tar, which is what docker save and docker export write",
            _ => "is compressed twice",
        }));
    }
    let mut tar = tar::Tar::new(start.as_slice().chain(source), &budget);
    let mut contents = Contents::read(&mut tar, &layers, &budget)?;
    let (source, ended) = tar.finish()?;
    let unpacked = budget.unpacked();
    if !ended && unpacked > 0 {
        return Err(Flaw::broken("breaks off before its end"));
    }
    let read = summary(&mut contents, unpacked);
    Ok((source.into_inner().1.into_inner(), read))
}

fn summary(contents: &mut Contents, unpacked: u64) -> Found {
    let found = contents.members.get(image::MANIFEST);
    let has_manifest = found.is_some();
    let images = match found {
        Some(Member::Document(json)) => manifest(json),
        _ => None,
    };
    let looks_like_root = is_root(contents);
    let (form, flaw) = match &images {
        Some(images) => (Form::Image, image::check(images, contents).err()),
        None if contents.entries == 0 => (Form::Empty, None),
        // Somebody's app may have such a file in its root.
        None if looks_like_root && !has_manifest => (Form::RootFileSystem, None),
        None if has_manifest => {
            let text = "has a manifest.json that docker save does not write";
            let form = if looks_like_root { Form::RootFileSystem } else { Form::Image };
            (form, Some(Flaw::danger(text)))
        }
        None => (Form::Other, old_image(contents)),
    };
    let summary = Summary {
        form,
        unpacked,
        entries: contents.entries,
        top: contents.top.iter().cloned().collect(),
        paths: contents.members.keys().map(|path| String::from_utf8_lossy(path).into()).collect(),
        has_manifest,
        images: images.unwrap_or_default(),
    };
    (summary, flaw)
}

/// Folders that a root file system has; a container's own has at least dev, etc, proc and sys.
const ROOT: [&str; 14] = [
    "bin/", "boot/", "dev/", "etc/", "home/", "lib/", "proc/", "root/", "run/", "sbin/", "sys/",
    "tmp/", "usr/", "var/",
];

fn is_root(contents: &Contents) -> bool {
    ROOT.iter().filter(|name| contents.top.contains(**name)).count() >= 4
}

/// Docker before 1.10, and OCI's layout alone: some engines load them, by other rules.
fn old_image(contents: &Contents) -> Option<Flaw> {
    let names_images = |path: &&Vec<u8>| {
        path.ends_with(b"/layer.tar") || [&b"repositories"[..], b"index.json"].contains(&&path[..])
    };
    let found = contents.members.keys().any(|path| names_images(&path));
    found.then(|| Flaw::danger("holds an image without a manifest.json"))
}
