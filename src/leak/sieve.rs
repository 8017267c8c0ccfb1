//! A search through data in pieces that also looks into what is compressed or encoded in it: gzip,
//! zlib and zip wherever they begin, raw deflate, base64 and hex where they begin the data.

use std::collections::BTreeSet;
use std::io::{self, Write};

use memchr::{memchr_iter, memmem};

use super::bounds::{Bounds, TRIED};
use super::needle::{Needle, Search};
use super::unfold::{Kind, Unfolding};

/// How many bytes tell whether something begins there.
const LOOK: usize = 10;
/// How many bytes tell what the data is as a whole.
const HEAD: usize = 32;
/// Streams within streams are looked into this far.
const DEPTH: usize = 3;

/// A search under way, and the streams that were met and have not ended yet.
pub(super) struct Sieve<'n> {
    needle: &'n Needle,
    bounds: &'n Bounds,
    search: Search<'n>,
    nested: Vec<Unfolding<'n>>,
    /// What was found in streams that ended.
    found: BTreeSet<String>,
    /// The last bytes, as a stream may begin in them.
    edge: Vec<u8>,
    /// The first bytes, until there are enough of them.
    head: Option<Vec<u8>>,
    depth: usize,
}

impl<'n> Sieve<'n> {
    /// A search through one file.
    pub(super) fn new(needle: &'n Needle, bounds: &'n Bounds) -> Sieve<'n> {
        Sieve::at(needle, bounds, 0)
    }

    fn at(needle: &'n Needle, bounds: &'n Bounds, depth: usize) -> Sieve<'n> {
        Sieve {
            needle,
            bounds,
            search: needle.stream(),
            nested: Vec::new(),
            found: BTreeSet::new(),
            edge: Vec::new(),
            head: Some(Vec::new()),
            depth,
        }
    }

    /// Ends the search, and gives the encodings that were found.
    pub(super) fn finish(&mut self) -> BTreeSet<String> {
        if let Some(head) = self.head.take() {
            self.begin(&head, &[]);
        }
        for unfolding in std::mem::take(&mut self.nested) {
            self.harvest(unfolding);
        }
        self.found.extend(self.search.finish().iter().map(|name| (*name).to_owned()));
        std::mem::take(&mut self.found)
    }

    /// Searches on; a match or a stream may begin in an earlier piece.
    pub(super) fn feed(&mut self, piece: &[u8]) {
        self.search.feed(piece);
        for mut unfolding in std::mem::take(&mut self.nested) {
            match unfolding.unfold(piece) {
                true => self.nested.push(unfolding),
                false => self.harvest(unfolding),
            }
        }
        if let Some(mut head) = self.head.take() {
            let (first, rest) = piece.split_at(piece.len().min(HEAD - head.len()));
            head.extend_from_slice(first);
            match head.len() < HEAD {
                true => self.head = Some(head),
                false => self.begin(&head, rest),
            }
        }
        let edge = std::mem::take(&mut self.edge);
        let seam = [&edge, &piece[..piece.len().min(LOOK - 1)]].concat();
        for start in 0..edge.len().min((seam.len() + 1).saturating_sub(LOOK)) {
            if let Some(kind) = Kind::of(&seam[start..]) {
                self.start(kind, &edge[start..], piece);
            }
        }
        self.starts(piece);
        self.edge = match piece.len().checked_sub(LOOK - 1) {
            Some(start) => piece[start..].to_vec(),
            None => seam[seam.len().saturating_sub(LOOK - 1)..].to_vec(),
        };
    }

    /// What begins within a piece.
    fn starts(&mut self, piece: &[u8]) {
        let Some(last) = piece.len().checked_sub(LOOK) else { return };
        let within = &piece[..last + Kind::MAGIC];
        for magic in Kind::MAGICS {
            for start in memmem::find_iter(within, magic).take_while(|start| *start <= last) {
                if let Some(kind) = Kind::of(&piece[start..]) {
                    self.start(kind, &[], &piece[start..]);
                }
            }
        }
        for start in memchr_iter(Kind::ZLIB, &piece[..=last]) {
            if Kind::of(&piece[start..]) == Some(Kind::Zlib) {
                self.start(Kind::Zlib, &[], &piece[start..]);
            }
        }
    }

    /// What the data is as a whole, told by its first bytes.
    fn begin(&mut self, head: &[u8], rest: &[u8]) {
        if self.depth == DEPTH || head.len() < LOOK {
            return;
        }
        for kind in Kind::of_all(head) {
            self.start(kind, head, rest);
        }
        let tried = [head, &rest[..rest.len().min(TRIED)]].concat();
        if self.bounds.inflates(&tried, false) {
            self.start(Kind::Deflate, head, rest);
        }
    }

    /// Looks into what may be a stream. What is none after all soon ends in an error.
    fn start(&mut self, kind: Kind, edge: &[u8], piece: &[u8]) {
        if kind == Kind::Zlib {
            let tried = match edge {
                [] => &piece[..piece.len().min(TRIED)],
                edge => &[edge, &piece[..piece.len().min(TRIED)]].concat(),
            };
            if self.depth == DEPTH || !self.bounds.inflates(tried, true) {
                return;
            }
        }
        if self.depth == DEPTH {
            self.bounds.give_up();
            return;
        }
        if !self.bounds.enter() {
            return;
        }
        let inner = Sieve::at(self.needle, self.bounds, self.depth + 1);
        let mut unfolding = Unfolding::new(kind, inner);
        if unfolding.unfold(edge) && unfolding.unfold(piece) {
            self.nested.push(unfolding);
        } else {
            self.harvest(unfolding);
        }
    }

    fn harvest(&mut self, unfolding: Unfolding<'n>) {
        let (name, mut found) = unfolding.finish();
        if name == Kind::Base64.name() {
            // That is the needle itself, plainly.
            found.remove("decoded");
        }
        self.found.extend(found.into_iter().map(|encoding| format!("{name}+{encoding}")));
        self.bounds.leave();
    }
}

