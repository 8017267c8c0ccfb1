//! Output of a program, as much of it as is kept.

use std::collections::VecDeque;

/// The first bytes of an output stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Captured {
    /// The bytes, at most as many as the limit.
    pub bytes: Vec<u8>,
    /// Whether there were more.
    pub truncated: bool,
}

impl Captured {
    /// Takes what still fits under `limit` bytes.
    pub(super) fn push(&mut self, bytes: &[u8], limit: usize) {
        let room = limit.saturating_sub(self.bytes.len());
        let taken = bytes.get(..room).unwrap_or(bytes);
        self.bytes.extend_from_slice(taken);
        self.truncated |= taken.len() < bytes.len();
    }

    /// The bytes as text; what is no UTF-8 is replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}

/// The last bytes of an output stream.
#[derive(Debug, Default)]
pub(super) struct Tail {
    bytes: VecDeque<u8>,
    truncated: bool,
}

impl Tail {
    /// Takes all bytes, and forgets the oldest above `limit`.
    pub(super) fn push(&mut self, bytes: &[u8], limit: usize) {
        self.bytes.extend(bytes);
        let excess = self.bytes.len().saturating_sub(limit);
        self.truncated |= excess > 0;
        self.bytes.drain(..excess);
    }

    /// The text from the first whole line on.
    pub(super) fn text(&self) -> String {
        let bytes: Vec<u8> = self.bytes.iter().copied().collect();
        let text = String::from_utf8_lossy(&bytes);
        match text.split_once('\n') {
            Some((_, rest)) if self.truncated && !rest.is_empty() => rest.to_owned(),
            _ => text.into_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_capture_keeps_the_head_and_says_what_is_missing() {
        let mut captured = Captured::default();
        captured.push(b"abc", 5);
        assert_eq!((captured.text().as_str(), captured.truncated), ("abc", false));
        captured.push(b"def", 5);
        captured.push(b"g", 5);
        assert_eq!((captured.text().as_str(), captured.truncated), ("abcde", true));
    }

    #[test]
    fn a_capture_filled_to_the_brim_is_whole() {
        let mut captured = Captured::default();
        captured.push(b"abc", 3);
        assert!(!captured.truncated);
    }

    #[test]
    fn a_tail_begins_with_a_whole_line() {
        let mut tail = Tail::default();
        tail.push(b"one\ntwo\nthree\n", 10);
        assert_eq!(tail.text(), "three\n");
    }

    #[test]
    fn a_tail_of_one_long_line_keeps_its_end() {
        let mut tail = Tail::default();
        tail.push(b"abcdef", 3);
        assert_eq!(tail.text(), "def");
    }
}
