//! Archives among the files, looked into as if each were a folder.

use std::cell::Cell;
use std::io::{self, Cursor, Read};

use flate2::read::MultiGzDecoder;
use memchr::memmem;

use super::{Finds, Sieve};

/// The most bytes that all archives of a file system may unfold to.
pub(super) const UNFOLDED: u64 = 2 << 30;
/// The most bytes of zips, one in another, that are held in memory.
pub(super) const ROOM: u64 = 128 << 20;
/// Archives in archives are looked into this far; a tar.gz is two.
const DEPTH: usize = 8;
const HEAD: u64 = 1024;

/// How deep in archives a file lies, and what all of them may still unfold to.
#[derive(Clone, Copy)]
pub(super) struct Depth<'l> {
    within: usize,
    left: &'l Cell<u64>,
    room: &'l Cell<u64>,
}

impl<'l> Depth<'l> {
    /// In no archive, with [`UNFOLDED`] left and [`ROOM`] in memory.
    pub(super) fn new(left: &'l Cell<u64>, room: &'l Cell<u64>) -> Depth<'l> {
        Depth { within: 0, left, room }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Tar,
    Gzip,
    Zip,
}

impl Form {
    /// What begins so. A zip may have a program before it, as a zipapp has.
    fn of(head: &[u8]) -> Option<Form> {
        match head {
            [0x1f, 0x8b, 0x08, ..] => Some(Form::Gzip),
            _ if head.get(257..262) == Some(b"ustar".as_slice()) => Some(Form::Tar),
            _ if memmem::find(head, b"PK\x03\x04")
                .is_some_and(|at| at == 0 || head.starts_with(b"#!")) =>
            {
                Some(Form::Zip)
            }
            _ => None,
        }
    }
}

impl Sieve {
    /// A file, and what is in it should it be an archive. One that is damaged is looked at as far as
    /// it can be read.
    pub(super) fn look_into(
        &self,
        path: String,
        file: &mut impl Read,
        depth: Depth<'_>,
        finds: &mut Finds,
    ) -> io::Result<()> {
        let mut head = Vec::new();
        file.by_ref().take(HEAD).read_to_end(&mut head)?;
        let form = Form::of(&head);
        let mut whole = head.as_slice().chain(file);
        let Some(form) = form else {
            if self.is_in(&mut whole)? {
                finds.add(path);
            }
            return Ok(());
        };
        if depth.within == DEPTH {
            finds.cut = true;
            return Ok(());
        }
        let deeper = Depth { within: depth.within + 1, ..depth };
        let looked = match form {
            Form::Tar => self.look_within(&mut whole, &format!("{path}/"), deeper, finds),
            Form::Gzip => {
                let inner = MultiGzDecoder::new(&mut whole as &mut dyn Read);
                let mut unfolded = Metered { inner, left: depth.left };
                let mut unfolded: &mut dyn Read = &mut unfolded;
                let name = path.strip_suffix(".gz").unwrap_or(&path).to_owned();
                self.look_into(name, &mut unfolded, deeper, finds)
            }
            Form::Zip => return self.look_into_zip(path, &mut whole, deeper, finds),
        };
        finds.cut |= looked.is_err() && depth.left.get() == 0;
        Ok(())
    }

    /// [`Sieve::sift_folder`] for a tar in a tar: readers within readers would be types without end.
    fn look_within(
        &self,
        tar: &mut dyn Read,
        folder: &str,
        depth: Depth<'_>,
        finds: &mut Finds,
    ) -> io::Result<()> {
        self.sift_folder(tar, folder, depth, finds).map(drop)
    }

    /// A zip has to be held in memory: it is read from its end.
    fn look_into_zip(
        &self,
        path: String,
        file: &mut impl Read,
        depth: Depth<'_>,
        finds: &mut Finds,
    ) -> io::Result<()> {
        let mut bytes = Vec::new();
        let room = depth.room.get();
        file.by_ref().take(room).read_to_end(&mut bytes)?;
        if self.is_in(&mut bytes.as_slice().chain(file))? {
            finds.add(path);
            return Ok(());
        }
        let held = bytes.len() as u64;
        if held == room {
            finds.cut = true;
            return Ok(());
        }
        depth.room.set(room - held);
        let looked = self.sift_zip(&bytes, &path, depth, finds);
        depth.room.set(room);
        finds.cut |= looked.is_err() && depth.left.get() == 0;
        Ok(())
    }

