//! Pieces of files, looked for in others: short enough to find what was kept of a part, and too long to be there by chance.

use std::collections::BTreeSet;
use std::io::{self, Read};
use std::sync::Arc;

use aho_corasick::AhoCorasick;

/// Bytes of a piece.
const PIECE: usize = 32;
/// Different bytes that a piece has at least: zeros, or one word again and again, are in many files.
const DIFFERENT: usize = 12;
/// From its beginning and up to its end, a file's pieces lie this close; between, this far apart.
const CLOSE: usize = 64;
const APART: usize = 512;
/// Bytes at either end of a file that pieces lie close in.
const ENDS: usize = 8 * 1024;
/// The most bytes of files that pieces are taken of, and the most pieces.
const READ: u64 = 64 * 1024 * 1024;
const MOST: usize = 20_000;

/// Pieces of files.
#[derive(Clone, Debug)]
pub(super) struct Pieces(Arc<AhoCorasick>);

impl Pieces {
    /// Those of the files in a tar; none where there is nothing that could not be elsewhere by chance.
    ///
    /// # Errors
    /// When the tar breaks off.
    pub(super) fn of(tar: impl Read) -> io::Result<Option<Self>> {
        let mut pieces = BTreeSet::new();
        let mut rest = READ;
        for entry in tar::Archive::new(tar).entries()? {
            let entry = entry?;
            if !entry.header().entry_type().is_file() || rest == 0 || pieces.len() >= MOST {
                continue;
            }
            let mut bytes = Vec::new();
            entry.take(rest).read_to_end(&mut bytes)?;
            rest = rest.saturating_sub(bytes.len() as u64);
            for at in places(bytes.len()) {
                let piece = bytes.get(at..at + PIECE).unwrap_or_default();
                if piece.iter().collect::<BTreeSet<_>>().len() >= DIFFERENT && pieces.len() < MOST {
                    pieces.insert(piece.to_vec());
                }
            }
        }
        if pieces.is_empty() {
            return Ok(None);
        }
        let search = AhoCorasick::new(&pieces).map_err(io::Error::other)?;
        Ok(Some(Self(Arc::new(search))))
    }

    /// Whether one of them is in a file.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(super) fn are_in(&self, file: impl Read) -> io::Result<bool> {
        self.0.stream_find_iter(file).next().transpose().map(|found| found.is_some())
    }
}

fn places(size: usize) -> impl Iterator<Item = usize> {
    let end = size.saturating_sub(ENDS);
    let is_close = move |at: usize| at < ENDS || at >= end;
    (0..size).step_by(CLOSE).filter(move |at| is_close(*at) || at % APART == 0)
}
