//! A search through data in pieces that also looks into every gzip stream in it, wherever it begins.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::io::{self, Write};

use flate2::write::GzDecoder;
use memchr::memmem;

use super::needle::{Needle, Search};

/// How a gzip stream begins: its magic number and the only method there is.
const MAGIC: &[u8] = &[0x1f, 0x8b, 0x08];
/// The flags, which come next, have their three highest bits unset.
const FLAGS: u8 = 0x20;
/// Streams within streams are looked into this far.
const DEPTH: usize = 3;
/// The most streams of one file that are unfolded at the same time.
const LIVE: usize = 32;
/// The most beginnings of streams that are tried in one file.
const STARTS: usize = 50_000;

/// What may still be unfolded of one file, at all depths together.
#[derive(Debug)]
pub(super) struct Bounds {
    bytes: Cell<u64>,
    live: Cell<usize>,
    starts: Cell<usize>,
    complete: Cell<bool>,
}

impl Bounds {
    /// Bounds on one file, of which so many bytes may be unfolded.
    pub(super) fn new(bytes: u64) -> Bounds {
        Bounds {
            bytes: Cell::new(bytes),
            live: Cell::new(LIVE),
            starts: Cell::new(STARTS),
            complete: Cell::new(true),
        }
    }

    /// Whether no bound was hit.
    pub(super) fn complete(&self) -> bool {
        self.complete.get()
    }

    /// Bytes that may still be unfolded.
    pub(super) fn left(&self) -> u64 {
        self.bytes.get()
    }

    /// Room for one more stream, if there is any.
    fn enter(&self) -> bool {
        let room = self.live.get().checked_sub(1).zip(self.starts.get().checked_sub(1));
        match room {
            Some((live, starts)) => {
                self.live.set(live);
                self.starts.set(starts);
            }
            None => self.complete.set(false),
        }
        room.is_some()
    }

    fn leave(&self) {
        self.live.set(self.live.get() + 1);
    }

    /// How many of these unfolded bytes may be looked at.
    fn take(&self, bytes: usize) -> usize {
        let left = self.bytes.get();
        let taken = u64::try_from(bytes).unwrap_or(u64::MAX).min(left);
        self.bytes.set(left - taken);
        let taken = usize::try_from(taken).unwrap_or(bytes);
        if taken < bytes {
            self.complete.set(false);
        }
        taken
    }
}

/// A search under way, and the gzip streams that were met and have not ended yet.
pub(super) struct Sieve<'n> {
    needle: &'n Needle,
    bounds: &'n Bounds,
    search: Search<'n>,
    nested: Vec<GzDecoder<Sieve<'n>>>,
    /// What was found in streams that ended.
    found: BTreeSet<String>,
    /// The last bytes, as a stream may begin in them.
    edge: Vec<u8>,
    depth: usize,
}

impl<'n> Sieve<'n> {
    /// A search through one file.
    pub(super) fn new(needle: &'n Needle, bounds: &'n Bounds) -> Sieve<'n> {
        Sieve::at(needle, bounds, 0)
    }

    fn at(needle: &'n Needle, bounds: &'n Bounds, depth: usize) -> Sieve<'n> {
        let search = needle.stream();
        let (nested, found, edge) = (Vec::new(), BTreeSet::new(), Vec::new());
        Sieve { needle, bounds, search, nested, found, edge, depth }
    }

    /// Ends the search, and gives the encodings that were found.
    pub(super) fn finish(&mut self) -> BTreeSet<String> {
        for decoder in std::mem::take(&mut self.nested) {
            self.harvest(decoder);
        }
        self.found.extend(self.search.found.iter().map(|name| (*name).to_owned()));
        std::mem::take(&mut self.found)
    }

    /// Searches on; a match or a gzip stream may begin in an earlier piece.
    pub(super) fn feed(&mut self, piece: &[u8]) {
        self.search.feed(piece);
        for mut decoder in std::mem::take(&mut self.nested) {
            match unfold(&mut decoder, piece) {
                true => self.nested.push(decoder),
                false => self.harvest(decoder),
            }
        }
        let edge = std::mem::take(&mut self.edge);
        let head = [&edge, piece.get(..MAGIC.len()).unwrap_or(piece)].concat();
        for start in 0..edge.len() {
            if is_start(&head[start..]) {
                self.start(&edge[start..], piece);
            }
        }
        for start in memmem::find_iter(piece, MAGIC) {
            if is_start(&piece[start..]) {
                self.start(&[], &piece[start..]);
            }
        }
        let last = match piece.len().checked_sub(MAGIC.len()) {
            Some(start) => piece[start..].to_vec(),
            None => [&edge, piece].concat(),
        };
        self.edge = last[last.len().saturating_sub(MAGIC.len())..].to_vec();
    }

    /// Looks into what may be a gzip stream. What is none after all soon ends in an error.
    fn start(&mut self, edge: &[u8], piece: &[u8]) {
        if self.depth == DEPTH {
            self.bounds.complete.set(false);
            return;
        }
        if !self.bounds.enter() {
            return;
        }
        let inner = Sieve::at(self.needle, self.bounds, self.depth + 1);
        let mut decoder = GzDecoder::new(inner);
        if unfold(&mut decoder, edge) && unfold(&mut decoder, piece) {
            self.nested.push(decoder);
        } else {
            self.harvest(decoder);
        }
    }

    fn harvest(&mut self, mut decoder: GzDecoder<Sieve<'n>>) {
        // What was unfolded before an error counts as well.
        let _ = decoder.try_finish();
        let found = decoder.get_mut().finish();
        self.found.extend(found.into_iter().map(|name| format!("gzip+{name}")));
        self.bounds.leave();
    }
}

/// What a decoder unfolds.
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

/// Whether the stream goes on after these bytes.
fn unfold(decoder: &mut GzDecoder<Sieve<'_>>, mut bytes: &[u8]) -> bool {
    while !bytes.is_empty() {
        match decoder.write(bytes) {
            Ok(0) | Err(_) => return false,
            Ok(count) => bytes = &bytes[count..],
        }
    }
    true
}

fn is_start(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC) && bytes.get(MAGIC.len()).is_some_and(|flags| *flags < FLAGS)
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
