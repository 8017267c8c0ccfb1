//! How much an archive may hold, and readers that hold it to that.

use std::cell::Cell;
use std::io::{self, Read};

use super::flaw::Flaw;
use crate::unit::show_bytes;

/// How much an archive may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Bytes of the file.
    pub file: u64,
    /// Bytes that it unfolds to; once more so many for the layers in it.
    pub unpacked: u64,
    /// Entries; once more so many for the layers in it.
    pub entries: u64,
    /// Bytes of a path.
    pub path: usize,
    /// How many times its size something compressed may unfold to, beyond [`FREE`].
    pub ratio: u64,
}

/// What may be unfolded before the ratio counts: a few zeros are no bomb.
const FREE: u64 = 16 << 20;

impl Default for Bounds {
    fn default() -> Bounds {
        Bounds {
            file: 500_000_000,
            unpacked: 2_000_000_000,
            entries: 200_000,
            path: 4096,
            ratio: 200,
        }
    }
}

/// What is still allowed of some amounts.
#[derive(Debug)]
pub(super) struct Budget {
    pub(super) bounds: Bounds,
    unpacked: Cell<u64>,
    entries: Cell<u64>,
}

impl Budget {
    pub(super) fn new(bounds: &Bounds) -> Budget {
        Budget {
            bounds: *bounds,
            unpacked: Cell::new(bounds.unpacked),
            entries: Cell::new(bounds.entries),
        }
    }

    /// Bytes that were unfolded.
    pub(super) fn unpacked(&self) -> u64 {
        self.bounds.unpacked - self.unpacked.get()
    }

    /// Takes one more entry.
    pub(super) fn entry(&self) -> Result<(), Flaw> {
        let left = self.entries.get().checked_sub(1);
        let text = || format!("holds more than {} entries", self.bounds.entries);
        self.entries.set(left.ok_or_else(|| Flaw::danger(text()))?);
        Ok(())
    }

    /// Takes so many more unfolded bytes.
    fn bytes(&self, count: u64) -> Result<(), Flaw> {
        let left = self.unpacked.get().checked_sub(count);
        self.unpacked.set(left.ok_or_else(|| self.too_much())?);
        Ok(())
    }

    pub(super) fn too_much(&self) -> Flaw {
        Flaw::danger(format!("unfolds to more than {}", show_bytes(self.bounds.unpacked)))
    }
}

/// Reads from outside: counts, and tells our failures from the archive's.
pub(super) struct Source<'c, R> {
    inner: R,
    taken: &'c Cell<u64>,
    most: u64,
}

impl<'c, R: Read> Source<'c, R> {
    pub(super) fn new(inner: R, taken: &'c Cell<u64>, most: u64) -> Source<'c, R> {
        Source { inner, taken, most }
    }
}

impl<R: Read> Read for Source<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = match self.inner.read(buffer) {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Err(error),
            Err(error) => return Err(Flaw::Source(error).into()),
        };
        self.taken.set(self.taken.get() + count as u64);
        if self.taken.get() > self.most {
            return Err(too_large(self.most).into());
        }
        Ok(count)
    }
}

/// The flaw of a file that is larger than that.
pub(super) fn too_large(most: u64) -> Flaw {
    Flaw::danger(format!("is larger than {}", show_bytes(most)))
}

/// Counts what is read of something within the archive.
pub(super) struct Counted<'c, R> {
    inner: R,
    taken: &'c Cell<u64>,
}

impl<'c, R: Read> Counted<'c, R> {
    pub(super) fn new(inner: R, taken: &'c Cell<u64>) -> Counted<'c, R> {
        Counted { inner, taken }
    }
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.taken.set(self.taken.get() + count as u64);
        Ok(count)
    }
}

/// What comes out of a decoder (or of none), held to amount and ratio.
pub(super) struct Unfolded<'c, R> {
    inner: R,
    /// What went into the decoder so far.
    taken: &'c Cell<u64>,
    given: u64,
    budget: &'c Budget,
    /// What went wrong before: whoever reads on does not get past it.
    stuck: Option<Flaw>,
}

impl<'c, R: Read> Unfolded<'c, R> {
    pub(super) fn new(inner: R, taken: &'c Cell<u64>, budget: &'c Budget) -> Unfolded<'c, R> {
        Unfolded { inner, taken, given: 0, budget, stuck: None }
    }

    pub(super) fn into_inner(self) -> R {
        self.inner
    }
}

impl<R: Read> Unfolded<'_, R> {
    fn step(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.given += count as u64;
        self.budget.bytes(count as u64)?;
        let ratio = self.budget.bounds.ratio;
        if self.given > FREE && self.given > self.taken.get().saturating_mul(ratio) {
            let text = format!("unfolds to more than {ratio} times its size");
            return Err(Flaw::danger(text).into());
        }
        Ok(count)
    }
}

impl<R: Read> Read for Unfolded<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some(flaw) = &self.stuck {
            return Err(flaw.again().into());
        }
        match self.step(buffer) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                let flaw = Flaw::from(error);
                self.stuck = Some(flaw.again());
                Err(flaw.into())
            }
            read => read,
        }
    }
}
