//! How much may be unfolded on the way.

use std::cell::{Cell, RefCell};

use flate2::{Decompress, FlushDecompress};

/// The most streams of one file that are unfolded at the same time.
pub(super) const LIVE: usize = 32;
/// The most beginnings of streams that are followed in one file.
const STARTS: usize = 50_000;
/// The most beginnings of zlib streams that are tried in one file: of random bytes, one in 16 KiB is
/// none.
const TRIES: usize = 400_000;
/// How many bytes are tried of what has no magic number worth the name, and what they unfold to.
pub(super) const TRIED: usize = 512;

/// What may still be unfolded of one file, at all depths together.
pub(super) struct Bounds {
    bytes: Cell<u64>,
    live: Cell<usize>,
    starts: Cell<usize>,
    tries: Cell<usize>,
    complete: Cell<bool>,
    trial: RefCell<Decompress>,
}

impl Bounds {
    /// Bounds on one file, of which so many bytes may be unfolded.
    pub(super) fn new(bytes: u64) -> Bounds {
        Bounds {
            bytes: Cell::new(bytes),
            live: Cell::new(LIVE),
            starts: Cell::new(STARTS),
            tries: Cell::new(TRIES),
            complete: Cell::new(true),
            trial: RefCell::new(Decompress::new(true)),
        }
    }

    /// The same for the next file.
    pub(super) fn renew(&mut self, bytes: u64) {
        self.bytes.set(bytes);
        self.live.set(LIVE);
        self.starts.set(STARTS);
        self.tries.set(TRIES);
        self.complete.set(true);
    }

    /// Says that something could not be looked into.
    pub(super) fn give_up(&self) {
        self.complete.set(false);
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
    pub(super) fn enter(&self) -> bool {
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

    /// That stream has ended.
    pub(super) fn leave(&self) {
        self.live.set(self.live.get() + 1);
    }

    /// How many of these unfolded bytes may be looked at.
    pub(super) fn take(&self, bytes: usize) -> usize {
        let left = self.bytes.get();
        let taken = u64::try_from(bytes).unwrap_or(u64::MAX).min(left);
        self.bytes.set(left - taken);
        let taken = usize::try_from(taken).unwrap_or(bytes);
        if taken < bytes {
            self.complete.set(false);
        }
        taken
    }

    /// Whether these bytes can be the beginning of a deflate stream.
    pub(super) fn inflates(&self, bytes: &[u8], zlib: bool) -> bool {
        let Some(tries) = self.tries.get().checked_sub(1) else {
            self.complete.set(false);
            return false;
        };
        self.tries.set(tries);
        let mut trial = self.trial.borrow_mut();
        trial.reset(zlib);
        let (bytes, mut unfolded) = (&bytes[..bytes.len().min(TRIED)], [0; TRIED]);
        trial.decompress(bytes, &mut unfolded, FlushDecompress::None).is_ok()
    }
}
