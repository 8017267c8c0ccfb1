//! The rows of a dump, put together again: what each has after its address or number.

use memchr::memchr;

/// The longest row.
const ROW: usize = 4096;
/// The longest address, in digits.
const ADDRESS: usize = 16;

/// Rows of a text that comes in pieces: lines that begin with a number. `od`, `xxd`, `hexdump`, `nl`
/// and `grep -n` write such.
#[derive(Default)]
pub(super) struct Rows {
    /// What there is of a line that has not ended.
    line: Vec<u8>,
    /// Whether that line is no row.
    is_other: bool,
    text: Vec<u8>,
    digits: Vec<u8>,
    fresh: bool,
}

impl Rows {
    /// Reads on.
    pub(super) fn feed(&mut self, mut piece: &[u8]) {
        while let Some(end) = memchr(b'\n', piece) {
            let (line, rest) = (&piece[..end], &piece[end + 1..]);
            if self.line.is_empty() && !self.is_other {
                self.row(line);
            } else {
                self.carry(line);
                let line = std::mem::take(&mut self.line);
                self.row(&line);
            }
            self.is_other = false;
            piece = rest;
        }
        self.carry(piece);
    }

    /// The last line may have no end.
    pub(super) fn finish(&mut self) {
        let line = std::mem::take(&mut self.line);
        self.row(&line);
        self.is_other = false;
    }

    /// Whether there is more than there was.
    pub(super) fn is_fresh(&self) -> bool {
        self.fresh
    }

    /// The rows without addresses and white space.
    pub(super) fn text(&self) -> &[u8] {
        &self.text
    }

    /// The rows' digits, without addresses and what a row repeats as text.
    pub(super) fn digits(&self) -> &[u8] {
        &self.digits
    }

    /// Forgets all but so many last bytes.
    pub(super) fn forget(&mut self, kept: usize) {
        for text in [&mut self.text, &mut self.digits] {
            text.drain(..text.len().saturating_sub(kept));
        }
        self.fresh = false;
    }

    fn carry(&mut self, part: &[u8]) {
        if self.is_other || part.is_empty() {
            return;
        }
        self.line.extend_from_slice(&part[..part.len().min(ROW + 1 - self.line.len().min(ROW))]);
        let is_long = self.line.len() > ADDRESS * 2;
        if self.line.len() > ROW || (is_long && after_address(&self.line).is_none()) {
            self.is_other = true;
            self.line = Vec::new();
        }
    }

    fn row(&mut self, line: &[u8]) {
        let row = match after_address(line) {
            Some(row) if line.len() <= ROW => row,
            _ => return,
        };
        self.fresh = true;
        self.text.extend(row.iter().filter(|byte| !byte.is_ascii_whitespace()));
        let words = row.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
        let digits = words.take_while(|word| word.iter().all(u8::is_ascii_hexdigit));
        digits.for_each(|word| self.digits.extend_from_slice(word));
    }
}

/// What comes after a number at the beginning of a line.
fn after_address(line: &[u8]) -> Option<&[u8]> {
    let start = line.iter().take(ADDRESS).position(|byte| !matches!(byte, b' ' | b'\t'))?;
    let line = &line[start..];
    let digits = line.iter().take(ADDRESS + 1).take_while(|byte| byte.is_ascii_hexdigit()).count();
    match line.get(digits)? {
        b':' | b' ' | b'\t' if (1..=ADDRESS).contains(&digits) => Some(&line[digits + 1..]),
        _ => None,
    }
}
