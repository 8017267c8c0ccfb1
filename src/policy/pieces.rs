//! A container's output on a stream that is no terminal's: in pieces, each with a header.

use bytes::{BufMut, BytesMut};

/// Before each piece stand its stream's number, three zeros, and its length.
const HEADER: usize = 8;
const STDERR: u8 = 2;

/// Where one is in such a stream.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    header: Vec<u8>,
    /// What is still to come of a piece.
    left: u64,
}

impl Pieces {
    /// Whether a stream that begins so is in pieces.
    pub(super) fn begin(bytes: &[u8]) -> bool {
        matches!(bytes, [0..=STDERR, 0, 0, 0, ..])
    }

    /// Takes the headers out.
    pub(super) fn split(&mut self, mut bytes: &[u8], mut piece: impl FnMut(&[u8])) {
        while !bytes.is_empty() {
            if self.left == 0 {
                let (head, rest) = bytes.split_at(bytes.len().min(HEADER - self.header.len()));
                self.header.extend_from_slice(head);
                bytes = rest;
                if let [_, _, _, _, a, b, c, d] = self.header[..] {
                    self.left = u32::from_be_bytes([a, b, c, d]).into();
                    self.header.clear();
                }
                continue;
            }
            let length = usize::try_from(self.left).unwrap_or(usize::MAX).min(bytes.len());
            let (some, rest) = bytes.split_at(length);
            piece(some);
            self.left -= length as u64;
            bytes = rest;
        }
    }

    /// How many of these bytes it takes to the end of a piece, if it is among them.
    pub(super) fn to_the_end(&self, bytes: &[u8]) -> Option<usize> {
        let mut ahead = Self { header: self.header.clone(), left: self.left };
        let mut taken = 0_usize;
        while !(ahead.header.is_empty() && ahead.left == 0) {
            let wanted = match ahead.left {
                0 => HEADER - ahead.header.len(),
                left => usize::try_from(left).unwrap_or(usize::MAX),
            };
            let next = bytes.get(taken..taken.checked_add(wanted)?)?;
            ahead.split(next, |_| {});
            taken += wanted;
        }
        Some(taken)
    }

    /// Puts a piece of standard error.
    pub(super) fn put(out: &mut BytesMut, text: &[u8]) {
        out.put_slice(&[STDERR, 0, 0, 0]);
        out.put_u32(u32::try_from(text.len()).unwrap_or(u32::MAX));
        out.put_slice(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_piece_is_found_from_anywhere() {
        let stream = b"\x01\0\0\0\0\0\0\x03one\x01\0\0\0\0\0\0\x03two";
        for from in 0..stream.len() {
            let mut pieces = Pieces::default();
            pieces.split(&stream[..from], |_| {});
            let end = [0, 11, 22].into_iter().find(|end| *end >= from).unwrap();
            assert_eq!(pieces.to_the_end(&stream[from..]), Some(end - from), "from {from}");
            if end > from {
                assert_eq!(pieces.to_the_end(&stream[from..end - 1]), None, "from {from}");
            }
        }
    }
}