    fn sift_zip(
        &self,
        bytes: &[u8],
        path: &str,
        depth: Depth<'_>,
        finds: &mut Finds,
    ) -> io::Result<()> {
        let mut zip = zip::ZipArchive::new(Cursor::new(bytes)).map_err(io::Error::other)?;
        for index in 0..zip.len() {
            // One that cannot be read, an encrypted one for instance, hides no other.
            let Ok(entry) = zip.by_index(index) else { continue };
            let name = String::from_utf8_lossy(entry.name_raw()).into_owned();
            let name = format!("{path}/{}", name.trim_matches('/'));
            let is_file = entry.is_file();
            let mut entry = Metered { inner: entry, left: depth.left };
            let mut entry: &mut dyn Read = &mut entry;
            let sifted = self.sift_entry(name, is_file.then_some(&mut entry), depth, finds);
            if sifted.is_err() && depth.left.get() == 0 {
                return sifted;
            }
        }
        Ok(())
    }
}

/// A reader that counts against what archives may unfold to.
struct Metered<'l, R> {
    inner: R,
    left: &'l Cell<u64>,
}

impl<R: Read> Read for Metered<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        match self.left.get().checked_sub(count as u64) {
            Some(left) => {
                self.left.set(left);
                Ok(count)
            }
            None => {
                self.left.set(0);
                Err(io::Error::other("more than can be looked at"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::sift::tests::tar;
    use crate::sift::{Found, Wanted};

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        writer.write_all(bytes).unwrap();
        writer.finish().unwrap()
    }

    fn zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, content) in entries {
            zip.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
            zip.write_all(content).unwrap();
        }
        zip.finish().unwrap().into_inner()
    }

    fn sifted(entries: &[(&str, &[u8])]) -> Found {
        let wanted = Wanted {
            path: Some("/[0-9a-f]{2}/x\\.whl$".to_owned()),
            contents: vec![b"@@world@@".to_vec()],
            archives: true,
        };
        Sieve::new(&wanted).unwrap().sift(tar(entries).as_slice()).unwrap()
    }

    #[test]
    fn what_is_in_archives_is_found_by_its_path_and_by_its_content() {
        let text = [&[b'-'; 4000][..], b"@@world@@"].concat();
        let inner = tar(&[("src/", b""), ("src/app.src", &text), ("ab/x.whl", b"")]);
        let app = [b"#!/usr/bin/env python3\n".as_slice(), &zip(&[("app.src", &text)])].concat();
        let nested = zip(&[("a/inner.tgz", &gzip(&inner)), ("other", b"")]);
        let found = sifted(&[
            ("a.tar", &inner),
            ("a.tgz", &gzip(&inner)),
            ("wheels.tar", &tar(&[("ab/x.whl", b""), ("abc/x.whl", b"")])),
            ("app.pyz", &app),
            ("app.src.gz", &gzip(&text)),
            ("b.zip", &nested),
            ("c.tgz", &gzip(&tar(&[("ok", b"nothing")]))),
            ("damaged.tgz", &gzip(&inner)[..30]),
        ]);
        let wanted = [
            "/a.tar/ab/x.whl",
            "/a.tar/src/app.src",
            "/a.tgz/ab/x.whl",
            "/a.tgz/src/app.src",
            "/app.pyz/app.src",
            "/app.src",
            "/b.zip/a/inner.tgz/ab/x.whl",
            "/b.zip/a/inner.tgz/src/app.src",
            "/wheels.tar/ab/x.whl",
        ];
        assert_eq!((found.paths, found.cut), (wanted.map(str::to_owned).to_vec(), false));
    }

    #[test]
    fn an_archive_that_does_not_end_is_said() {
        let mut packed = b"nothing".to_vec();
        for _ in 0..10 {
            packed = gzip(&packed);
        }
        assert!(sifted(&[("a.gz", &packed)]).cut);
    }
}