/// What a stream unfolds to.
impl Write for Sieve<'_> {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        let taken = self.bounds.take(piece.len());
        self.feed(&piece[..taken]);
        match taken < piece.len() {
            true => Err(io::Error::other("more than can be searched")),
            false => Ok(taken),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::leak::bounds::LIVE;

    const SECRET: &str = "k7q2m9x4w8z1n5b3v6c0h2j4l8p1r5t7d9f3g6s0";

    /// A stream that shares no bytes with its content, which many zeros make worth compressing.
    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let bytes = [&[0; 4096], bytes].concat();
        let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        writer.write_all(&bytes).unwrap();
        writer.finish().unwrap()
    }

    /// What is found in data in pieces of one size, and whether no bound was hit.
    fn sifted(data: &[u8], size: usize, bytes: u64) -> (Vec<String>, bool) {
        let (needle, bounds) = (Needle::new(SECRET).unwrap(), Bounds::new(bytes));
        let mut sieve = Sieve::new(&needle, &bounds);
        data.chunks(size).for_each(|piece| sieve.feed(piece));
        (sieve.finish().into_iter().collect(), bounds.complete())
    }

    fn found(data: &[u8]) -> Vec<String> {
        let (found, complete) = sifted(data, 1 << 16, 1 << 20);
        assert!(complete);
        found
    }

    #[test]
    fn a_stream_is_found_wherever_it_begins_and_pieces_break() {
        let stream = gzip(SECRET.as_bytes());
        let data = [b"#!/bin/sh\n", stream.as_slice(), b"and more"].concat();
        for size in 1..data.len() {
            let wanted = (vec!["gzip+plain".to_owned()], true);
            assert_eq!(sifted(&data, size, 1 << 20), wanted, "{size}");
        }
    }

    #[test]
    fn a_second_stream_and_one_that_breaks_off_are_found() {
        let (empty, stream) = (gzip(b""), gzip(format!("{SECRET} {SECRET}").as_bytes()));
        assert_eq!(found(&[empty.as_slice(), &stream].concat()), ["gzip+plain"]);
        assert_eq!(found(&stream[..stream.len() - 9]), ["gzip+plain"]);
    }

    #[test]
    fn beginnings_of_no_stream_hide_none() {
        let mut data = [0x1f, 0x8b, 0x08, 0, 0, 0, 0, 0, 0, 3, 0xff, 0xff].repeat(200);
        data.extend([0x1f, 0x8b, 0x08, 0xff]);
        assert_eq!(found(&data), [""; 0]);
        data.extend(gzip(SECRET.as_bytes()));
        assert_eq!(found(&data), ["gzip+plain"]);
    }

    #[test]
    fn streams_in_streams_are_looked_into_up_to_a_depth() {
        let thrice = gzip(&gzip(&gzip(SECRET.as_bytes())));
        assert_eq!(found(&thrice), ["gzip+gzip+gzip+plain"]);
        assert_eq!(sifted(&gzip(&thrice), 4096, 1 << 20), (Vec::new(), false));
    }

    #[test]
    fn what_unfolds_to_too_much_is_said() {
        let bomb = gzip(&[&[0; 100_000], SECRET.as_bytes()].concat());
        let whole = 4096 + 100_000 + 40;
        assert_eq!(sifted(&bomb, 100, whole), (vec!["gzip+plain".into()], true));
        assert_eq!(sifted(&bomb, 100, 50_000), (Vec::new(), false));
    }

    #[test]
    fn more_streams_at_a_time_than_can_be_followed_are_said() {
        // A header whose name does not end keeps its decoder waiting.
        let open = [0x1f, 0x8b, 0x08, 0x08, 1, 1, 1, 1, 2, 3, b'n'];
        assert!(sifted(&open.repeat(LIVE), open.len(), 1 << 20).1);
        let mut data = open.repeat(LIVE + 1);
        data.extend(gzip(SECRET.as_bytes()));
        assert!(!sifted(&data, open.len(), 1 << 20).1);
    }

    const PADDED: &[u8] = &[0; 4096];

    #[test]
    fn zip_and_zlib_are_found_wherever_they_begin_and_deflate_where_the_data_does() {
        let secret = [PADDED, SECRET.as_bytes()].concat();
        let level = flate2::Compression::default();
        let mut zip = zip::ZipWriter::new(io::Cursor::new(Vec::new()));
        for name in ["first", "the second"] {
            zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
            zip.write_all(if name == "first" { b"nothing" } else { &secret }).unwrap();
        }
        let zip = zip.finish().unwrap().into_inner();
        let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), level);
        zlib.write_all(&secret).unwrap();
        let zlib = zlib.finish().unwrap();
        let mut deflate = flate2::write::DeflateEncoder::new(Vec::new(), level);
        deflate.write_all(&secret).unwrap();
        let deflate = deflate.finish().unwrap();
        for (data, name) in
            [(&zip, "zip+plain"), (&zlib, "zlib+plain"), (&deflate, "deflate+plain")]
        {
            for size in [1, 2, 3, 7, 64, 1 << 16] {
                assert_eq!(sifted(data, size, 1 << 20), (vec![name.to_owned()], true), "{size}");
            }
        }
        assert_eq!(found(&[b"xx\x78", zlib.as_slice(), b"more"].concat()), ["zlib+plain"]);
        assert_eq!(found(&gzip(&zip)), ["gzip+zip+plain"]);
    }

    #[test]
    fn what_is_encoded_and_compressed_is_found() {
        use data_encoding::{BASE64, HEXUPPER};
        let stream = gzip(SECRET.as_bytes());
        let base64 = BASE64.encode(&stream);
        let lines: Vec<&[u8]> = base64.as_bytes().chunks(76).collect();
        let lines = lines.join(b"\n".as_slice());
        for size in [1, 5, 1000] {
            let found = |data: &[u8]| sifted(data, size, 1 << 20).0;
            assert_eq!(found(&lines), ["base64+gzip+plain"]);
            assert_eq!(
                found(&[b"a 'quoted' one: ", lines.as_slice()].concat()),
                ["base64+gzip+plain"]
            );
            assert_eq!(found(HEXUPPER.encode(&stream).as_bytes()), ["hex+gzip+plain"]);
            let twice = BASE64.encode(base64.as_bytes());
            assert_eq!(found(twice.as_bytes()), ["base64+base64+gzip+plain"]);
        }
    }

    #[test]
    fn what_is_nothing_of_that_hides_nothing_and_takes_no_room() {
        let mut data = b"x\x9cx\x01x\xdax\x5ePK\x03\x04H4sIUEsDB ".repeat(20_000);
        data.extend(SECRET.as_bytes());
        let (found, _) = sifted(&data, 1 << 16, 1 << 20);
        assert!(found.contains(&"plain".to_owned()));
        let random: Vec<u8> = (0..1_000_000_u64)
            .map(|at| {
                (at.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29) ^ (at * at) >> 3) as u8
            })
            .collect();
        assert_eq!(sifted(&random, 1 << 16, 1 << 20), (Vec::new(), true));
    }
}
